"""Matrix by the client-server API: one account on one homeserver, rooms without encryption."""
