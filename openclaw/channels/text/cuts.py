"""The best place to cut a source before some index: by part, line, sentence, word, character.

It looks at the source only; whether a piece fits is measured elsewhere.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from openclaw.channels.text.graphemes import boundary
from openclaw.channels.text.layout import BLOCK, LINE, NEVER, PART, Layout

# How much of the room a piece must fill for a cut of each rank to be taken: better a shorter
# message than half a table, but not a message per line.
_ENOUGH = ((PART, 0.33), (BLOCK, 0.4), (LINE, 0.4))
_SENTENCE_ENOUGH = 0.3
# The second kind is of Chinese and Japanese, which have no space behind it.
_SENTENCE = re.compile(
    r"(?<!\d)[.!?\u2026]+[\"')\]*_\u201d\u2019\u00bb]*\s+"
    r"|[\u3002\uff01\uff1f\uff1b]+[\u201d\u2019\uff09\u300d\u300f\u3011]*\s*"
)
_WORD = re.compile(r"\s+")
# What means something else at the start of a line than it does within.
_OPENS_BLOCK = re.compile(r"[-+*](?=\s|$)|#{1,6}(?=\s|$)|>|\d{1,9}[.)](?=\s|$)|`{3}|~{3}|=+\s*$|--")
# Bounded, and no part can match in two ways: a long text of opening marks takes no longer.
_WHOLE = re.compile(
    r"!?\[[^\[\]]{1,1000}\]\([^()\s\[<]{0,2000}(?:\([^()\s\[<]{0,2000}\))?[^()\s\[<]{0,2000}"
    r"(?:\s\"[^\"\n]{0,300}\")?\)"
    r"|<[a-z][^\s<>]{1,1000}>"
    r"|https?://[^\s<>()\[\]]{1,2000}"
    r"|&#?\w{1,32};|\\[!-/:-@\[-`{-~]"
    r"|\*\*[^*\n]{1,300}\*\*|__[^_\n]{1,300}__|~~[^~\n]{1,300}~~|\|\|[^|\n]{1,300}\|\|"
    r"|\*[^*\s][^*\n]{0,300}\*|\b_[^_\s][^_\n]{0,300}_\b"
)
_TICKS = re.compile(r"`+")


def best_cut(layout: Layout, start: int, end: int) -> int:
    """Where to cut, after ``start`` and at or before ``end``, which is inside the source."""
    found = _between_lines(layout, start, end)
    return within_lines(layout, start, end, _SENTENCE_ENOUGH) if found is None else found


def within_lines(layout: Layout, start: int, end: int, enough: float = 2.0) -> int:
    """Where to cut a paragraph or a line of code: after a sentence, a word, or a character.

    :param enough: the share of the room that must be filled for a cut after a sentence; more than
        1 for none: then it is the last word that counts.
    """
    source, line = layout.source, layout.line(end)
    in_span = layout.span(line) is not None
    first = line
    while not in_span and first > 0 and layout.ranks[first] > BLOCK:
        if layout.starts[first] <= start:
            break
        first -= 1
    floor = max(start, layout.starts[first])
    whole = [] if in_span else _wholes(source, max(start, layout.starts[first]), end)
    if not in_span:
        sentence = _last(_SENTENCE, source, floor, end, whole)
        if sentence is not None and sentence >= start + (end - start) * enough:
            return sentence
    word = _last(_WORD, source, floor, end, whole)
    if word is not None:
        return word
    return _character(layout, start, end, floor, whole)


def _between_lines(layout: Layout, start: int, end: int) -> int | None:
    starts, ranks = layout.starts, layout.ranks
    last = bisect_right(starts, end) - 1
    first = bisect_right(starts, start)
    for rank, enough in _ENOUGH:
        lowest = start + (end - start) * enough
        for line in range(last, first - 1, -1):
            if starts[line] < lowest:
                break
            if ranks[line] <= rank and not _cuts_something(layout, line, start, end):
                return starts[line]
    # Any line is better than half a row or a line of code torn apart.
    span = layout.span(last)
    for line in range(last, first - 1, -1) if span is not None else ():
        if ranks[line] != NEVER:
            return starts[line]
    return None


def _cuts_something(layout: Layout, line: int, start: int, end: int) -> bool:
    """Whether a link or a code span reaches across the end of the line before this one."""
    if layout.ranks[line] != LINE or layout.span(line) is not None:
        return False
    place = layout.starts[line]
    near = layout.source[max(start, place - 1000) : min(end + 1000, place + 1000)]
    if "`" not in near and "[" not in near:
        return False
    return _inside(_wholes(layout.source, max(start, place - 1000), place), place) is not None


def _last(
    mark: re.Pattern[str], source: str, floor: int, end: int, whole: list[tuple[int, int]]
) -> int | None:
    """The last place behind a mark that cuts nothing and begins nothing else."""
    found = None
    for match in mark.finditer(source, floor, end):
        place = match.end()
        if (
            place > floor
            and source[floor : match.start() + 1].strip()
            and _inside(whole, place) is None
            and not _OPENS_BLOCK.match(source, place)
        ):
            found = place
    return found


def _character(
    layout: Layout, start: int, end: int, floor: int, whole: list[tuple[int, int]]
) -> int:
    around = _inside(whole, end)
    if around is not None and around > start:
        return around
    return boundary(layout.source, end, max(start, floor))


def _inside(whole: list[tuple[int, int]], place: int) -> int | None:
    """Where the thing begins that a place is in the midst of."""
    index = bisect_left(whole, (place, 0)) - 1
    if index < 0 or place >= whole[index][1]:
        return None
    return whole[index][0]


def _wholes(source: str, floor: int, end: int) -> list[tuple[int, int]]:
    """What should stay in one piece, as ranges that do not overlap, in order."""
    ceiling = min(len(source), end + 2000)
    merged: list[tuple[int, int]] = []
    ranges = [*_code_spans(source, floor, ceiling)]
    ranges += [match.span() for match in _WHOLE.finditer(source, floor, ceiling)]
    for low, high in sorted(ranges):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _code_spans(source: str, floor: int, ceiling: int) -> Iterator[tuple[int, int]]:
    ticks = [match.span() for match in _TICKS.finditer(source, floor, ceiling)]
    closing: dict[int, list[int]] = {}
    for place, (low, high) in reversed(list(enumerate(ticks))):
        closing.setdefault(high - low, []).append(place)
    place = 0
    while place < len(ticks):
        low, high = ticks[place]
        same = closing[high - low]
        while same and same[-1] <= place:
            same.pop()
        if same:
            yield low, ticks[same[-1]][1]
            place = same[-1]
        place += 1
