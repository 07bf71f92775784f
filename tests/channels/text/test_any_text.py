"""Whatever a model writes, every form of it is one that its platform takes."""

from hypothesis import example, given, settings
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text import discord, irc, matrix, plain, slack, telegram, whatsapp
from openclaw.channels.text.source import clean, visible
from tests.channels.text import judges
from tests.channels.text.writing import answers, markdown

FORMS = (telegram, slack, discord, matrix, whatsapp, irc, plain)
AWKWARD = (
    "**a `b` c** [`x`](http://e.org) > \n> > ```\n> > a\n",
    "[a](http://x/\"onclick=1 'y) <a href=x> [b](javascript:alert(1)) [c](data:text/html,x)",
    '```py"><script>\n</code></pre><b>\n```\n<!channel> <@U1|x> <http://e.org|<!here>>',
    "> " * 60 + "deep",
    "- " * 60 + "x",
    "![" * 300 + "a" + "](b)" * 300,
    "*_" * 500 + "a" + "_*" * 500,
    "[" * 2000,
    "\ud83d and \ude00\ud83d",
    "&#x202e;&#0;&#xD800;&#60;script&#62;&#2;",
)


class AnyTextTests(SynchronousTestCase):
    @settings(max_examples=400, deadline=None, database=None)
    @given(markdown)
    def test_telegram_can_parse_it(self, text: str) -> None:
        self._telegram(text)

    @settings(max_examples=400, deadline=None, database=None)
    @given(markdown)
    def test_slack_finds_no_command_in_it(self, text: str) -> None:
        self.assertEqual(judges.slack_faults(slack.render(text)), [])

    @settings(max_examples=400, deadline=None, database=None)
    @given(markdown)
    def test_matrix_clients_strip_nothing_of_it(self, text: str) -> None:
        self.assertEqual(judges.Matrix(matrix.render(text)).faults, [])

    @settings(max_examples=400, deadline=None, database=None)
    @given(markdown)
    def test_no_form_is_blank_or_cannot_be_encoded(self, text: str) -> None:
        self._sendable(text)

    def test_awkward_texts(self) -> None:
        for text in AWKWARD:
            self._telegram(text)
            self._sendable(text)
            self.assertEqual(judges.slack_faults(slack.render(text)), [])
            self.assertEqual(judges.Matrix(matrix.render(text)).faults, [])

    def test_words_that_lie_too_deep_for_the_parser_are_shown(self) -> None:
        for mark in ("> ", "- ", "1. ", "> - "):
            for depth in (5, 19, 20, 21, 39, 40, 41, 200):
                for form in FORMS:
                    self.assertIn("deep", form.render(f"above\n\n{mark * depth}deep\n\nbelow"))

    @settings(max_examples=200, deadline=None, database=None)
    @given(answers)
    @example("a **b** `c` [d](https://e.org/d).\n\n- 1\n- 2")
    def test_every_form_of_an_answer_shows_the_same_words(self, text: str) -> None:
        """Marks aside, what each platform shows is what the others show, in the same order."""
        said = letters(plain.render(text).replace("https://e.org/", ""))
        self.assertIn("", said)
        for shown in (irc.render(text), whatsapp.render(text)):
            self.assertEqual(letters(shown.replace("https://e.org/", "")), said)
        without_addresses = letters(judges.Matrix(matrix.render(text)).text)
        self.assertEqual(letters(judges.Telegram(telegram.render(text)).text), without_addresses)

    def _telegram(self, text: str) -> None:
        judge = judges.Telegram(telegram.render(text))
        self.assertEqual(judge.faults, [])
        self.assertEqual(judge.text, telegram.counted(text))

    def _sendable(self, text: str) -> None:
        for form in FORMS:
            rendered = form.render(text)
            rendered.encode("utf-8")
            self.assertNotRegex(rendered, "[\x00\x07\r]")
            self.assertEqual(bool(visible(rendered)), bool(visible(clean(text))), form.__name__)


def letters(text: str) -> str:
    """The letters of a text, in order."""
    return "".join(char for char in text if char.isalpha() or char == "😀")
