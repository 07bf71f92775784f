"""Skills: directories with instructions that an agent is told of and reads when it needs them."""
