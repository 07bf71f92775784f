"""Tests of what the gateway serves over HTTP, and of its outbound client."""
