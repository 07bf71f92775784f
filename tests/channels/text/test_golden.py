"""Answers as models write them, and how each platform is given them.

The files in ``golden`` are read by people: whoever changes a form changes them by hand.
"""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.text import discord, irc, matrix, plain, slack, telegram, whatsapp
from tests.channels.text import judges

GOLDEN = Path(__file__).with_name("golden")
FORMS = {
    "telegram": telegram.render,
    "slack": slack.render,
    "discord": discord.render,
    "matrix": matrix.render,
    "whatsapp": whatsapp.render,
    "irc": irc.render,
    "plain": plain.render,
}
ANSWERS = ("code", "hostile", "languages", "lists", "table")


def text(name: str) -> str:
    """A golden file, without the line feed at its end."""
    return (GOLDEN / name).read_text(encoding="utf-8").removesuffix("\n")


class GoldenTests(SynchronousTestCase):
    maxDiff = None

    def test_every_answer_in_every_form(self) -> None:
        for answer in ANSWERS:
            source = text(f"{answer}.md")
            for form, render in FORMS.items():
                self.assertEqual(render(source), text(f"{answer}.{form}.txt"), (answer, form))

    def test_no_file_is_without_a_test(self) -> None:
        expected = {f"{answer}.{form}.txt" for answer in ANSWERS for form in FORMS}
        expected |= {f"{answer}.md" for answer in ANSWERS}
        self.assertEqual({path.name for path in GOLDEN.iterdir()}, expected)

    def test_the_judges_agree(self) -> None:
        for answer in ANSWERS:
            self.assertEqual(judges.Telegram(text(f"{answer}.telegram.txt")).faults, [])
            self.assertEqual(judges.Matrix(text(f"{answer}.matrix.txt")).faults, [])
            self.assertEqual(judges.slack_faults(text(f"{answer}.slack.txt")), [])
