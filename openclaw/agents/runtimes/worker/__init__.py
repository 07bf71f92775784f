"""Agents on other hosts: which worker gets a run, and what becomes of runs whose worker is lost."""
