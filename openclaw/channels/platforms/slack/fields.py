"""Fields of what Slack sends, where any may be absent or of another kind; no meaning of theirs."""

import re
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, Any]

_TS = re.compile(r"[0-9]{1,12}\.[0-9]{1,6}")


def text(of: Fields, *names: str) -> str:
    """The first of these fields that is a text and not empty; else an empty one."""
    for name in names:
        value = of.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def part(of: Fields, name: str) -> Fields:
    """An object within, or an empty one."""
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def parts(of: Fields, name: str) -> list[Fields]:
    """The objects of a list within."""
    value = of.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def number(of: Fields, name: str) -> int:
    """A whole number, or 0."""
    value = of.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def is_ts(value: str) -> bool:
    """Whether a text has the form of Slack's message ids, ``1700000000.000100``."""
    return _TS.fullmatch(value) is not None


def milliseconds(ts: str) -> int:
    """The time that a message id tells, Unix milliseconds; 0 for what is none.

    Never by way of a float: that would lose digits, and the id is compared as a text elsewhere.
    """
    if not is_ts(ts):
        return 0
    seconds, _, rest = ts.partition(".")
    return int(seconds) * 1000 + int(rest.ljust(6, "0")) // 1000
