"""What was said in groups to others."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.context import GroupContext
from openclaw.interfaces.messages import Inbound
from tests.channels.samples import inbound


def said(context: GroupContext, message: Inbound) -> list[str]:
    """The texts that are told with a message."""
    return [one.text for one in context.take(message)]


class ContextTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.context = GroupContext(most_chats=3)

    def test_the_latest_are_told_once_in_order(self) -> None:
        for number in range(5):
            self.context.note(inbound(number), 3)
        self.assertEqual(said(self.context, inbound(9)), ["message 2", "message 3", "message 4"])
        self.assertEqual(said(self.context, inbound(9)), [])

    def test_chats_threads_and_accounts_are_apart(self) -> None:
        self.context.note(inbound(1, thread_id="t"), 3)
        for other in (
            inbound(2),
            inbound(2, chat_id="43", thread_id="t"),
            inbound(2, account="b", thread_id="t"),
        ):
            self.assertEqual(said(self.context, other), [])
        self.assertEqual(said(self.context, inbound(2, thread_id="t")), ["message 1"])

    def test_none_is_kept_where_none_is_wanted(self) -> None:
        self.context.note(inbound(1), 0)
        self.assertEqual(said(self.context, inbound(2)), [])

    def test_the_chat_that_was_silent_longest_goes_first(self) -> None:
        for chat in ("a", "b", "c"):
            self.context.note(inbound(1, chat_id=chat), 3)
        self.context.note(inbound(2, chat_id="a"), 3)
        self.context.note(inbound(1, chat_id="d"), 3)
        self.assertEqual(said(self.context, inbound(3, chat_id="b")), [])
        self.assertEqual(len(said(self.context, inbound(3, chat_id="a"))), 2)
