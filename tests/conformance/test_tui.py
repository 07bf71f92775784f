"""The official terminal UI in a pseudo-terminal (rung 33)."""

from tests.conformance.cases import CommandLineCase
from tests.conformance.terminal import Terminal
from tests.standins.behaviour import REPLY

_ESCAPE = "\x1b"


class TerminalUITests(CommandLineCase):
    """One conversation in the terminal."""

    def open(self) -> Terminal:
        """Start ``openclaw tui`` and wait until it is connected and idle."""
        terminal = Terminal(self.cli.command("tui"), self.cli.environment, self.cli.home)
        self.addCleanup(terminal.stop)
        terminal.wait_for("connected | idle", 60)
        return terminal

    def test_conversation(self) -> None:
        """Rung 33: send, stream, finish; stop a run with Esc; ``/status``; history on return."""
        terminal = self.open()
        self.assertNotIn("subscription failed", terminal.text)
        terminal.enter("hello there")
        terminal.wait_for(REPLY, 60)
        terminal.wait_for("connected | idle", 60)

        terminal.enter("[slow] please")
        terminal.wait_for("w1 w2 w3", 60)
        terminal.mark()
        terminal.type(_ESCAPE)
        terminal.wait_for("run aborted")
        terminal.wait_for("connected | aborted")

        terminal.enter("/status")
        terminal.wait_for("mock/mock-1")

        again = self.open()
        again.wait_for("hello there")
        again.wait_for(REPLY)
