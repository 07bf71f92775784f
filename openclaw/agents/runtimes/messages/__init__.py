"""The API ``anthropic-messages``."""
