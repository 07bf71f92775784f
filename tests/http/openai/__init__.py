"""The API for programs, in a whole gateway with the model stand-in behind it."""
