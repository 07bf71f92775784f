"""IRC's formatting codes, for networks whose people want them; plain text is the default there.

See https://modern.ircdocs.horse/formatting. The control characters are all of our making: those in
an answer are taken out before it is read.
"""

from openclaw.channels.text.form import Form

_MONOSPACE = "\x11"


def render(markdown: str) -> str:
    """Markdown with formatting codes, none of which holds beyond its line."""
    return IRCForm().render(markdown)


class IRCForm(Form):
    """Codes that switch a style on and off again."""

    marks = {  # noqa: RUF012  # Declared a class variable where it is inherited from.
        "strong": ("\x02", "\x02"),
        "emphasis": ("\x1d", "\x1d"),
        "strike": ("\x1e", "\x1e"),
    }
    line_by_line = True

    def code(self, text: str) -> str:
        """An inline code span."""
        return f"{_MONOSPACE}{text}{_MONOSPACE}"
