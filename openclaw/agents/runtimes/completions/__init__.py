"""The API ``openai-completions``, which Ollama, vLLM, llama.cpp and many others speak."""
