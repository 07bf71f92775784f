"""Markdown for chat platforms: read once, written in each platform's form, cut to its limits.

One module per form (``plain telegram slack discord matrix whatsapp irc``), each with
``render(markdown) -> str``; :mod:`openclaw.channels.text.chunks` cuts what is too long. Markdown's
parser is loaded at the first rendering.
"""
