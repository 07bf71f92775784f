"""One package per platform, each with the same modules; loaded when it is configured."""
