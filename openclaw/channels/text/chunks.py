"""Cuts a Markdown text into messages that fit once they are rendered. Forms are elsewhere.

Every piece is Markdown that stands by itself: a code block that goes on is closed at the end of one
piece and opened again, in the same language, at the start of the next; a table that goes on gets
its head again; what was nested is moved to the left.
"""

import re
from collections.abc import Callable, Iterator

from attrs import frozen

from openclaw.channels.text.cuts import best_cut, within_lines
from openclaw.channels.text.graphemes import next_boundary
from openclaw.channels.text.layout import NEVER, Layout, Span, lay_out
from openclaw.channels.text.source import clean
from openclaw.channels.text.units import length
from openclaw.interfaces.channels import TextLimit

Render = Callable[[str], str]
"""Markdown in a platform's form, as its limit counts it."""

_TRIES = 10
# A piece this full is not measured again for the sake of a few words more.
_FULL = 0.75
# Nor for so few characters of the source.
_WORTH = 40
# Longer marks of quotation are not repeated; they would soon fill a message by themselves.
_DEEPEST_QUOTE = 20
# Aim a little lower than what the last measure foretells: one measure less for most pieces.
_AIM = 0.98
_CODE_BEGIN = re.compile(r"```[^`]*")
_CODE_END = re.compile(r" {0,3}```+[ \t]*")
# Other code, what would be moved to the left, and HTML, in which the marks of code mean nothing.
_INTRICATE = re.compile(r"```|~~~|^\s|^<")


@frozen
class Piece:
    """One message's worth of a source.

    :ivar text: what is sent: opening, source, closing, without needless white space.
    :ivar start: where its part of the clean source begins, and ``end`` where it ends. Between two
        pieces there is only white space.
    """

    text: str
    start: int
    end: int
    opening: str = ""
    closing: str = ""


def chunks(markdown: str, limit: TextLimit, render: Render) -> list[str]:
    """Cut a text so that each part, rendered, fits into a message.

    :param limit: its ``default`` is never exceeded by what can be cut at all; its ``lines`` is kept
        wherever a line can be broken off.
    :return: Markdown; no part is blank, and there is none if the text is.
    """
    return [piece.text for piece in pieces(markdown, limit, render)]


def fit(markdown: str, limit: TextLimit, render: Render) -> str:
    """The longest head of a text that fits into one message, up to a whole word; for previews."""
    # A preview is made many times; what comes after so much more than fits is not looked at.
    return _Cutter(clean(markdown.lstrip()[: 8 * limit.default]), limit, render).head()


def pieces(markdown: str, limit: TextLimit, render: Render) -> list[Piece]:
    """What :func:`chunks` does, and where each part comes from."""
    source = clean(markdown)
    whole = _plain_whole(source, limit, render)
    return [whole] if whole is not None else list(_Cutter(source, limit, render).pieces())


def _plain_whole(source: str, limit: TextLimit, render: Render) -> Piece | None:
    """All of a short text that needs neither a cut nor a change; most answers are such.

    It saves the reading of the text, which costs more than all else that is done with an answer.
    """
    text = source.strip()
    if not text or len(text) > limit.default or not _is_simple(source.strip("\n")):
        return None
    rendered = render(text)
    if length(rendered, limit.unit) > limit.default:
        return None
    if limit.lines and rendered.count("\n") >= limit.lines:
        return None
    start = len(source) - len(source.lstrip())
    return Piece(text, start, start + len(text))


def _is_simple(source: str) -> bool:
    """Whether all of a text surely stands by itself: nothing is indented, all code is closed.

    Says no wherever only a reader of Markdown could tell.
    """
    in_code = False
    for line in source.split("\n"):
        if in_code:
            in_code = _CODE_END.fullmatch(line) is None
        elif _CODE_BEGIN.fullmatch(line):
            in_code = True
        elif _INTRICATE.search(line):
            return False
    return not in_code


