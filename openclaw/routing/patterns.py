"""Regular expressions that address the assistant: which are safe, and whether a text matches.

Strangers choose the text, so a pattern must not make the matching explode. Each is read once, and
the ways in which it could be tried at one place of a text are counted from above; one with too many
is refused when the configuration is read. Matching one then takes some milliseconds at the very
most, and a text is looked at only as far as :data:`MOST_TEXT`.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

MOST_TEXT = 1000
MOST_PATTERNS = 20
MOST_LENGTH = 200
MOST_WAYS = 4000

_STEPS = frozenset(("LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY", "RANGE", "NEGATE"))
_REPEATS = frozenset(("MAX_REPEAT", "MIN_REPEAT"))
# The standard library's own reader; every Python that we run on has it under this name.
_reader: Any = import_module("re._parser")


class _Refused(Exception):
    """A construct whose cost is not known."""


def fault(pattern: str) -> str:
    """What is wrong with a pattern, in words for who wrote it; empty if it can be used."""
    if len(pattern) > MOST_LENGTH:
        return f"at most {MOST_LENGTH} characters"
    try:
        ways = _ways_of(_reader.parse(pattern, re.IGNORECASE))
        re.compile(pattern, re.IGNORECASE)
    except _Refused as refused:
        return f"a regular expression without {refused}"
    except (re.error, OverflowError, RecursionError) as error:
        return f"a regular expression ({error})"
    if ways > MOST_WAYS:
        return (
            "a regular expression with at most one * or +, none of them inside another; "
            "bounded repeats such as {0,3} may be used more often"
        )
    return "" if not re.search(pattern, "", re.IGNORECASE) else "one that needs some text"


def matches(patterns: Sequence[str], text: str) -> bool:
    """Whether any pattern is found in the beginning of a text, whatever its case."""
    if not patterns:
        return False
    shown = text[:MOST_TEXT]
    return any(one.search(shown) for one in _compiled(tuple(patterns)))


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    # They were checked with the configuration; one that was not must still harm nobody.
    safe = (one for one in patterns[:MOST_PATTERNS] if not fault(one))
    return tuple(re.compile(one, re.IGNORECASE) for one in safe)


def _ways_of(items: Iterable[tuple[Any, Any]]) -> int:
    """An upper bound of the ways to try a sequence at one place, as long as it is small."""
    ways = 1
    for operation, argument in items:
        ways = min(ways * _ways(str(operation), argument), MOST_WAYS + 1)
    return ways


def _ways(name: str, argument: Any) -> int:
    if name in _STEPS:
        return 1
    if name == "SUBPATTERN":
        return _ways_of(argument[-1])
    if name == "BRANCH":
        return sum(_ways_of(branch) for branch in argument[1])
    if name in _REPEATS:
        return _repeated(*argument)
    raise _Refused(name.lower().replace("_", " "))


def _repeated(least: int, most: Any, body: Iterable[tuple[Any, Any]]) -> int:
    each, total = _ways_of(body), 0
    for times in range(min(int(least), MOST_TEXT), min(int(most), MOST_TEXT) + 1):
        total += each**times
        if total > MOST_WAYS:
            break
    return total
