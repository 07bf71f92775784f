"""Connections that the gateway opens to others: addresses, guard, TLS, pool, sockets, downloads."""
