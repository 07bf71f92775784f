"""The SQL of conversations: plain functions, each for one transaction in the store's thread."""
