"""Tests of people whom somebody else vouches for."""
