"""Tables as text: a grid for code blocks, or one line per row where letters differ in width."""

from collections.abc import Iterable
from itertools import islice
from unicodedata import combining, east_asian_width

from openclaw.channels.text.runs import runs
from openclaw.channels.text.tree import Align, Inline, Table

# Padding is for short cells; a long one would blow up every row of the table.
WIDEST = 40
LABEL = 40


def grid(table: Table) -> str:
    """A table in letters of one width."""
    align = table.align
    rows = [[_words(cell) for cell in row] for row in (table.head, *table.rows)]
    columns = range(len(align))
    widths = [min(WIDEST, max(_width(row[i]) for row in rows if i < len(row))) for i in columns]
    head, *body = [_row(row, widths, align) for row in rows]
    return "\n".join([head, "-+-".join("-" * max(1, width) for width in widths), *body])


def lines(table: Table) -> list[str]:
    """Each row in words, ``Name: Ada; Born: 1815``; the head alone if there is no row."""
    labels = [_short(_words(cell)) for cell in table.head]
    if not table.rows:
        return ["; ".join(label for label in labels if label)]
    found = []
    for row in table.rows:
        cells = zip(labels, (_words(cell) for cell in row), strict=False)
        parts = [f"{label}: {cell}" if label else cell for label, cell in cells if cell]
        found.append("; ".join(parts))
    return [line for line in found if line]


def _words(cell: Iterable[Inline]) -> str:
    """A cell on one line: without its formatting, but with the addresses of its links."""
    parts = []
    for run in runs(cell):
        parts.append(run.text)
        if run.kind == "link" and not run.bare:
            parts.append(f" ({run.href})")
    return " ".join("".join(parts).split())


def _short(label: str) -> str:
    return label if len(label) <= LABEL else "".join(islice(label, LABEL - 1)) + "…"


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(char) or char in "\u200d\ufe0f" else 1 + (east_asian_width(char) in "WF")
        for char in text
    )


def _row(cells: list[str], widths: list[int], align: tuple[Align, ...]) -> str:
    return " | ".join(map(_padded, cells, widths, align)).rstrip()


def _padded(cell: str, width: int, align: Align) -> str:
    room = max(0, width - _width(cell))
    left = {"left": 0, "right": room, "center": room // 2}[align]
    return " " * left + cell + " " * (room - left)
