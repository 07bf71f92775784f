"""IRC: one nick on one network."""
