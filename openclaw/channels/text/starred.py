"""What Slack's mrkdwn and WhatsApp's markup share: ``*bold*``, and marks that hold for one line."""

from openclaw.channels.text.form import ZERO_WIDTH_SPACE, Form
from openclaw.channels.text.tree import Fence


class StarredForm(Form):
    """Marks hold for one line and have to stand apart from letters; code names no language."""

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
        """An inline code span; bare where it has a back-tick itself, which cannot be written."""
        return self.text(text) if "`" in text else f"`{self.text(text)}`"

    def fence(self, fence: Fence) -> str:
        """A code block; a language would be shown as its first line."""
        code = self.text(fence.text).replace("```", f"``{ZERO_WIDTH_SPACE}`")
        return f"```\n{code}\n```"
