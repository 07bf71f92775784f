"""Measure the gateway beside the original and its floor; not a test, never installed."""
