"""What produces answers: the embedded agent, and models behind a wire."""
