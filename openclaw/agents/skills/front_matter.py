"""Reads the head of a ``SKILL.md``: the part of YAML that such heads are written in, and no more.

Maps by indentation, lists with dashes, texts, block texts, and values in JSON. No anchors, tags or
types: nothing in a file can become large or become anything but texts, lists and maps.
"""

import re
from typing import Any

import pyjson5

MOST_CHARACTERS = 32_768
MOST_DEPTH = 8
_KEY = re.compile(r"""(?:"([^"]*)"|'([^']*)'|([A-Za-z_][\w.-]*))\s*:(?:\s+(.*))?$""")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}


class FrontMatterError(ValueError):
    """The head is not written as it should be; says in which line."""


class _Lines:
    """The lines of a head, one after the other."""

    def __init__(self, text: str) -> None:
        self.all = text.splitlines()
        self.at = 0

    def peek(self) -> tuple[int, str] | None:
        """Indentation and content of the next line that has any; ``None`` at the end."""
        while self.at < len(self.all):
            line = self.all[self.at]
            if "\t" in line[: len(line) - len(line.lstrip())]:
                raise self.error("a tab in front of a line")
            content = line.strip()
            if content and not content.startswith("#"):
                return len(line) - len(line.lstrip(" ")), content
            self.at += 1
        return None

    def error(self, why: str) -> FrontMatterError:
        """An error in the line that is looked at."""
        return FrontMatterError(f"line {self.at + 2}: {why}")


def split(text: str) -> tuple[dict[str, Any], str]:
    """The head of a file as a map, and what follows it.

    :raises FrontMatterError: there is none, or it is not written as it should be.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not lines.startswith("---\n"):
        raise FrontMatterError("line 1: expected ---, the beginning of the head")
    head, mark, body = lines[4:].partition("\n---")
    if not mark:
        raise FrontMatterError("the head has no end: expected a line ---")
    if len(head) > MOST_CHARACTERS:
        raise FrontMatterError(f"the head has more than {MOST_CHARACTERS} characters")
    found = _block(_Lines(head), 0, 0)
    if not found or not isinstance(found, dict):
        raise FrontMatterError("line 2: expected a map, such as name: …")
    return found, body.partition("\n")[2]


def _block(lines: _Lines, indent: int, depth: int) -> Any:
    """A map or a list whose lines begin at ``indent``."""
    if depth > MOST_DEPTH:
        raise lines.error("too deep")
    first = lines.peek()
    if first is not None and (first[1].startswith("- ") or first[1] == "-"):
        return _list(lines, indent)
    return _map(lines, indent, depth)


def _list(lines: _Lines, indent: int) -> list[Any]:
    found = []
    while (line := lines.peek()) is not None and line[0] == indent:
        if not (line[1].startswith("- ") or line[1] == "-"):
            break  # The next key, where the list stands no further in than its own.
        value = _scalar(lines, line[1][1:].strip())
        lines.at += 1
        found.append(value)
    return found


def _map(lines: _Lines, indent: int, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while (line := lines.peek()) is not None and line[0] >= indent:
        if line[0] != indent:
            raise lines.error("this line stands further in than those above it")
        match = _KEY.match(line[1])
        if match is None:
            raise lines.error("expected key: value")
        key = next(name for name in match.groups()[:3] if name is not None)
        lines.at += 1
        found[key] = _value(lines, (match[4] or "").strip(), indent, depth)
    return found


def _value(lines: _Lines, text: str, indent: int, depth: int) -> Any:
    """What stands behind a key: in its line, or in those below that stand further in."""
    if re.fullmatch(r"[|>][+-]?", text):
        return _text(lines, indent, folded=text[0] == ">")
    if text and text[0] in "{[":
        return _flow(lines, text)
    if text:
        return _continued(lines, text, indent)
    below = lines.peek()
    if below is None or below[0] < indent or (below[0] == indent and not below[1].startswith("-")):
        return None
    if below[1][0] in "{[":
        lines.at += 1
        return _flow(lines, below[1])
    return _block(lines, below[0], depth + 1)


def _continued(lines: _Lines, text: str, indent: int) -> Any:
    """A text that goes on in lines that stand further in."""
    parts = [text]
    while (line := lines.peek()) is not None and line[0] > indent:
        parts.append(line[1])
        lines.at += 1
    lines.at -= 1
    value = _scalar(lines, " ".join(parts))
    lines.at += 1
    return value


def _text(lines: _Lines, indent: int, folded: bool) -> str:
    parts = []
    while lines.at < len(lines.all):
        line = lines.all[lines.at]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        parts.append(line.strip())
        lines.at += 1
    return (" " if folded else "\n").join(parts).strip()


def _flow(lines: _Lines, text: str) -> Any:
    """JSON, over as many lines as it takes; commas at ends and names without quotes are fine."""
    start = lines.at
    while True:
        try:
            return pyjson5.decode(text)
        except pyjson5.Json5Exception:
            if lines.at >= len(lines.all):
                break
            text += "\n" + lines.all[lines.at]
            lines.at += 1
    lines.at = start
    words = [one.strip() for one in text.partition("\n")[0].strip("[]").split(",")]
    if text.startswith("[") and text.partition("\n")[0].endswith("]"):
        return [_scalar(lines, one) for one in words if one]
    lines.at -= 1
    raise lines.error("these brackets are no JSON")


def _scalar(lines: _Lines, text: str) -> Any:
    if text[:1] in ('"', "'"):
        if len(text) < 2 or text[-1] != text[0]:
            raise lines.error("a quote without its end")
        if text[0] == "'":
            return text[1:-1].replace("''", "'")
        try:
            return pyjson5.decode(text)
        except pyjson5.Json5Exception:
            raise lines.error("a quote that cannot be read") from None
    if text[:1] in ("&", "*", "!", "%", "@", "`"):
        raise lines.error(f"{text[0]} means something in YAML that is not read here; use quotes")
    plain = text.partition(" #")[0].strip()
    return _WORDS.get(plain.lower(), plain)
