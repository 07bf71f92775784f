"""The API ``openai-responses``."""
