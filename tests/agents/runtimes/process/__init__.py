"""Tests of agents that are programs: in memory, with scripted programs, and with Pi itself."""
