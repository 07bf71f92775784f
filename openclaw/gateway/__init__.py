"""Sockets, dispatcher, broadcast, presence: the protocol in motion."""
