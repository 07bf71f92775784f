"""The kit over a platform in memory: real queue, real journal, a clock of the test's."""

from random import Random
from typing import Any

import msgspec
from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.account import Account
from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.outbox import Outbox
from openclaw.channels.records import SentRecords
from openclaw.channels.status import Record
from openclaw.config.schema.channels import ChannelSettings
from openclaw.interfaces.channels import Abilities, AccountStatus, Manifest, TextLimit
from openclaw.interfaces.messages import Outgoing, Sent, Target
from openclaw.monitoring.traces import Traces
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.rules import QueueRules
from openclaw.storage.memory import MemoryStore

START_MS = 1_700_000_000_000
MANIFEST = Manifest(
    id="test",
    label="Test",
    settings="openclaw.config.schema.channels:ChannelSettings",
    factory="tests.channels.kit:Platform",
    text=TextLimit(default=50, hard=60),
    abilities=Abilities(edit=True, delete=True, react=True, typing_seconds=4.0, lookup=True),
    streaming="partial",
    edit_ms=(1000, 3000),
)
TARGET = Target(channel="test", account="default", chat_id="42", reply_to="7")


class Platform:
    """A platform that does what the test says.

    :ivar calls: every call so far: its name and what was sent.
    :ivar failing: what the next calls fail with, first one first.
    :ivar held: answers that the platform has not given yet, while ``holding``.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.failing: list[Exception] = []
        self.holding = False
        self.held: list[tuple[Deferred[Any], Any]] = []
        self.found: Sent | None = None
        self.number = 100

    def run(self) -> Deferred[None]:
        """Stand until the end."""
        return Deferred()

    def send(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Send."""
        self.number += 1
        return self._do("send", outgoing, Sent(message_id=str(self.number)))

    def edit(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Edit."""
        return self._do("edit", outgoing, Sent(message_id=outgoing.message_id))

    def delete(self, target: Target, message_id: str) -> Deferred[None]:
        """Delete."""
        return self._do("delete", message_id, None)

    def react(self, target: Target, message_id: str, emoji: str) -> Deferred[None]:
        """React."""
        return self._do("react", (message_id, emoji), None)

    def typing(self, target: Target, on: bool) -> Deferred[None]:
        """Show or hide the sign."""
        return self._do("typing", on, None)

    def find(self, outgoing: Outgoing) -> Deferred[Sent | None]:
        """Look a message up."""
        return self._do("find", outgoing.id, self.found)

    def render(self, text: str) -> str:
        """Plain."""
        return text

    def release(self) -> None:
        """Give every answer that was held back."""
        held, self.held = self.held, []
        for waiting, result in held:
            waiting.callback(result)

    def texts(self, *kinds: str) -> list[str]:
        """The texts of what was sent and edited."""
        return [sent.text for name, sent in self.calls if name in (kinds or ("send", "edit"))]

    def _do(self, name: str, what: Any, result: Any) -> Deferred[Any]:
        self.calls.append((name, what))
        if self.failing:
            return fail(self.failing.pop(0))
        if self.holding:
            waiting: Deferred[Any] = Deferred()
            self.held.append((waiting, result))
            return waiting
        return succeed(result)


class KitCase(SynchronousTestCase):
    """One account that is connected, with its outbox."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(Clock())
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.platform = Platform()
        self.traces = Traces(self.store, self.clock, self.now_ms)
        self.queue = MemoryQueue(QueueRules(), self.now_ms)
        self.sent = SentRecords(self.store, self.now_ms)
        self.account = self.make()
        self.outbox = Outbox(self.queue, self.sent, self.traces, self.account_of)
        self.account.life.start()
        self.account.life.connected()
        self.addCleanup(self.check_quiet)

    def check_quiet(self) -> None:
        """Nothing is left to be called but the writing of traces."""
        self.successResultOf(self.traces.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def now_ms(self) -> int:
        """Unix milliseconds of the test's clock."""
        return START_MS + int(self.clock.seconds() * 1000)

    def make(self, manifest: Manifest = MANIFEST, **settings: Any) -> Account:
        """An account of the test's platform."""
        chosen = msgspec.structs.replace(ChannelSettings(), **settings)
        configured = ConfiguredAccount(
            manifest=manifest, account="default", settings=chosen, is_default=True
        )
        status = AccountStatus(channel="test", account="default", state="stopped")
        account = Account(
            configured, Record(status, self.now_ms, lambda: None), self.clock, Random(1)
        )
        account.channel = self.platform  # type: ignore[assignment]  # What is never called is absent.
        return account

    def configure(self, **settings: Any) -> None:
        """Change the account's settings."""
        configured = self.account.configured
        fresh = msgspec.structs.replace(configured.settings, **settings)
        self.account.configured = evolve(configured, settings=fresh)

    def account_of(self, channel: str, account: str) -> Account | None:
        """The one account there is."""
        return self.account if (channel, account) == ("test", "default") else None

    def steps(self, key: str) -> list[str]:
        """What the trace of a message tells."""
        return [one.step for one in self.successResultOf(self.traces.read(key))]
