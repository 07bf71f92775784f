"""Slack's mrkdwn, in which no word of an answer can become a command; the wire is elsewhere.

See https://docs.slack.dev/messaging/formatting-message-text.
"""

from openclaw.channels.text.starred import StarredForm

_SCHEMES = ("http://", "https://", "mailto:", "tel:")


def render(markdown: str) -> str:
    """Markdown as mrkdwn. The only angle brackets in it are those of links to the outside."""
    return SlackForm().render(markdown)


class SlackForm(StarredForm):
    """Slack's marks."""

    bullet = "• "

    def text(self, text: str) -> str:
        """Words; what could open a mention, a channel or a link is escaped."""
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def link(self, label: str, href: str, bare: bool) -> str:
        """A link to the web, a mailbox or a telephone; others are words."""
        if not href.startswith(_SCHEMES):
            return super().link(label, href, bare)
        address = self.text(href)
        return f"<{address}>" if label == href else f"<{address}|{self.text(label)}>"
