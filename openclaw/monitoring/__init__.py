"""Figures of the running gateway: health, lag, notices, usage, logs."""
