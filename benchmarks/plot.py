"""Draw our cost as a share of the original's, as one SVG; the table holds the numbers."""

from __future__ import annotations

import math
from html import escape

import attrs

from benchmarks.results import Result
from benchmarks.rows import CPU_ROWS, REST_ROWS, Row

LEFT, WIDTH, BAR, GAP, TOP = 250, 430, 16, 10, 44
SMALLEST = 0.01
TICKS = ((0.01, "1/100"), (0.1, "1/10"), (0.5, "1/2"), (1.0, "1"))
STYLE = """\
text { font: 13px sans-serif; fill: #57606a; } .met { fill: #2da44e; } .missed { fill: #cf222e; }
.target { stroke: #57606a; stroke-width: 3; } .grid { stroke: #8c959f; stroke-opacity: .35; }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } .target { stroke: #c9d1d9; } }"""


@attrs.frozen
class Bar:
    """One measure: our share of the original's cost, and the share that was to be reached."""

    title: str
    share: float
    target: float

    @property
    def label(self) -> str:
        """The share in words."""
        return f"1/{1 / self.share:.1f}" if self.share <= 1 else f"{self.share:.1f} times"


def bars(result: Result) -> list[Bar]:
    """Every row that has both figures and a target."""
    found = []
    for row in (*CPU_ROWS, *REST_ROWS):
        bar = bar_of(row, result)
        if bar is not None:
            found.append(bar)
    return found


def bar_of(row: Row, result: Result) -> Bar | None:
    """One row's bar, if it can have one."""
    ours, other = row.ours(result), row.other(result)
    if not ours or not other or row.target is None or row.target.share is None:
        return None
    return Bar(row.title.replace("`", ""), ours / other, row.target.share)


def across(share: float) -> float:
    """Where a share lies on the logarithmic axis, in pixels."""
    reach = min(max(share, SMALLEST), 1.0)
    return LEFT + WIDTH * (1 - math.log10(reach) / math.log10(SMALLEST))


def text(x: float, y: float, words: str, anchor: str = "start") -> str:
    """One line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def upright(kind: str, x: float, top: float, bottom: float) -> str:
    """One vertical line."""
    return f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def draw_bar(bar: Bar, top: float) -> str:
    """One measure's title, bar, target mark and number."""
    end, mark, middle = across(bar.share), across(bar.target), top + BAR - 3
    kind = "met" if bar.share <= bar.target else "missed"
    place = f'x="{LEFT}" y="{top}" width="{max(end - LEFT, 1):.1f}" height="{BAR}"'
    return "\n".join(
        [
            text(LEFT - 8, middle, bar.title, "end"),
            f'<rect class="{kind}" {place}/>',
            upright("target", mark, top - 3, top + BAR + 3),
            text(max(end, mark) + 8, middle, bar.label),
        ]
    )


def draw_grid(bottom: float) -> str:
    """The axis."""
    lines = [upright("grid", across(share), TOP - 8, bottom) for share, _ in TICKS]
    labels = [text(across(share), TOP - 14, label, "middle") for share, label in TICKS]
    return "\n".join([*lines, *labels])


def svg(result: Result) -> str:
    """The whole drawing; shorter is better, the upright marks are the targets."""
    found = bars(result)
    bottom = TOP + len(found) * (BAR + GAP)
    width, height = LEFT + WIDTH + 80, bottom + 10
    drawn = [draw_bar(bar, TOP + index * (BAR + GAP)) for index, bar in enumerate(found)]
    title = "Our cost as a share of the original's (the marks are the targets)"
    size = f'viewBox="0 0 {width} {height}" width="{width}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            text(8, 16, title),
            draw_grid(bottom),
            *drawn,
            "</svg>\n",
        ]
    )
