"""Puts the gateway together: sockets, objects, order of start and stop. No policy of its own."""
