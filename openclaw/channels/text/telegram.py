"""Telegram's HTML: the few tags that a bot may send, each closed; the wire is elsewhere.

See https://core.telegram.org/bots/api#html-style.
"""

import re

from openclaw.channels.text.form import Form
from openclaw.channels.text.tree import Fence, Quote

_SCHEMES = ("http://", "https://", "tg://", "mailto:")
_TAG = re.compile("<[^>]*>")


def render(markdown: str) -> str:
    """Markdown as what ``parse_mode: HTML`` takes; nothing in it can fail to parse."""
    return TelegramForm().render(markdown)


def counted(markdown: str) -> str:
    """What is left of :func:`render` once the tags are read: what Telegram's limits count."""
    text = _TAG.sub("", render(markdown))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class TelegramForm(Form):
    """The tags, and how they may stand in each other."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("<b>", "</b>"),
        "emphasis": ("<i>", "</i>"),
        "strike": ("<s>", "</s>"),
        "spoiler": ("<tg-spoiler>", "</tg-spoiler>"),
    }
    code_alone = True
    code_tables = True
    bullet = "• "

    def __init__(self) -> None:
        self._quoting = False

    def text(self, text: str) -> str:
        """Words; three characters are all that Telegram wants escaped."""
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def code(self, text: str) -> str:
        """An inline code span."""
        return f"<code>{self.text(text)}</code>"

    def fence(self, fence: Fence) -> str:
        """A code block, with its language if it has one."""
        code = self.text(fence.text)
        if not fence.language:
            return f"<pre>{code}</pre>"
        return f'<pre><code class="language-{fence.language}">{code}</code></pre>'

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link; an address as it stands becomes one in the app."""
        if bare or not href.startswith(_SCHEMES):
            return super().link(label, href, bare)
        address = self.text(href).replace('"', "&quot;")
        return f'<a href="{address}">{self.text(label)}</a>'

    def quote(self, quote: Quote, indent: str) -> str:
        """A quotation. Telegram's own may not nest: one that is deeper has brackets instead."""
        if self._quoting:
            inner = self.blocks(quote.blocks, "")
            return "\n".join(f"{indent}&gt; {line}" for line in inner.split("\n"))
        self._quoting = True
        try:
            inner = self.blocks(quote.blocks, "")
        finally:
            self._quoting = False
        return f"<blockquote>{inner}</blockquote>"
