"""The same words again, as a second sign of a repeat."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.contents import CAPACITY, RecentContents
from openclaw.interfaces.messages import Attachment, Person
from tests.channels.samples import inbound


class ContentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.contents = RecentContents(self.clock.seconds, 300.0)

    def test_the_same_words_under_another_id_are_a_repeat_within_the_window(self) -> None:
        self.assertFalse(self.contents.repeats(inbound(1, "hello")))
        self.clock.advance(299.9)
        self.assertTrue(self.contents.repeats(inbound(2, "hello")))
        self.clock.advance(0.1)
        self.assertFalse(self.contents.repeats(inbound(3, "hello")))

    def test_other_words_people_places_and_files_are_not(self) -> None:
        file = Attachment(kind="image", name="cat.png", size=1)
        for number, one in enumerate(
            (
                inbound(1, "hello"),
                inbound(2, "hello!"),
                inbound(3, "hello", sender=Person(id="43")),
                inbound(4, "hello", chat_id="43"),
                inbound(5, "hello", thread_id="t"),
                inbound(6, "hello", account="b"),
                inbound(7, "hello", attachments=(file,)),
            )
        ):
            self.assertFalse(self.contents.repeats(one), number)

    def test_a_message_that_was_not_taken_may_come_again(self) -> None:
        for _ in range(3):
            self.assertFalse(self.contents.repeats(inbound(1, "hello")))

    def test_it_is_bounded(self) -> None:
        for number in range(CAPACITY + 100):
            self.contents.repeats(inbound(number, str(number)))
        self.assertEqual(len(self.contents), CAPACITY)
        self.clock.advance(300)
        self.contents.repeats(inbound(1, "x"))
        self.assertEqual(len(self.contents), 1)
