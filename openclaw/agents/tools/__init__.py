"""Tools: the box they are in, who may use which, and the tools of the gateway itself."""
