"""Tests of the channel."""
