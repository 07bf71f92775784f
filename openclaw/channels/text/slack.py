"""Slack's mrkdwn, in which no word of an answer can become a command; the wire is elsewhere.

See https://docs.slack.dev/messaging/formatting-message-text.
"""

from openclaw.channels.text.form import ZERO_WIDTH_SPACE, Form
from openclaw.channels.text.tree import Fence

_SCHEMES = ("http://", "https://", "mailto:", "tel:")


def render(markdown: str) -> str:
    """Markdown as mrkdwn. The only angle brackets in it are those of links to the outside."""
    return SlackForm().render(markdown)


class SlackForm(Form):
    """Slack's marks; they hold for one line and have to stand apart from letters."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("*", "*"),
        "emphasis": ("_", "_"),
        "strike": ("~", "~"),
    }
    line_by_line = True
    spaced_marks = True
    code_tables = True
    quotes_at_margin = True
    bullet = "• "

    def text(self, text: str) -> str:
        """Words; what could open a mention, a channel or a link is escaped."""
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def code(self, text: str) -> str:
        """An inline code span; bare where it has a back-tick itself, which Slack cannot write."""
        return self.text(text) if "`" in text else f"`{self.text(text)}`"

    def fence(self, fence: Fence) -> str:
        """A code block; Slack would show the language as its first line."""
        code = self.text(fence.text).replace("```", f"``{ZERO_WIDTH_SPACE}`")
        return f"```\n{code}\n```"

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link to the web, a mailbox or a telephone; others are words."""
        if not href.startswith(_SCHEMES):
            return super().link(label, href, bare)
        address = self.text(href)
        return f"<{address}>" if label == href else f"<{address}|{self.text(label)}>"
