"""What the gateway promises across kills and restarts, and the proof that a breach is noticed."""
