"""The official client libraries, as programs that ask the gateway; each step is a line of JSON."""
