"""Agents that are programs of their own: their wire, their life, and what runs make of them."""
