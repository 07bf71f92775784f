"""Tests of text for chat platforms."""
