"""Where the owner is found in private."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.commands import control_method
from openclaw.channels.control import Control
from openclaw.channels.owners import OwnerChats
from openclaw.channels.records import ChannelValues
from openclaw.interfaces.messages import Person, Target
from openclaw.storage.memory import MemoryStore
from tests.channels.samples import inbound

CONTROL = Control(frozenset({"test:42", "other:42", "test:7"}), control_method)
HERE = Target(channel="test", account="default", chat_id="42")


class OwnerChatTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryStore(Clock())
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.restart()

    def restart(self) -> None:
        """The next process, over the same journal."""
        values = ChannelValues(self.store)
        self.successResultOf(values.load())
        accounts = [("test", "default"), ("test", "second"), ("other", "default")]
        self.chats = OwnerChats(CONTROL, values, lambda: accounts)

    def test_one_direct_chat_of_each_owner_is_known_also_after_a_restart(self) -> None:
        self.assertEqual(self.chats.known(), [])
        self.chats.note(inbound(1))
        self.chats.note(inbound(2, account="second", chat_id="43"))
        self.chats.note(inbound(3, channel="other", chat_id="D42", thread_id="t"))
        there = Target(channel="other", account="default", chat_id="D42", thread_id="t")
        self.assertEqual(self.chats.known(), [there, HERE])
        self.restart()
        self.assertEqual(self.chats.known(), [there, HERE])

    def test_the_latest_place_on_an_account_counts(self) -> None:
        self.chats.note(inbound(1, chat_id="old"))
        self.chats.note(inbound(2))
        self.assertEqual(self.chats.known(), [HERE])

    def test_groups_and_others_are_no_such_place(self) -> None:
        self.chats.note(inbound(1, chat_type="group", chat_id="-1"))
        self.chats.note(inbound(2, sender=Person(id="66", name="42", username="42")))
        self.chats.note(inbound(3, channel="third"))
        self.assertEqual(self.chats.known(), [])
