"""A Markdown text as a small tree: what the forms write down. How it is read is elsewhere."""

from collections.abc import Iterable
from typing import Literal

from attrs import frozen

Style = Literal["strong", "emphasis", "strike", "spoiler"]
Align = Literal["left", "center", "right"]


@frozen
class Text:
    """Words without any formatting; no line feed in them."""

    text: str


@frozen
class Code:
    """An inline code span."""

    text: str


@frozen
class Break:
    """The end of a line inside a paragraph."""


@frozen
class Styled:
    """Words that are formatted."""

    style: Style
    children: "tuple[Inline, ...]"


@frozen
class Link:
    """A link, or an image, which chat text can only link to.

    :ivar href: percent-encoded as far as needed: no space, quote, angle bracket or bar.
    :ivar bare: the address stands in the text itself; the children are the address as written.
    """

    href: str
    children: "tuple[Inline, ...]"
    bare: bool = False


Inline = Text | Code | Break | Styled | Link


@frozen
class Paragraph:
    """A run of lines."""

    children: tuple[Inline, ...]


@frozen
class Heading:
    """A heading.

    :ivar level: 1 to 6.
    """

    level: int
    children: tuple[Inline, ...]


@frozen
class Fence:
    """A code block.

    :ivar language: its first word as far as that can name one, else empty.
    :ivar text: without the last line feed.
    """

    language: str
    text: str


@frozen
class Quote:
    """A quotation."""

    blocks: "tuple[Block, ...]"


@frozen
class Listing:
    """A list.

    :ivar start: the first number, or None for bullets.
    :ivar tight: whether the items stand on consecutive lines.
    """

    start: int | None
    items: "tuple[tuple[Block, ...], ...]"
    tight: bool = True


@frozen
class Table:
    """A table: its head, its rows, each with as many cells as there are columns."""

    head: tuple[tuple[Inline, ...], ...]
    rows: tuple[tuple[tuple[Inline, ...], ...], ...]
    align: tuple[Align, ...]


@frozen
class Rule:
    """A line between two parts of the text."""


Block = Paragraph | Heading | Fence | Quote | Listing | Table | Rule


def words(children: Iterable[Inline]) -> str:
    """Inline content without its formatting; line ends become spaces."""
    return "".join(_word(child) for child in children)


def _word(child: Inline) -> str:
    if isinstance(child, Text | Code):
        return child.text
    return " " if isinstance(child, Break) else words(child.children)


def shows(blocks: Iterable[Block]) -> bool:
    """Whether a tree shows anything but marks of lists and quotes."""
    return any(_shows(block) for block in blocks)


def _shows(block: Block) -> bool:
    if isinstance(block, Paragraph | Heading):
        return bool(words(block.children).strip())
    if isinstance(block, Fence):
        return bool(block.text.strip())
    if isinstance(block, Quote):
        return shows(block.blocks)
    if isinstance(block, Listing):
        return any(shows(item) for item in block.items)
    if isinstance(block, Table):
        return any(words(cell).strip() for row in (block.head, *block.rows) for cell in row)
    return True
