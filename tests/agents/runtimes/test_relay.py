"""Tests of the relay: what needs no server to be shown."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.relay import MAX_ANSWER_BYTES, BrokenAnswer, Relay
from openclaw.interfaces.agents import RunOutcome

DOCUMENT = b'{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
STREAM = b'data: {"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\n'


class FormTests(SynchronousTestCase):
    """A stream or a document: the first byte tells."""

    def test_any_start_split_anywhere(self) -> None:
        for start in (b"", b"\xef\xbb\xbf", b" \r\n", b"\xef\xbb\xbf\n"):
            for whole in (start + DOCUMENT, start + STREAM):
                for cut in range(len(whole)):
                    heard: list[str] = []
                    relay = Relay(heard.append)
                    relay.feed(whole[:cut])
                    relay.feed(whole[cut:])
                    self.assertEqual(relay.end(), RunOutcome("Hello"), whole[:cut])
                    self.assertEqual(heard, ["Hello"])

    def test_text_is_out_before_the_end(self) -> None:
        heard: list[str] = []
        Relay(heard.append).feed(STREAM)
        self.assertEqual(heard, ["Hello"])

    def test_nothing_follows_done(self) -> None:
        heard: list[str] = []
        relay = Relay(heard.append)
        self.assertFalse(relay.feed(STREAM))
        self.assertTrue(relay.feed(b"data: [DONE]\n\n" + STREAM))
        self.assertEqual((heard, relay.end().text), (["Hello"], "Hello"))


class LimitTests(SynchronousTestCase):
    """A server that never stops is stopped."""

    def test_endless_answer(self) -> None:
        relay = Relay(lambda text: None)
        many = STREAM * 1000
        with self.assertRaisesRegex(BrokenAnswer, "longer than"):
            for _ in range(MAX_ANSWER_BYTES // len(many) + 1):
                relay.feed(many)

    def test_endless_document(self) -> None:
        relay = Relay(lambda text: None)
        with self.assertRaisesRegex(BrokenAnswer, "longer than"):
            for _ in range(9):
                relay.feed(b"{" * 1024 * 1024)
