"""Every boundary between packages: one module per boundary, contracts only."""
