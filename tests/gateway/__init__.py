"""Sockets, dispatcher and events, each with real parts around it."""
