"""Slack's marks in received text, made readable; rendering of what is sent is elsewhere.

See https://docs.slack.dev/messaging/formatting-message-text.
"""

import re
from collections.abc import Mapping

_MARK = re.compile(r"<([^<>\s][^<>\n]*)>")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def mentioned(text: str) -> tuple[str, ...]:
    """Ids of the users whom a text names, each once, in order."""
    return tuple(dict.fromkeys(_USER.findall(text)))


def readable(text: str, names: Mapping[str, str], me: str = "") -> str:
    """Text as a person reads it.

    :param names: display names by user id, as far as they are known.
    :param me: the assistant's user id: a mention of it at the beginning is an address, no text.
    """
    shown = _MARK.sub(lambda mark: _shown(mark[1], names), _without_address(text, me))
    # The ampersand last: "&amp;lt;" is somebody's "&lt;".
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _without_address(text: str, me: str) -> str:
    found = _USER.match(text.lstrip()) if me else None
    if found is None or found[1] != me:
        return text
    rest = text.lstrip()[found.end() :].lstrip(" ,:")
    return rest if rest.strip() else text


def _shown(inside: str, names: Mapping[str, str]) -> str:
    what, _, label = inside.partition("|")
    sign, rest = what[:1], what[1:]
    if sign == "@":
        return f"@{names.get(rest) or label or rest}"
    if sign == "#":
        return f"#{label or rest}"
    if sign == "!":
        return _special(rest, label)
    address = what.removeprefix("mailto:")
    return f"{label} ({what})" if label and label not in (what, address) else address


def _special(what: str, label: str) -> str:
    """``!here``, ``!subteam^S1|@team``, ``!date^1392734382^{date}|in words``."""
    if what.startswith("subteam^"):
        return label or f"@{what.removeprefix('subteam^')}"
    if what.startswith("date^"):
        return label
    return label if label.startswith("@") else f"@{label or what}"
