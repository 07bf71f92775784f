"""Discord's Markdown: what it lacks is written otherwise, what it would misread is escaped.

Whom a message may alert is said on the wire (``allowed_mentions``), so mentions stay as they are.
See https://support.discord.com/hc/en-us/articles/210298617.
"""

import re
from collections.abc import Iterable

from openclaw.channels.text.form import ZERO_WIDTH_SPACE, Form
from openclaw.channels.text.tree import Fence, Heading, Inline

# An underscore within a word is no mark, and names of programs are full of them.
_SPECIAL = re.compile(r"[\\*`]|(?<![^\W_])_|_(?![^\W_])|~~|\|\||(?<=\])\(")
_OPENS_BLOCK = re.compile(r"^(\s*)(#{1,3}(?=\s)|-#(?=\s)|>(?=\s|>>)|[-+](?=\s))", re.MULTILINE)
_NUMBERED = re.compile(r"^(\s*\d+)\.(?=\s)", re.MULTILINE)


def render(markdown: str) -> str:
    """Markdown as Discord reads it."""
    return DiscordForm().render(markdown)


class DiscordForm(Form):
    """Discord's marks."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("**", "**"),
        "emphasis": ("*", "*"),
        "strike": ("~~", "~~"),
        "spoiler": ("||", "||"),
    }
    code_tables = True
    quotes_at_margin = True

    def text(self, text: str) -> str:
        """Words, with marks escaped."""
        return _SPECIAL.sub(lambda found: "".join(f"\\{char}" for char in found[0]), text)

    def paragraph(self, children: Iterable[Inline]) -> str:
        """The lines of a paragraph, none of which may open a heading, a list or a quotation."""
        text = _OPENS_BLOCK.sub(r"\1\\\2", self.inline(children))
        return _NUMBERED.sub(r"\1\\.", text)

    def heading(self, heading: Heading) -> str:
        """A heading; Discord knows three levels."""
        if heading.level > 3:
            return super().heading(heading)
        return f"{'#' * heading.level} {self.inline(heading.children)}"

    def code(self, text: str) -> str:
        """An inline code span; two back-ticks around one that has one itself."""
        if "`" not in text:
            return f"`{text}`"
        return self.text(text) if "``" in text else f"`` {text} ``"

    def fence(self, fence: Fence) -> str:
        """A code block."""
        code = fence.text.replace("```", f"``{ZERO_WIDTH_SPACE}`")
        return f"```{fence.language}\n{code}\n```"

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link; Discord refuses one whose label looks like an address."""
        if bare:
            return label
        if "://" in label or not href.startswith(("http://", "https://")):
            return f"{self.text(label)} ({href})"
        address = f"<{href}>" if "(" in href or ")" in href else href
        return f"[{self.text(label)}]({address})"
