"""TLS of the gateway's port: certificates, their rotation, what is spoken; no sockets."""
