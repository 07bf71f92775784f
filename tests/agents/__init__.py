"""Tests of agents: runs, runtimes, catalogue."""
