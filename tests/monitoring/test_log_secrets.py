"""No secret and no control character gets through the log, and no failure passes for an event."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.redact import REDACTED, KnownSecrets
from openclaw.monitoring.log_file import Console, LogFile, as_line, as_text
from tests.monitoring.test_log_file import event

SECRET = "CANARY-which-no-log-may-hold"
HIDE = KnownSecrets([SECRET]).clean


def failed(words: str) -> Failure:
    """A failure that says something."""
    try:
        raise RuntimeError(words)
    except RuntimeError:
        return Failure()


class HidingTests(SynchronousTestCase):
    def test_messages_and_failures(self) -> None:
        for odd in (
            event(f"before {SECRET} after"),
            event(log_failure=failed(f"it was {SECRET}"), log_level=LogLevel.critical),
            event({"token": SECRET}),
            event(f"https://u:{SECRET}@host/?token={SECRET}"),
        ):
            for text in (as_line(odd, HIDE).decode(), as_text(odd, HIDE)):
                self.assertNotIn(SECRET, text)
                self.assertIn(REDACTED, text)
        self.assertIn(SECRET, as_text(event(SECRET)))

    def test_the_file_and_the_console_hide(self) -> None:
        written: list[str] = []
        path = Path(self.mktemp())
        log = LogFile(path, hide=HIDE)
        log(event(SECRET))
        log.close()
        for as_json in (True, False):
            Console(json=as_json, write=written.append, hide=HIDE)(event(SECRET))
        self.assertNotIn(SECRET, path.read_text() + "".join(written))

    @settings(max_examples=500, deadline=None)
    @given(st.text(st.characters(codec=None)))
    def test_nothing_moves_a_cursor(self, text: str) -> None:
        line = as_line(event(f"{text}\x1b[2J\x9b2J\u202e\x7f")).decode()
        moves = {*map(chr, range(0x7F, 0xA0)), *"\u2028\u2029\u202a\u202e\u2066\u2069\u200f"}
        self.assertEqual([one for one in line[:-1] if one < " " or one in moves], [])
        shown = as_text(event(text, log_failure=failed(text)))
        self.assertEqual([one for one in shown if not one.isprintable() and one != "\n"], [])

    def test_escaped_lines_say_the_same(self) -> None:
        text = "ä \x9b \u202e \u2028 \x7f \ufeff 日本"
        self.assertEqual(json.loads(as_line(event(text)))["message"], text)

    def test_a_failure_cannot_pass_for_an_event(self) -> None:
        shown = as_text(event("x", log_failure=failed("bad\ninfo     ready on 127.0.0.1:1")))
        lines = shown.splitlines()
        self.assertTrue(lines[0].startswith("info"))
        self.assertEqual([line for line in lines[1:] if not line.startswith("    ")], [])
