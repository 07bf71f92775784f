"""What a server wants back beside a call: under which key it is kept with the thoughts."""

EXTRAS = "extra_content of calls"
"""Holds the ``extra_content`` of calls by their ids; no field of any server is called so."""
