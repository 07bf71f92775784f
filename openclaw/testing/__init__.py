"""What authors of channels test with: a contract, a whole gateway, a model; no part of one."""
