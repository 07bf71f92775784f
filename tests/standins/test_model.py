"""The model stand-in says what its directives promise, or the tests that steer it mean nothing."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.standins.behaviour import REPLY, Behaviour, behaviour_for, words
from tests.standins.completions import Completions, last_user_text


class DirectiveTests(SynchronousTestCase):
    """What a user's text makes the model do."""

    def test_text_without_directive_gets_the_usual_reply(self) -> None:
        """Other brackets are no directives."""
        self.assertEqual(behaviour_for("hi [Fri 10:00] there").text, REPLY)

    def test_directives(self) -> None:
        """Each directive, also in the middle of a text."""
        table = {
            "[chunks=3]": Behaviour(words(3)),
            "say [chunks=2 delay=20] please": Behaviour(words(2), 0.02),
            "[slow]": Behaviour(words(30), 0.2),
            "[error=500]": Behaviour(status=500),
            "[error=429 retry-after] x": Behaviour(status=429, retry_after=True),
            "[reset]": Behaviour(words(3), fault="reset"),
            "[hang]": Behaviour(words(3), fault="hang"),
            "[echo] this text\nnot this": Behaviour(("this text",)),
        }
        for text, expected in table.items():
            self.assertEqual(behaviour_for(text), expected, text)

    def test_words_join_with_single_spaces(self) -> None:
        """The whole text of a chunked answer can be predicted."""
        self.assertEqual("".join(words(3)), "w1 w2 w3")

    def test_only_what_the_user_said_last_counts(self) -> None:
        """An old directive does not steer a new answer."""
        messages: list[dict[str, Any]] = [
            {"role": "user", "content": "[error=500]"},
            {"role": "assistant", "content": "sorry"},
            {"role": "user", "content": [{"type": "text", "text": "hello"}]},
            {"role": "user", "content": "context of the gateway"},
        ]
        self.assertEqual(last_user_text(messages), "hello\ncontext of the gateway")


class FrameTests(SynchronousTestCase):
    """The streamed form of an answer."""

    def test_a_good_answer_ends_with_usage_and_done(self) -> None:
        """Role, text, finish reason, usage, end mark."""
        sent = list(Completions().frames(Behaviour(words(2))))
        self.assertEqual(len(sent), 6)
        self.assertIn(b'"finish_reason": "stop"', sent[3])
        self.assertIn(b'"usage"', sent[4])
        self.assertEqual(sent[5], b"data: [DONE]\n\n")

    def test_a_broken_answer_has_no_end(self) -> None:
        """A truncated stream stops after its text; garbage comes after the first piece."""
        cut = list(Completions().frames(behaviour_for("[truncate]")))
        self.assertEqual(len(cut), 4)
        garbage = list(Completions().frames(behaviour_for("[garbage]")))
        self.assertEqual(garbage[-1], b"data: {this is no JSON\n\n")
