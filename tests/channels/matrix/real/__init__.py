"""A homeserver and a client that others wrote, in processes and an environment of their own."""
