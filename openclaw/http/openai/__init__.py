"""The API that programs made for OpenAI's speak: an agent answers where a model would."""
