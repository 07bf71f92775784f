"""Tests of the relay: what needs no server to be shown."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.completions.answer import CompletionsAnswer
from openclaw.agents.runtimes.draft import MAX_CONTENT, BrokenAnswer, Draft, Hearing
from openclaw.agents.runtimes.relay import MAX_STREAM_BYTES, Relay
from openclaw.interfaces.agents import ModelInfo, RunOutcome

DOCUMENT = b'{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
STREAM = b'data: {"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\n'
MODEL = ModelInfo("mock", "m", "M")


def relay_to(hear: Callable[[str], None]) -> Relay:
    """A relay of chat completions."""
    draft = Draft(Hearing(hear))
    return Relay(CompletionsAnswer(draft, MODEL), draft)


def nobody(text: str) -> None:
    """Hear nothing."""


class FormTests(SynchronousTestCase):
    """A stream or a document: the first byte tells."""

    def test_any_start_split_anywhere(self) -> None:
        for start in (b"", b"\xef\xbb\xbf", b" \r\n", b"\xef\xbb\xbf\n"):
            for whole in (start + DOCUMENT, start + STREAM):
                for cut in range(len(whole)):
                    heard: list[str] = []
                    relay = relay_to(heard.append)
                    relay.feed(whole[:cut])
                    relay.feed(whole[cut:])
                    self.assertEqual(relay.end(), RunOutcome("Hello"), whole[:cut])
                    self.assertEqual(heard, ["Hello"])

    def test_text_is_out_before_the_end(self) -> None:
        heard: list[str] = []
        relay_to(heard.append).feed(STREAM)
        self.assertEqual(heard, ["Hello"])

    def test_nothing_follows_done(self) -> None:
        heard: list[str] = []
        relay = relay_to(heard.append)
        self.assertFalse(relay.feed(STREAM))
        self.assertTrue(relay.feed(b"data: [DONE]\n\n" + STREAM))
        self.assertEqual((heard, relay.end().text), (["Hello"], "Hello"))


class LimitTests(SynchronousTestCase):
    """A server that never stops is stopped."""

    def test_endless_text(self) -> None:
        relay = relay_to(nobody)
        event = STREAM.replace(b"Hello", b"x" * 4000).replace(b',"finish_reason":"stop"', b"")
        with self.assertRaisesRegex(BrokenAnswer, "longer than"):
            for _ in range(MAX_CONTENT // 4000 + 1):
                relay.feed(event)

    def test_endless_stream_of_nothing(self) -> None:
        relay = relay_to(nobody)
        pings = b": ping\n\n" * (1 << 17)
        with self.assertRaisesRegex(BrokenAnswer, "longer than"):
            for _ in range(MAX_STREAM_BYTES // len(pings) + 1):
                relay.feed(pings)

    def test_endless_white_space_is_not_kept(self) -> None:
        relay = relay_to(nobody)
        for _ in range(64):
            relay.feed(b"\n" * (1 << 16))
        relay.feed(DOCUMENT)
        self.assertEqual(relay.end(), RunOutcome("Hello"))

    def test_endless_document(self) -> None:
        relay = relay_to(nobody)
        with self.assertRaisesRegex(BrokenAnswer, "longer than"):
            for _ in range(9):
                relay.feed(b"{" * 1024 * 1024)
