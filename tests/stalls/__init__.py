"""The detector of calls that hold the reactor: what holds it for 250 ms fails the tests.

It is there in every run of the tests on Linux: ``tests/__init__.py`` puts it into the process of
trial, and into each Python process that the tests start. See docs/development.rst for what it
counts, and for what it lets pass and why.
"""
