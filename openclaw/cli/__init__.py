"""The command line, ``openclaw``: one module per command; it talks to the gateway, never is one."""
