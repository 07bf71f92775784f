"""Takes the readable text out of HTML: headings, paragraphs, lists, links. Blocks a while.

Read here and not by ``html.parser``, which needs a minute for 140 kB of unfinished tags. Whatever
comes, each character is looked at a few times and no more.
"""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

from attrs import frozen

_LEFT_OUT = frozenset(
    {"template", "svg", "canvas", "object", "nav", "footer", "select", "button", "noscript"}
)
_RAW = frozenset({"script", "style", "iframe", "noembed", "textarea", "title"})
"""What is in them is no HTML, and ends with their own end tag only."""
_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "header", "aside", "ul", "ol", "table", "tr", "pre"}
    | {"blockquote", "figure", "figcaption", "dl", "dt", "dd", "address", "details", "summary"}
)
_HEADINGS = {f"h{level}": f"\n\n{'#' * level} " for level in range(1, 7)}
_OPENINGS = {
    **dict.fromkeys(_BLOCKS, "\n\n"),
    **_HEADINGS,
    "li": "\n- ",
    "br": "\n",
    "hr": "\n\n",
    "td": " | ",
    "th": " | ",
}
_NAME = re.compile(r"/?[A-Za-z][A-Za-z0-9:-]{0,40}")
_ATTRIBUTE = r"""(?:^|\s|["'])%s\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_HREF = re.compile(_ATTRIBUTE % "href", re.IGNORECASE)
_ALT = re.compile(_ATTRIBUTE % "alt", re.IGNORECASE)
_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _RAW}
MOST_LINKS = 500
MOST_TITLE = 500
_LONGEST_TAG = 4_096
_TRIES = 3


@frozen
class _Tag:
    """A tag; the name of one that ends begins with ``/``."""

    name: str
    attributes: str


def page_text(html: str, base: str) -> tuple[str, str]:
    """Read a page; never fails, whatever it is.

    :param base: the page's own address, for its links.
    :return: its title and its text.
    """
    reader = _Reader(base)
    for piece in _pieces(html):
        reader.take(piece)
    return reader.title, reader.text()


class _Reader:
    """Collects the text of a page, piece by piece.

    :ivar title: of the page.
    """

    def __init__(self, base: str) -> None:
        self.title = ""
        self._base = base
        self._out: list[str] = []
        self._skipping = ""
        self._depth = 0
        self._links: list[str] = []
        self._linked = 0

    def take(self, piece: "_Tag | str") -> None:
        """Take the next piece."""
        if isinstance(piece, str):
            if not self._skipping:
                self._out.append(" ".join(f"x{_plain(piece)}x".split())[1:-1])
        elif piece.name == "title":
            self.title = self.title or " ".join(_plain(piece.attributes).split())[:MOST_TITLE]
        elif self._skipping:
            self._skip(piece.name)
        elif piece.name in _LEFT_OUT:
            self._skipping, self._depth = piece.name, 1
        else:
            self._mark(piece)

    def text(self) -> str:
        """What was collected, with at most one empty line at a time."""
        lines: list[str] = []
        for line in "".join(self._out).split("\n"):
            words = " ".join(line.split())
            if words or (lines and lines[-1]):
                lines.append(words)
        return "\n".join(lines).strip()

    def _skip(self, name: str) -> None:
        """Leave everything out until what began it has ended."""
        if name == self._skipping:
            self._depth += 1
        elif name == f"/{self._skipping}":
            self._depth -= 1
            if not self._depth:
                self._skipping = ""

    def _mark(self, tag: _Tag) -> None:
        if tag.name in _OPENINGS:
            self._out.append(_OPENINGS[tag.name])
        elif tag.name == "img":
            alt = _value(_ALT, tag)
            self._out.append(f" [{alt}] " if alt else "")
        elif tag.name == "a":
            self._links.append(self._address(_value(_HREF, tag)))
        elif tag.name == "/a" and self._links:
            self._link(self._links.pop())
        elif tag.name[1:] in _BLOCKS or tag.name[1:] in _HEADINGS:
            self._out.append("\n\n")

    def _link(self, address: str) -> None:
        if address and self._linked < MOST_LINKS:
            self._linked += 1
            self._out.append(f" ({address})")

    def _address(self, href: str) -> str:
        try:
            address = urljoin(self._base, href.strip())
        except ValueError:
            return ""
        return address if address.startswith(("https://", "http://")) else ""


def _pieces(html: str) -> Iterator[_Tag | str]:
    """Cut a page into tags and text; what never ends is left out, as browsers do."""
    at = 0
    while at < len(html):
        start = html.find("<", at)
        if start < 0:
            yield html[at:]
            return
        if start > at:
            yield html[at:start]
        name = _NAME.match(html, start + 1)
        if name is not None:
            end = _tag_end(html, start)
            word = name[0].lower()
            attributes = html[name.end() : min(end, name.end() + _LONGEST_TAG)]
            at = end + 1
            if word in _RAW and end < len(html):
                end = _raw_end(word, html, at)
                attributes, at = html[at : min(end, at + _LONGEST_TAG)], end
            yield _Tag(word, attributes)
        elif html.startswith(("<!", "<?", "</"), start):
            mark = "-->" if html.startswith("<!--", start) else ">"
            end = html.find(mark, start + 2)
            at = len(html) if end < 0 else end + len(mark)
        else:
            yield "<"
            at = start + 1


def _tag_end(html: str, start: int) -> int:
    """Where a tag ends; a ``>`` between quotes does not end it, if they are not too many."""
    first = end = html.find(">", start)
    for _ in range(_TRIES):
        if end < 0 or end - start > _LONGEST_TAG or not html.count('"', start, end) % 2:
            break
        end = html.find(">", end + 1)
    found = first if end < 0 else end
    return len(html) if found < 0 else found


def _raw_end(word: str, html: str, at: int) -> int:
    found = _ENDS[word].search(html, at)
    return len(html) if found is None else found.start()


def _value(pattern: re.Pattern[str], tag: _Tag) -> str:
    found = pattern.search(tag.attributes)
    return _plain(next(filter(None, found.groups()), "")) if found is not None else ""


def _plain(text: str) -> str:
    try:
        return unescape(text)
    except ValueError:  # A number of thousands of digits.
        return text
