"""Runs the command line as ``python -m openclaw.cli``."""

from openclaw.cli.main import main

main()
