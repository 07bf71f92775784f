"""What a platform would say to a text: readers of their markup that accept nothing doubtful."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

TELEGRAM_TAGS = frozenset({"b", "i", "s", "a", "code", "pre", "blockquote", "tg-spoiler"})
MATRIX_TAGS = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li", "span"}
    | {"a", "strong", "em", "del", "code", "pre", "table", "thead", "tbody", "tr", "th", "td"}
)
_VOID = frozenset({"br", "hr"})
_TELEGRAM_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot);)")
_SLACK_BRACKET = re.compile(r"<[^<>]*>|[<>]")
_SLACK_LINK = re.compile(r"<(?:https?://|mailto:|tel:)[^|<>\s]+(?:\|[^<>\n]+)?>")
_LANGUAGE = re.compile(r"language-[A-Za-z0-9_+#.-]{1,32}")


class Markup(HTMLParser):
    """Reads HTML, and notes every fault and all text."""

    def __init__(self, tags: frozenset[str], source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text = ""
        self._tags = tags
        self.open: list[str] = []
        self.feed(source)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._tags:
            self.faults.append(f"tag {tag}")
        self.faults += [f"{tag}: {fault}" for fault in self.wrong(tag, dict(attrs))]
        if len(attrs) > 1:
            self.faults.append(f"{tag} with {attrs}")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> out of order")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data}")

    def wrong(self, tag: str, attrs: dict[str, str | None]) -> list[str]:
        """Attributes that are not allowed."""
        raise NotImplementedError


class Telegram(Markup):
    """https://core.telegram.org/bots/api#html-style"""

    def __init__(self, source: str) -> None:
        super().__init__(TELEGRAM_TAGS, source)
        if _TELEGRAM_ENTITY.search(source):
            self.faults.append("a bare ampersand or an unknown entity")

    def wrong(self, tag: str, attrs: dict[str, str | None]) -> list[str]:
        faults = []
        if "pre" in self.open and not (tag == "code" and self.open[-1] == "pre"):
            faults.append("within pre")
        if self.open and self.open[-1] == "code":
            faults.append("within code")
        if tag == "code" and set(self.open) & {"b", "i", "s", "a", "tg-spoiler"}:
            faults.append(f"within {self.open}")
        if tag in self.open:
            faults.append("within itself")
        for name, value in attrs.items():
            if (tag, name) == ("a", "href") and urlsplit(value or "").scheme in SCHEMES_TELEGRAM:
                continue
            if tag == "code" and "pre" in self.open and _LANGUAGE.fullmatch(value or ""):
                continue
            faults.append(f"{name}={value}")
        if tag == "a" and not attrs:
            faults.append("without address")
        return faults


SCHEMES_TELEGRAM = ("http", "https", "tg", "mailto")


class Matrix(Markup):
    """https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes"""

    def __init__(self, source: str) -> None:
        super().__init__(MATRIX_TAGS, source)

    def wrong(self, tag: str, attrs: dict[str, str | None]) -> list[str]:
        return [f"{name}={value}" for name, value in attrs.items() if not _may(tag, name, value)]


def _may(tag: str, name: str, value: str | None) -> bool:
    if (tag, name) == ("a", "href"):
        return urlsplit(value or "").scheme in ("http", "https", "mailto", "matrix")
    if (tag, name) == ("code", "class"):
        return bool(_LANGUAGE.fullmatch(value or ""))
    if (tag, name) == ("ol", "start"):
        return (value or "").isdigit()
    return (tag, name, value) == ("span", "data-mx-spoiler", None)


def slack_faults(text: str) -> list[str]:
    """Control sequences other than links to the outside, and what is not escaped."""
    faults = []
    # A bracket at the start of a line is a quotation.
    bare = re.sub(r"^(?:> )+>?|^>", "", text, flags=re.MULTILINE)
    for found in _SLACK_BRACKET.findall(bare):
        if not _SLACK_LINK.fullmatch(found):
            faults.append(found)
    faults += [found for found in re.findall(r"&(?!(?:amp|lt|gt);).?", text)]
    return faults


def open_fences(markdown: str) -> list[str]:
    """Code blocks of a Markdown text that it does not close itself."""
    lines = markdown.split("\n")
    found = []
    for token in MarkdownIt("commonmark").disable(["code", "html_block"]).parse(markdown):
        if token.type == "fence" and token.map is not None:
            last = lines[token.map[1] - 1].strip(" \t>")
            if token.map[1] - token.map[0] < 2 or not last.startswith(token.markup):
                found.append("\n".join(lines[token.map[0] : token.map[1]]))
    return found
