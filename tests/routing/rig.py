"""Events, and a door with real sender codes and a real bucket behind it."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.messages import Inbound, Person, Quote
from openclaw.interfaces.routing import AccessRules, Verdict
from openclaw.routing.admission import Admission
from openclaw.security.limits.work import WorkLimit
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.sender_codes import SenderCodes, sender_key
from openclaw.storage.memory import MemoryStore

START_SECONDS = 1_800_000_000
OURS = Quote(message_id="7", text="yes?", is_own=True)


def inbound(sender: str = "42", chat_type: Any = "dm", **more: Any) -> Inbound:
    """An event, told by a platform; ``person`` holds more of its sender."""
    person = Person(id=sender, **more.pop("person", {}))
    plain: dict[str, Any] = {
        "channel": "telegram",
        "account": "default",
        "chat_id": sender if chat_type == "dm" else "-100",
        "message_id": "1",
        "dedupe_id": "1",
        "timestamp_ms": 1,
        "text": "hello",
    }
    return Inbound(chat_type=chat_type, sender=person, **{**plain, **more})


class DoorCase(SynchronousTestCase):
    """One admission; what it remembers of senders is in a journal."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(START_SECONDS)
        self.wall_ms = 1
        self.store = MemoryStore(self.clock)
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.restart()

    def restart(self) -> None:
        """Come up again on the same journal."""
        self.senders = SenderCodes(
            self.store, CodeMaker(b"k" * 32), lambda: int(self.clock.seconds() * 1000)
        )
        self.successResultOf(self.senders.load())
        work = WorkLimit(self.clock.seconds)
        self.door = Admission(
            self.senders, work.take_sender, self.clock.seconds, lambda: self.wall_ms
        )

    def admit(self, message: Inbound, **rules: Any) -> Verdict:
        """Judge one event."""
        return self.successResultOf(self.door.admit(message, AccessRules(**rules)))

    def approve(self, sender: str, channel: str = "telegram", account: str = "default") -> None:
        """Somebody asks, and the owner types the code."""
        self.successResultOf(self.senders.ask(channel, account, sender))
        self.successResultOf(self.senders.approve(sender_key(channel, account, sender)))
