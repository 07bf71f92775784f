"""Sealing of values at rest: keys, where they are kept, how they change. No tables, no SQL."""
