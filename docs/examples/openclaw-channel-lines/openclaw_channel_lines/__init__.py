"""A channel for chats that speak JSON objects, one on each line, over TCP."""
