"""Params, results and event payloads, one module per domain."""
