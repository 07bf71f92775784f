"""Tests of what each method answers."""
