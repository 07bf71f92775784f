"""Tests of openclaw.agents.skills."""
