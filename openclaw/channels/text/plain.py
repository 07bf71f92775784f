"""Plain text, for platforms without any markup: Signal, iMessage, IRC."""

from openclaw.channels.text.form import Form


def render(markdown: str) -> str:
    """Markdown as text that reads well without any formatting."""
    return Form().render(markdown)
