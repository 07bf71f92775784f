"""Tests of thoughts within an answer's text: a table, and every way to cut it in two."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.completions.dialect import Completions
from openclaw.agents.runtimes.completions.think_tag import ThinkTag
from openclaw.agents.runtimes.draft import BrokenAnswer
from tests.agents.runtimes.asking import every_step, read, sse

TABLE = [
    ("<think>hm</think>yes", "hm", "yes"),
    ("\n <think>\nhm\n</think>\n\nyes\n", "\nhm\n", "yes\n"),
    ("<think></think>\n\nyes", "", "yes"),
    ("<think>a < b </thin k></think>yes", "a < b </thin k>", "yes"),
    ("<think>hm</think>yes <think>no</think>", "hm", "yes <think>no</think>"),
    ("yes", "", "yes"),
    ("  yes", "", "  yes"),
    ("`<think>` is a tag", "", "`<think>` is a tag"),
    ("<thinly>", "", "<thinly>"),
    ("<thi", "", "<thi"),
    ("<think>hm</think>", "hm", ""),
    ("", "", ""),
]


def split(*pieces: str) -> tuple[str, str]:
    """Thoughts and answer of a text that comes in pieces."""
    tag, thoughts, answer = ThinkTag(), "", ""
    for piece in pieces:
        thought, text = tag.feed(piece)
        thoughts, answer = thoughts + thought, answer + text
    return thoughts, answer + tag.finish()


class ThinkTagTests(SynchronousTestCase):
    def test_any_cut(self) -> None:
        for text, thoughts, answer in TABLE:
            for cut in range(len(text) + 1):
                found = split(text[:cut], text[cut:])
                self.assertEqual(found, (thoughts, answer), (text[:cut], text[cut:]))
            self.assertEqual(split(*text), (thoughts, answer), text)

    def test_an_answer_is_there_with_its_last_letter(self) -> None:
        tag = ThinkTag()
        self.assertEqual(tag.feed("yes"), ("", "yes"))
        self.assertEqual(tag.feed(" <think>"), ("", " <think>"))

    def test_a_thought_without_an_end_is_no_lost_answer(self) -> None:
        self.assertEqual(split("<think>", "hm </thi"), ("hm ", "<think>hm </thi"))


class AnswerTests(SynchronousTestCase):
    """The same in a stream of chat completions."""

    def chunks(self, *texts: str, finish: str = "stop") -> bytes:
        """A stream that says these texts."""
        said = [{"choices": [{"delta": {"content": text}}]} for text in texts]
        return sse(*said, {"choices": [{"delta": {}, "finish_reason": finish}]}, "[DONE]")

    def test_thoughts_are_shown_as_thoughts_and_not_kept_as_answer(self) -> None:
        def check(step: int) -> None:
            data = self.chunks("<thi", "nk>hm", "</think>", "\n\nyes")
            heard = read(Completions(), data, step=step)
            self.assertEqual(("".join(heard.thoughts), "".join(heard.text)), ("hm", "yes"))
            self.assertEqual(heard.outcome.text, "yes")

        every_step(check)

    def test_an_answer_of_half_a_tag_is_an_answer(self) -> None:
        self.assertEqual(read(Completions(), self.chunks("<thi")).outcome.text, "<thi")

    def test_a_thought_that_was_cut_is_no_answer(self) -> None:
        with self.assertRaisesRegex(BrokenAnswer, "maxTokens"):
            read(Completions(), self.chunks("<think>hm", finish="length"))

    def test_a_whole_document(self) -> None:
        said = b'{"content":"<think>hm</think>yes"}'
        heard = read(Completions(), b'{"choices":[{"message":%s,"finish_reason":"stop"}]}' % said)
        self.assertEqual((heard.thoughts, heard.outcome.text), (["hm"], "yes"))

    def test_a_document_without_a_finish_reason(self) -> None:
        heard = read(Completions(), b'{"choices":[{"message":{"content":"<thi"}}]}')
        self.assertEqual(heard.outcome.text, "<thi")
