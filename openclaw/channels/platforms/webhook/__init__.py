"""Anything that speaks HTTP: signed JSON in, signed JSON out."""
