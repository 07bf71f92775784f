"""Agents: their runs, the runtimes that produce answers, and the catalogue of models."""
