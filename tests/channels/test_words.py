"""What an agent reads of a message."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.words import CONTEXT_CHARACTERS, context_for, words_for
from openclaw.interfaces.messages import Attachment, Person, Quote
from tests.channels.samples import inbound

GROUP = {"chat_type": "group", "chat_id": "-9", "chat_name": "Family"}


class WordsTests(SynchronousTestCase):
    def test_a_direct_message_is_its_words(self) -> None:
        self.assertEqual(words_for(inbound(1, "hello")), "hello")

    def test_in_a_group_everybody_is_named(self) -> None:
        more = inbound(2, "and this", sender=Person(id="7", username="bob"), **GROUP)
        self.assertEqual(words_for(inbound(1, "look", **GROUP), [more]), "Ada: look\nbob: and this")

    def test_a_command_stays_the_first_word(self) -> None:
        self.assertEqual(words_for(inbound(1, "/status", **GROUP)), "/status")
        self.assertEqual(words_for(inbound(1, "/x", kind="command", command="x", **GROUP)), "/x")

    def test_what_is_answered_is_quoted(self) -> None:
        quote = Quote(message_id="0", text="one\ntwo")
        self.assertEqual(words_for(inbound(1, "why", reply_to=quote)), "> one\n> two\nwhy")

    def test_captions_are_read_once(self) -> None:
        picture = Attachment(kind="image", caption="a cat")
        self.assertEqual(words_for(inbound(1, "a cat", attachments=(picture,))), "a cat")
        text = words_for(inbound(1, "<media:image>", attachments=(picture,)))
        self.assertEqual(text, "<media:image>\na cat")
        noted = "a cat\n[image left out: it is larger than 20 MB]"
        self.assertEqual(words_for(inbound(1, noted, attachments=(picture,))), noted)


class ContextTests(SynchronousTestCase):
    def test_where_it_came_from(self) -> None:
        self.assertEqual(
            context_for(inbound(1), ()), "This message came over test from Ada in a direct chat."
        )
        self.assertIn("in the group Family", context_for(inbound(1, **GROUP), ()))

    def test_files_are_named_where_they_lie(self) -> None:
        picture = Attachment(kind="image", name="cat.png", path="/media/1/cat.png")
        self.assertIn(
            "cat.png, stored at /media/1/cat.png",
            context_for(inbound(1, attachments=(picture,)), ()),
        )

    def test_every_file_of_an_album_is_named(self) -> None:
        album = [
            inbound(n, attachments=(Attachment(kind="image", name=f"{n}.png", path=f"/m/{n}"),))
            for n in range(3)
        ]
        text = context_for(album[0], (), album[1:])
        self.assertEqual([f"stored at /m/{n}" in text for n in range(4)], [True] * 3 + [False])

    def test_what_was_said_before_is_bounded(self) -> None:
        before = [inbound(n, "x" * 1_000, **GROUP) for n in range(100)]
        text = context_for(inbound(200, **GROUP), before)
        self.assertLess(len(text), CONTEXT_CHARACTERS + 500)
        self.assertGreater(len(text), CONTEXT_CHARACTERS - 1_500)
