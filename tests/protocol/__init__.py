"""The wire: frames, params, dialects, tables."""
