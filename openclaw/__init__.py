"""A gateway for personal AI assistants: one daemon, one port, one WebSocket protocol."""

__version__ = "0.1.0"
