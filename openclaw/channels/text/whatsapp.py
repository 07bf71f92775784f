"""WhatsApp's markup: bold, italics, strike-through, code, lists and quotations; no links.

See https://faq.whatsapp.com/539178204879377.
"""

from openclaw.channels.text.form import ZERO_WIDTH_SPACE, Form
from openclaw.channels.text.tree import Fence


def render(markdown: str) -> str:
    """Markdown as WhatsApp reads it."""
    return WhatsAppForm().render(markdown)


class WhatsAppForm(Form):
    """WhatsApp's marks; they hold for one line and have to stand apart from letters."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("*", "*"),
        "emphasis": ("_", "_"),
        "strike": ("~", "~"),
    }
    line_by_line = True
    spaced_marks = True
    code_tables = True
    quotes_at_margin = True

    def code(self, text: str) -> str:
        """An inline code span; bare where it has a back-tick itself."""
        return text if "`" in text else f"`{text}`"

    def fence(self, fence: Fence) -> str:
        """A code block; there are no languages."""
        code = fence.text.replace("```", f"``{ZERO_WIDTH_SPACE}`")
        return f"```\n{code}\n```"
