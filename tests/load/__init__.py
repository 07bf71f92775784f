"""Crowds at the door: what many strangers at once do to a gateway, and to who is already in."""
