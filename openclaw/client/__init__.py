"""A gateway client on Twisted: the command line, nodes and tests use it; the server does not."""
