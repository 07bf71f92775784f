"""The owner's second factor: one-time passwords, recovery codes, and what is kept of them."""
