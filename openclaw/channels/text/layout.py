"""Where the lines of a Markdown source begin and what stands in them: what the cutting asks."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache

from attrs import field, frozen
from markdown_it import MarkdownIt
from markdown_it.token import Token

from openclaw.channels.text.reading import language, parser

# How good a place the start of a line is for a cut.
PART = 0
"""Before a block that stands by itself."""
BLOCK = 1
"""Before an item of a list, a paragraph in it, code after an empty line."""
LINE = 2
"""Before any other line."""
NEVER = 9
"""Where the piece before it, or after it, would be nothing but marks."""

_QUOTED = re.compile(r"[ \t]*(?:>[ \t]?)+")
_TICKS = re.compile(r"`{3,}|~{3,}")


@frozen
class Span:
    """A code block or a table, by its lines.

    :ivar first: its first line.
    :ivar last: the first line that no longer belongs to it.
    :ivar opening: what a piece that begins inside it has to begin with; ends with a line feed.
    :ivar closing: what a piece that ends inside it has to end with.
    :ivar closed: whether the source closes it itself.
    """

    first: int
    last: int
    opening: str
    closing: str = ""
    is_code: bool = True
    closed: bool = True


@frozen
class Layout:
    """A source by its lines.

    :ivar starts: the index of each line's first character.
    :ivar ranks: how good a cut before each line is.
    """

    source: str
    starts: Sequence[int]
    ranks: Sequence[int]
    spans: Sequence[Span]
    _first_lines: Sequence[int] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_first_lines", [span.first for span in self.spans])

    def line(self, index: int) -> int:
        """The line that an index stands in."""
        return bisect_right(self.starts, index) - 1

    def span(self, line: int) -> Span | None:
        """The code block or table that a line belongs to."""
        place = bisect_right(self._first_lines, line) - 1
        span = self.spans[place] if place >= 0 else None
        return span if span is not None and line < span.last else None

    def quoting(self, line: int) -> str:
        """The marks of quotation that a line begins with."""
        found = _QUOTED.match(self.source, self.starts[line])
        return found[0] if found else ""


def lay_out(source: str) -> Layout:
    """Find the lines of a clean source; inline content is not looked at."""
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    del starts[-1]
    ranks = [LINE] * len(starts)
    tokens = _block_parser().parse(source)
    after_heading = False
    for token in tokens:
        if token.map is None or token.nesting < 0:
            continue
        first = token.map[0]
        # A heading stays with what it is for.
        rank = PART if token.level == 0 and not after_heading else BLOCK
        if token.type != "inline" and ranks[first] == LINE:
            ranks[first] = LINE if after_heading and token.level == 0 else rank
        after_heading = token.type == "heading_open" or (after_heading and token.type == "inline")
    spans = tuple(_spans(tokens, source, starts, ranks))
    return Layout(source, starts, ranks, spans)


@cache
def _block_parser() -> MarkdownIt:
    """The parser without inline content and without what tidies it up."""
    reader = parser()
    made = MarkdownIt("commonmark", reader.options)
    made.block.ruler = reader.block.ruler
    made.core.ruler.enableOnly(["normalize", "block"])
    return made


def _spans(
    tokens: Sequence[Token], source: str, starts: Sequence[int], ranks: list[int]
) -> Iterator[Span]:
    for token in tokens:
        if token.map is None:
            continue
        if token.type == "fence":
            yield _code(token, source, starts, ranks)
        elif token.type == "table_open":
            first, last = token.map
            for line in range(first + 1, min(first + 3, last)):
                ranks[line] = NEVER
            head = source[starts[first] : _end(source, starts, first + 1)]
            yield Span(first, last, f"{head}\n", is_code=False)


def _code(token: Token, source: str, starts: Sequence[int], ranks: list[int]) -> Span:
    first, last = token.map or [0, 0]
    opening = source[starts[first] : _end(source, starts, first)]
    found = _TICKS.search(opening)
    # The marks of lists before it become white space, those of quotations stay.
    before = re.sub(r"[^>\s]", " ", opening[: found.start()] if found else "")
    end = (
        source[starts[last - 1] : _end(source, starts, last - 1)].rstrip()
        if last > first + 1
        else ""
    )
    closed = end.endswith(token.markup) and not end.strip(f"> \t{token.markup[0]}")
    for line in range(first + 2, last - closed):
        if not source[starts[line - 1] : starts[line]].strip():
            ranks[line] = BLOCK
    for line in {first + 1, last - 1 if closed else first + 1}:
        if first < line < len(ranks):
            ranks[line] = NEVER
    head = f"{before}{token.markup}{language(token.info)}\n"
    return Span(first, last, head, f"{before}{token.markup}", closed=closed)


def _end(source: str, starts: Sequence[int], line: int) -> int:
    return starts[line + 1] - 1 if line + 1 < len(starts) else len(source)
