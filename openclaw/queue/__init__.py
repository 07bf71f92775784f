"""Messages in lanes until they are worked on: backends, and the worker that is the same for all."""
