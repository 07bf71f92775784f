"""Tests of the agent runtimes, against real servers that misbehave."""
