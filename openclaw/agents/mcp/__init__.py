"""Tools of MCP servers: their wire (JSON-RPC), both transports, and the servers while they live."""
