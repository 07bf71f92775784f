"""Tests of openclaw.agents.mcp."""