class _Cutter:
    """Cuts one source."""

    def __init__(self, source: str, limit: TextLimit, render: Render) -> None:
        self._source = source
        self._limit = limit
        self._render = render
        self._layout = lay_out(source)
        self._end = len(source.rstrip())
        # How much of a message one character of the source takes, by what was measured last.
        self._rate = 1.0 / max(1, limit.default)
        self._line_rate = 1.0

    def pieces(self) -> Iterator[Piece]:
        start = self._skip(0)
        # Most answers need no cut; the search aims by source lines and could make one.
        if start < self._end <= start + self._limit.default:
            whole = self._piece(start, self._end)
            if self._fill(whole) <= 1:
                yield whole
                return
        while start < self._end:
            piece = self._next(start)
            yield piece
            start = self._skip(piece.end)

    def head(self) -> str:
        start = self._skip(0)
        if start >= self._end:
            return ""
        whole = self._piece(start, self._end)
        if self._fill(whole) <= 1:
            return whole.text
        best: Piece | None = None
        low, high, guess = start, self._end, self._aim(start)
        for _ in range(_TRIES):
            guess = max(low + 1, min(high - 1, guess))
            piece = self._piece(start, within_lines(self._layout, start, guess))
            fill = self._fill(piece)
            if fill > 1:
                high = guess
            else:
                low = guess
                best = piece if best is None or piece.end > best.end else best
            if high - low <= 1 or 0.99 <= fill <= 1:
                break
            guess = (
                (low + high) // 2
                if high - low < _WORTH
                else start + int((guess - start) / max(fill, 0.25))
            )
        return (best or self._next(start)).text

    def _next(self, start: int) -> Piece:
        """The piece that begins at an index: as long as it may be and ends where it should."""
        for bare in (False, True):
            piece = self._search(start, bare)
            if piece is not None:
                return piece
        # Not even one character fits: the limit is smaller than what one character becomes.
        return self._piece(start, next_boundary(self._source, start), bare=True)

    def _search(self, start: int, bare: bool) -> Piece | None:
        best: Piece | None = None
        end, tries = self._aim(start), 0
        while True:
            tries += 1
            cut = self._end if end >= self._end else best_cut(self._layout, start, end)
            cut = min(max(cut, start + 1), self._end)
            if best is not None and cut <= best.end:
                return best
            piece = self._piece(start, cut, bare)
            fill = self._fill(piece)
            if fill > 1:
                if best is not None:
                    return best
                if cut <= next_boundary(self._source, start):
                    return None
                end = start + self._shorter(cut - start, fill, tries)
                continue
            best, further = piece, self._aim(start)
            if piece.end >= self._end or fill >= _FULL or tries > 1 or further < end + _WORTH:
                return best
            end = further

    def _shorter(self, size: int, fill: float, tries: int) -> int:
        """How long the next try should be after one that was too long."""
        share = min(_AIM / fill, 0.95) if tries < _TRIES else 0.5
        return max(1, min(size - 1, int(size * share)))

    def _aim(self, start: int) -> int:
        """Where a piece would be full, by what was measured so far."""
        end = start + max(1, int(_AIM / self._rate))
        if self._limit.lines:
            line = self._layout.line(start) + max(1, int(self._limit.lines / self._line_rate))
            while line < len(self._layout.starts) and self._layout.ranks[line] == NEVER:
                line += 1
            if line < len(self._layout.starts):
                end = min(end, max(start + 1, self._layout.starts[line]))
        return min(self._end, end)

    def _fill(self, piece: Piece) -> float:
        """How full a message is with a piece: 1 is just full."""
        rendered = self._render(piece.text)
        units = length(rendered, self._limit.unit) / max(1, self._limit.default)
        self._rate = _mean(self._rate, units / max(1, piece.end - piece.start))
        broken = self._source.count("\n", piece.start, piece.end)
        first = self._layout.line(piece.start) + 1
        ranks = self._layout.ranks[first : first + broken]
        if not self._limit.lines or all(rank == NEVER for rank in ranks):
            return units
        lines = rendered.count("\n") + 1
        self._line_rate = _mean(self._line_rate, lines / (broken + 1))
        return max(units, lines / self._limit.lines)

    def _piece(self, start: int, cut: int, bare: bool = False) -> Piece:
        """What is sent of a range of the source."""
        layout = self._layout
        cut = self._with_closing_line(cut)
        end = start + len(self._source[start:cut].rstrip())
        body, columns = self._source[start:end], self._columns(start)
        if bare:
            return Piece(body, start, end)
        opening, closing = self._opening(start), self._closing(cut)
        if columns:
            body = _moved_left(layout, start, body, columns)
        opening, closing = opening[min(columns, _margin(opening)) :], closing
        if closing:
            closing = "\n" + closing[min(columns, _margin(closing)) :]
        return Piece(opening + body + closing, start, end, opening, closing)

    def _skip(self, index: int) -> int:
        """Go to where the next piece begins: past white space, but not past an indentation."""
        source = self._source
        start = index
        while start < len(source) and source[start].isspace():
            start += 1
        line_start = self._layout.starts[self._layout.line(min(start, len(source)))]
        return max(index, line_start) if not source[line_start:start].strip() else start

    def _with_closing_line(self, cut: int) -> int:
        """A cut behind the last line of code takes in the line that closes the block."""
        line = self._layout.line(min(cut, max(0, len(self._source) - 1)))
        span = self._layout.span(line)
        if span is None or not span.is_code or not span.closed or line <= span.first:
            return cut
        last = self._layout.starts[span.last - 1]
        if self._source[cut:last].strip():
            return cut
        following = self._layout.starts[span.last : span.last + 1]
        return following[0] - 1 if following else len(self._source)

    def _columns(self, start: int) -> int:
        """How far what begins at an index stands to the right."""
        line = self._layout.line(start)
        begin = self._layout.starts[line]
        if begin != start:
            return 0
        span = self._layout.span(line)
        if span is not None and span.is_code and line > span.first:
            return _margin(span.opening)
        return _margin(self._source[begin : begin + 1000])

    def _opening(self, start: int) -> str:
        layout = self._layout
        line = layout.line(start)
        span, at_start = layout.span(line), layout.starts[line] == start
        if span is not None:
            return span.opening if self._goes_on(span, line, start, at_start) else ""
        marks = "" if at_start else layout.quoting(line)
        within = start < layout.starts[line] + len(marks)
        return "" if within or len(marks) > _DEEPEST_QUOTE else marks

    def _goes_on(self, span: Span, line: int, start: int, at_start: bool) -> bool:
        """Whether a piece that begins here has to be told what it begins inside of."""
        if span.is_code:
            return line > span.first or not (
                at_start or self._source.startswith(span.closing.strip("> \t"), start)
            )
        return at_start and line > span.first + 1 and 3 * len(span.opening) <= self._limit.default

    def _closing(self, cut: int) -> str:
        line = self._layout.line(max(0, cut - 1))
        span = self._layout.span(line)
        if span is None or not span.is_code:
            return ""
        whole = span.closed and line == span.last - 1 and cut >= self._line_end(line)
        return "" if whole else span.closing

    def _line_end(self, line: int) -> int:
        starts = self._layout.starts
        return starts[line + 1] - 1 if line + 1 < len(starts) else len(self._source.rstrip())


def _mean(before: float, now: float) -> float:
    """A mean in which the latest counts most; never so small that one would aim at infinity."""
    return max(before + (now - before) / 2, before / 4)


def _margin(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))


def _moved_left(layout: Layout, start: int, body: str, columns: int) -> str:
    """A body without the indentation that its first line has; deeper lines keep the rest."""
    number = layout.line(start)
    lines = []
    for line in body.split("\n"):
        span = layout.span(number)
        in_code = span is not None and span.is_code and number > span.first
        if line.strip() and not in_code:
            columns = min(columns, _margin(line))
        lines.append(line[min(columns, _margin(line)) :])
        number += 1
    return "\n".join(lines)
