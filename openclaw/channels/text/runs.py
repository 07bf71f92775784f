"""Inline content laid flat: runs of text, each with the styles that hold for all of it."""

from collections.abc import Iterable, Iterator
from typing import Literal

from attrs import frozen

from openclaw.channels.text.tree import Break, Code, Inline, Link, Style, Styled, Text, words

Kind = Literal["text", "code", "link", "break"]


@frozen
class Run:
    """A stretch of inline content.

    :ivar text: of a link, its label.
    :ivar styles: outermost first, none twice.
    """

    kind: Kind
    text: str
    styles: tuple[Style, ...] = ()
    href: str = ""
    bare: bool = False


def runs(children: Iterable[Inline], styles: tuple[Style, ...] = ()) -> Iterator[Run]:
    """Lay inline content flat, in order.

    A label is plain: few platforms format inside a link. What holds for all of it is kept.
    """
    for child in children:
        if isinstance(child, Text):
            yield Run("text", child.text, styles)
        elif isinstance(child, Code):
            yield Run("code", child.text, styles)
        elif isinstance(child, Break):
            yield Run("break", "\n", styles)
        elif isinstance(child, Styled):
            inner = styles if child.style in styles else (*styles, child.style)
            yield from runs(child.children, inner)
        else:
            yield _link(child, styles)


def _link(link: Link, styles: tuple[Style, ...]) -> Run:
    children = link.children
    while len(children) == 1 and isinstance(children[0], Styled):
        styles = styles if children[0].style in styles else (*styles, children[0].style)
        children = children[0].children
    label = words(children).strip()
    return Run("link", label or link.href, styles, link.href, link.bare or not label)
