"""Measures the way of a message: an in-process channel, a real queue, a real journal."""
