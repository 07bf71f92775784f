"""Tests of the gateway's figures of itself."""
