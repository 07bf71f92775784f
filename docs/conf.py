"""How Sphinx builds the documentation."""

from openclaw import __version__

project = "OpenClaw Gateway for Twisted"
copyright = "The OpenClaw Gateway for Twisted authors"
release = __version__
html_theme = "alabaster"
html_theme_options = {
    "description": "A gateway for personal AI assistants",
    "fixed_sidebar": True,
    "page_width": "1040px",
}
html_show_sourcelink = False
exclude_patterns = ["_build", "examples"]
nitpicky = True
