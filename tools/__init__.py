"""Tools of the project itself: what ``make`` calls. Nothing of it is installed."""
