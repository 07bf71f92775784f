"""Telegram's HTML as its server reads it: strict about tags, counting what is left as text."""

import re
from html import unescape

ALLOWED = {
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "a",
    "code",
    "pre",
    "blockquote",
    "tg-spoiler",
    "span",
    "tg-emoji",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:\s+[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?)*)\s*>")


class MarkupError(Exception):
    """What the platform calls ``can't parse entities``."""


def plain(markup: str) -> str:
    """The text without its tags.

    :raises MarkupError: a tag is not allowed, not opened or not closed.
    """
    pieces: list[str] = []
    stack: list[str] = []
    at = 0
    while (start := markup.find("<", at)) >= 0:
        pieces.append(markup[at:start])
        found = _TAG.match(markup, start)
        if found is None:
            raise MarkupError(f"Unsupported start tag at byte offset {start}")
        closing, name = found[1], found[2].lower()
        if name not in ALLOWED:
            raise MarkupError(f'Unsupported start tag "{name}" at byte offset {start}')
        if closing:
            if not stack or stack.pop() != name:
                raise MarkupError(f"Unmatched end tag at byte offset {start}")
        else:
            stack.append(name)
        at = found.end()
    if stack:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{stack[-1]}"')
    pieces.append(markup[at:])
    return unescape("".join(pieces))


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
