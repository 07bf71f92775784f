"""Tests of openclaw.security.exec."""
