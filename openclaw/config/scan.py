"""Find the values of chosen keys in JSON or JSON5 text, with places; parses nothing else."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n\r\u2028\u2029]*|/\*.*?\*/)
      | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<mark>[{}\[\]:,])
      | (?P<word>(?:\\u[0-9a-fA-F]{4}|[^\s\ufeff{}\[\]:,"'/\\])+)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|.))", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SIMPLE |= dict.fromkeys(("\n", "\r", "\r\n", "\u2028", "\u2029"), "")
# In a comment nothing is certain: a name, a colon or equals sign, and what follows.
_NAMED = re.compile(
    r"""["']?([\w.-]+)["']?\s*[:=]\s*("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[^\s,}\]]+)"""
)


class Span(NamedTuple):
    """One value: where its token starts and ends in the text, and what it says."""

    start: int
    end: int
    value: str | bool | None
    in_comment: bool = False


class _Open(NamedTuple):
    """One container that has begun and not ended."""

    is_object: bool
    chosen: bool


def secret_spans(text: str, chosen: Callable[[str], bool]) -> Iterator[Span]:
    """Yield every plain value whose key, or a key above it, is chosen; in order of the text.

    :param text: well-formed JSON or JSON5.
    :param chosen: tells by a key's name.
    """
    stack: list[_Open] = []
    key, has_key = "", False
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind == "comment":
            yield from _in_comment(match.start(), token, chosen)
        elif token in ("{", "["):
            above = bool(stack) and stack[-1].chosen
            stack.append(_Open(token == "{", above or (has_key and chosen(key))))
            has_key = False
        elif token in ("}", "]"):
            del stack[-1:]
            has_key = False
        elif token == ":":
            has_key = True
        elif token == ",":
            has_key = False
        elif stack and stack[-1].is_object and not has_key:
            key = str(_said(token))
        elif (has_key and chosen(key)) or (stack and stack[-1].chosen):
            yield Span(match.start(), match.end(), _said(token))


def _in_comment(at: int, comment: str, chosen: Callable[[str], bool]) -> Iterator[Span]:
    for match in _NAMED.finditer(comment):
        if chosen(match[1]):
            yield Span(at + match.start(2), at + match.end(2), _said(match[2]), True)


def _said(token: str) -> str | bool | None:
    """Read what a token means; numbers stay as they are written."""
    if token[0] in "\"'":
        return _ESCAPE.sub(_unescaped, token[1:-1])
    if token in ("true", "false"):
        return token == "true"
    return None if token == "null" else _ESCAPE.sub(_unescaped, token)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _SIMPLE.get(match[3], match[3])
