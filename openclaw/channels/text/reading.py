"""Markdown to tree, on markdown-it-py: CommonMark with tables, strike-through and spoilers.

Four things are left out on purpose. HTML is text. Indented code is a paragraph, for an answer's
indentation is seldom meant as code, and pieces of nested lists stay lists. Reference definitions
are text, so that nothing of an answer is hidden and a piece of it needs no other. An image is a
link.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from openclaw.channels.text.source import clean
from openclaw.channels.text.tree import (
    Align,
    Block,
    Break,
    Code,
    Fence,
    Heading,
    Inline,
    Link,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Style,
    Styled,
    Table,
    Text,
    shows,
)

# What lies deeper is not read by the parser at all; see _too_deep.
NESTING = 40
_STYLES: dict[str, Style] = {
    "strong_open": "strong",
    "em_open": "emphasis",
    "s_open": "strike",
    "spoiler_open": "spoiler",
}
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,32}(?![^\s,{])")
_ADDRESS = re.compile(r"https?://[^\s<>\"'`|\\^{}]{1,2000}")
# Punctuation of the sentence around an address, Chinese and Japanese too.
_TRAILING = ".,:;!?*_~'\"()[]\u3001\u3002\uff0c\uff01\uff1f\uff09\u300d\u300f\u3011"


def read(markdown: str) -> tuple[Block, ...]:
    """Read a text. Any text at all has a tree, and one that is not blank shows something."""
    source = clean(markdown)
    tokens = parser().parse(source)
    if _too_deep(tokens):
        return _literally(source)
    blocks = tuple(_blocks(_Cursor(tokens)))
    return blocks if shows(blocks) or not source.strip() else _literally(source)


def language(info: str) -> str:
    """The language that a fence's info string names, or nothing."""
    found = _LANGUAGE.match(info.strip())
    return found[0] if found else ""


@cache
def parser() -> MarkdownIt:
    """The parser, made at first use. Reading is all it does, so that one serves everybody."""
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING})
    made.enable(["table", "strikethrough"])
    made.disable(["reference", "code", "html_block", "html_inline", "image"])
    made.inline.add_terminator_char("|")
    made.inline.ruler.before("emphasis", "spoiler", _spoiler)
    return made


def _spoiler(state: StateInline, silent: bool) -> bool:
    """``||hidden||``, as Discord writes it; ``a || b || c`` is none."""
    start = state.pos
    if not state.src.startswith("||", start):
        return False
    end = state.src.find("||", start + 2, state.posMax)
    hidden = state.src[start + 2 : end] if end > start + 2 else ""
    if not hidden or hidden[0].isspace() or hidden[-1].isspace() or "\n" in hidden:
        return False
    if not silent:
        most = state.posMax
        state.push("spoiler_open", "span", 1)
        state.pos, state.posMax = start + 2, end
        state.md.inline.tokenize(state)
        state.posMax = most
        state.push("spoiler_close", "span", -1)
    state.pos = end + 2
    return True


def _too_deep(tokens: Sequence[Token]) -> bool:
    """Whether the parser had to leave something out: it drops what is nested too deep."""
    return any(token.nesting == 1 and token.level >= NESTING - 1 for token in tokens)


def _literally(source: str) -> tuple[Block, ...]:
    lines: list[Inline] = []
    for line in source.strip("\n").split("\n"):
        lines += [Text(line), Break()]
    return (Paragraph(tuple(lines[:-1])),)


