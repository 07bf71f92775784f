"""Admission, bindings, session keys and routes."""
