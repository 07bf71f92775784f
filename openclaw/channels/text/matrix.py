"""Matrix's HTML, ``org.matrix.custom.html``, in the part that is safe; and the plain body.

See https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import quote

from openclaw.channels.text import plain
from openclaw.channels.text.form import Form
from openclaw.channels.text.runs import Run
from openclaw.channels.text.tree import (
    Block,
    Fence,
    Heading,
    Inline,
    Listing,
    Paragraph,
    Quote,
    Table,
)

# An id in the words of an answer. What stands before it must be no part of a word or an address;
# the dot behind it ends a sentence.
USER_ID = re.compile(
    r"(?<![\w./@:-])@[a-z0-9._=/+-]{1,200}:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?"
    r"(?::\d{1,5})?(?!\w)"
)
_SCHEMES = ("http://", "https://", "mailto:", "matrix:")


def render(markdown: str) -> str:
    """Markdown as ``formatted_body``."""
    return MatrixForm().render(markdown)


def body(markdown: str) -> str:
    """Markdown as ``body``: what notifications and clients without HTML show."""
    return plain.render(markdown)


def counted(markdown: str) -> str:
    """Both bodies: an event's size counts them together."""
    return body(markdown) + render(markdown)


class MatrixForm(Form):
    """Elements, none of them left open; every attribute is one of ours."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("<strong>", "</strong>"),
        "emphasis": ("<em>", "</em>"),
        "strike": ("<del>", "</del>"),
        "spoiler": ("<span data-mx-spoiler>", "</span>"),
    }

    def blocks(self, blocks: Iterable[Block], indent: str, tight: bool = False) -> str:
        """Blocks, or the bare lines of a paragraph that stands alone or in a tight list."""
        found = list(blocks)
        alone = len(found) == 1 and isinstance(found[0], Paragraph)
        if not alone and not tight:
            return "".join(self.block(block, "") for block in found)
        return "".join(
            self.inline(block.children) if isinstance(block, Paragraph) else self.block(block, "")
            for block in found
        )

    def paragraph(self, children: Iterable[Inline]) -> str:
        """A paragraph."""
        return f"<p>{self.inline(children)}</p>"

    def inline(self, children: Iterable[Inline]) -> str:
        """Inline content, its lines apart."""
        return super().inline(children).replace("\n", "<br>")

    def heading(self, heading: Heading) -> str:
        """A heading."""
        return f"<h{heading.level}>{self.inline(heading.children)}</h{heading.level}>"

    def fence(self, fence: Fence) -> str:
        """A code block, with its language if it has one."""
        name = f' class="language-{escape(fence.language)}"' if fence.language else ""
        return f"<pre><code{name}>{self.text(fence.text)}\n</code></pre>"

    def quote(self, quote: Quote, indent: str) -> str:
        """A quotation."""
        inner = "".join(self.block(block, "") for block in quote.blocks)
        return f"<blockquote>{inner}</blockquote>"

    def listing(self, listing: Listing, indent: str) -> str:
        """A list."""
        items = (f"<li>{self.blocks(item, '', listing.tight)}</li>" for item in listing.items)
        if listing.start is None:
            return f"<ul>{''.join(items)}</ul>"
        start = f' start="{listing.start}"' if listing.start != 1 else ""
        return f"<ol{start}>{''.join(items)}</ol>"

    def table(self, table: Table, indent: str) -> str:
        """A table."""
        rows = "".join(self._row("td", row) for row in table.rows)
        inner = f"<tbody>{rows}</tbody>" if rows else ""
        return f"<table><thead>{self._row('th', table.head)}</thead>{inner}</table>"

    def rule(self) -> str:
        """A line between parts."""
        return "<hr>"

    def text(self, text: str) -> str:
        """Words, escaped."""
        return escape(text, quote=False)

    def run(self, run: Run) -> str:
        """One run; the people in words become what clients show as people."""
        if run.kind != "text":
            return super().run(run)
        written, at = "", 0
        for found in USER_ID.finditer(run.text):
            link = f'<a href="https://matrix.to/#/{quote(found[0], safe="")}">{found[0]}</a>'
            written += self.text(run.text[at : found.start()]) + link
            at = found.end()
        return written + self.text(run.text[at:])

    def code(self, text: str) -> str:
        """An inline code span."""
        return f"<code>{self.text(text)}</code>"

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link, if it is of a kind that every client opens."""
        if not href.startswith(_SCHEMES):
            return super().link(label, href, bare)
        return f'<a href="{escape(href)}">{self.text(label)}</a>'

    def _row(self, tag: str, cells: Sequence[tuple[Inline, ...]]) -> str:
        return f"<tr>{''.join(f'<{tag}>{self.inline(cell)}</{tag}>' for cell in cells)}</tr>"
