"""Tests of the owner's second factor."""
