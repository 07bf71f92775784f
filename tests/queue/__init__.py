"""The queue: its backends, its worker, its life on disk."""
