"""Real servers on loopback that play the outside world in tests: never a double of our own code."""