class _Cursor:
    """A place in the stream of tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def until(self, *closing: str) -> Iterator[Token]:
        """Yield tokens up to the first of a type, which is taken too, or to the end."""
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            self._next += 1
            if token.type in closing:
                return
            yield token

    def is_loose(self, level: int) -> bool:
        """Whether the item that begins here has its first paragraph by itself."""
        token = self._tokens[self._next]
        return token.type == "paragraph_open" and token.level == level and not token.hidden


def _blocks(cursor: _Cursor, *closing: str) -> Iterator[Block]:
    for token in cursor.until(*closing):
        if token.type == "paragraph_open":
            yield Paragraph(_content(cursor, "paragraph_close"))
        elif token.type == "heading_open":
            yield Heading(int(token.tag[1]), _content(cursor, "heading_close"))
        elif token.type == "fence":
            yield Fence(language(token.info), token.content.removesuffix("\n"))
        elif token.type == "blockquote_open":
            yield Quote(tuple(_blocks(cursor, "blockquote_close")))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            yield _listing(cursor, token)
        elif token.type == "table_open":
            yield _table(cursor)
        elif token.type == "hr":
            yield Rule()


def _listing(cursor: _Cursor, opening: Token) -> Listing:
    items, tight = [], True
    for token in cursor.until(opening.type.replace("open", "close")):
        if token.type == "list_item_open":
            tight = tight and not cursor.is_loose(token.level + 1)
            items.append(tuple(_blocks(cursor, "list_item_close")))
    if opening.type == "bullet_list_open":
        return Listing(None, tuple(items), tight)
    return Listing(int(opening.attrs.get("start", 1)), tuple(items), tight)


def _table(cursor: _Cursor) -> Table:
    rows: list[list[tuple[Inline, ...]]] = []
    align: list[Align] = []
    for token in cursor.until("table_close"):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            if token.type == "th_open":
                align.append(_align(str(token.attrs.get("style", ""))))
            rows[-1].append(_content(cursor, "th_close", "td_close"))
    head, *body = rows
    return Table(tuple(head), tuple(tuple(row) for row in body), tuple(align))


def _align(style: str) -> Align:
    return "right" if "right" in style else "center" if "center" in style else "left"


def _content(cursor: _Cursor, *closing: str) -> tuple[Inline, ...]:
    found: list[Inline] = []
    for token in cursor.until(*closing):
        found += _inlines(_Cursor(token.children or ()))
    return tuple(found)


def _inlines(cursor: _Cursor, *closing: str, linked: bool = False) -> tuple[Inline, ...]:
    found: list[Inline] = []
    for token in cursor.until(*closing):
        if token.type in ("text", "text_special"):
            found += [Text(token.content)] if linked else _addresses(token.content)
        elif token.type == "code_inline":
            found.append(Code(token.content.strip() or token.content))
        elif token.type in ("softbreak", "hardbreak"):
            found.append(Break())
        elif token.type == "link_open":
            _drop_exclamation_mark(found)
            inner = _inlines(cursor, "link_close", linked=True)
            href = str(token.attrs.get("href", ""))
            found.append(Link(href, inner or (Text(href),), token.markup == "autolink"))
        elif token.type in _STYLES:
            closer = token.type.replace("open", "close")
            found.append(Styled(_STYLES[token.type], _inlines(cursor, closer, linked=linked)))
    return tuple(found)


def _drop_exclamation_mark(found: list[Inline]) -> None:
    # Images are read as links, since the parser's own rule for them descends without a bound.
    if found and isinstance(found[-1], Text) and found[-1].text.endswith("!"):
        text = found.pop()
        assert isinstance(text, Text)
        if text.text != "!":
            found.append(Text(text.text[:-1]))


def _addresses(text: str) -> list[Inline]:
    """Set apart the addresses in a text: nothing in them may be escaped or styled."""
    found: list[Inline] = []
    done = 0
    for match in _ADDRESS.finditer(text):
        address = _trimmed(match[0])
        if address:
            if match.start() > done:
                found.append(Text(text[done : match.start()]))
            found.append(Link(parser().normalizeLink(address), (Text(address),), bare=True))
            done = match.start() + len(address)
    if done < len(text):
        found.append(Text(text[done:]))
    return found


def _trimmed(address: str) -> str:
    """An address without the punctuation of the sentence that it ends."""
    while address and address[-1] in _TRAILING:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address if address.partition("://")[2] else ""
