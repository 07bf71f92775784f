"""Prints: JSON for programs, tables and colours for people; text of others is made harmless."""

import json
import re
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

# What could move the cursor, recolour or retitle a terminal; tab and newline stay.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_GAP = 2
_NARROWEST = 8
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def harmless(text: object) -> str:
    """Take terminal control characters out of a text that somebody else wrote."""
    return _CONTROLS.sub("", str(text).replace("\r\n", "\n"))


def print_json(document: object) -> None:
    """Print one JSON document."""
    text = json.dumps(document, indent=2, ensure_ascii=not _speaks_utf8())
    click.echo(_CONTROLS.sub(_escaped, text) if _speaks_utf8() else text)


def print_line(document: object) -> None:
    """Print one JSON document on one line, at once."""
    click.echo(json.dumps(document))
    sys.stdout.flush()


def say(text: str = "", **style: Any) -> None:
    """Print a line for people."""
    click.secho(harmless(text), **style)


def aside(text: str) -> None:
    """Say something that is not the result."""
    click.secho(harmless(text), err=True, dim=True)


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, aligned."""
    shown = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"{click.style(name.ljust(width), dim=True)}  {harmless(value)}")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; where the terminal is too narrow the last column gives way."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = [[harmless(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *shown, strict=True)]
    console = Console(highlight=False)
    room = console.width - sum(widths[:-1]) - _GAP * len(widths[:-1])
    if console.is_terminal and widths[-1] > room:
        widths[-1] = max(room, _NARROWEST)
    # Rich would drop whole columns if it thought that they did not fit.
    console.width = sum(widths) + _GAP * len(widths)
    drawn = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for column, width in zip(columns, widths, strict=True):
        drawn.add_column(column, no_wrap=True, width=width, overflow="ellipsis")
    for row in shown:
        drawn.add_row(*map(Text, row))
    console.print(drawn)


def ago(then_ms: int | None, now_ms: float | None = None) -> str:
    """Say how long ago a moment was: ``5 min ago``."""
    if not then_ms:
        return "never"
    seconds = ((time.time() * 1000 if now_ms is None else now_ms) - then_ms) / 1000
    return "just now" if seconds < 1 else f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """Say how long something lasts, in its largest unit: ``3 h``."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def day(moment_ms: int) -> str:
    """Say which day and minute a moment is, where we are."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment_ms / 1000))


def megabytes(count: int) -> str:
    """Say how many bytes: ``58 MB``."""
    return f"{count / 1_000_000:.0f} MB"


def _speaks_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _escaped(match: re.Match[str]) -> str:
    return match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}"
