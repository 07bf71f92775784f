"""WhatsApp's markup: bold, italics, strike-through, code, lists and quotations; no links.

See https://faq.whatsapp.com/539178204879377.
"""

from openclaw.channels.text.starred import StarredForm


def render(markdown: str) -> str:
    """Markdown as WhatsApp reads it."""
    return StarredForm().render(markdown)
