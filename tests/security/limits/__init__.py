"""Tests of what limits requests, and of who may connect at all."""
