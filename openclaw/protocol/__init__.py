"""The wire, pure: frames, handshake, methods, events. No I/O, no clock, no Twisted."""
