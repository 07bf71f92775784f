"""Tests of openclaw.agents.tools."""
