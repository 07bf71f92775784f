"""A gateway's whole way of a message within one Python process: everything real but the platforms,
the model and the time; it can die at any moment and start again over the same journal.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec
from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from openclaw.agents.runs import Runs
from openclaw.channels.account import Account
from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.inbox import InboxHandler
from openclaw.channels.link import Tools
from openclaw.channels.manager import Channels, Surroundings
from openclaw.channels.records import ChannelValues
from openclaw.channels.registry import Registry
from openclaw.channels.replies import ChannelReplies
from openclaw.config.schema.channels import ChannelSettings
from openclaw.interfaces.channels import Abilities, ChannelDown, ILink
from openclaw.interfaces.conversations import RunRecord
from openclaw.interfaces.messages import Inbound, Outgoing, Person, Sent, Target
from openclaw.interfaces.queue import INBOX, IHandler, Undelivered
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.rules import QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.queue.worker import Pace, Worker
from openclaw.sessions.conversations import Conversations
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.storage.memory import MemoryStore
from tests.channels.doors import Door
from tests.channels.kit import MANIFEST, START_MS
from tests.faults.dialogues import Record, Seen
from tests.sessions.rig import (
    COMMANDS,
    MODEL,
    Heard,
    HeldStore,
    OneRuntime,
    ScriptedRuntime,
    make_id,
)

PATIENT = RetryPolicy(max_attempts=10_000, max_deaths=10_000, blocked_ms=0)
ABILITIES = {
    "plain": Abilities(edit=True),
    "keyed": Abilities(edit=True, idempotent=True),
    "searchable": Abilities(edit=True, lookup=True),
}
"""What an account's platform can do about a send of which nobody knows what became."""


@define(eq=False)
class Platform:
    """One account's platform; it outlives every process.

    :ivar kind: a key of :data:`ABILITIES`.
    :ivar trouble: makes the trouble of the next call: what it fails with, and whether it is done
        all the same; ``None`` for none.
    :ivar slow: whether answers wait until they are let go.
    :ivar line: the connection of the process that lives.
    """

    name: str
    kind: str
    record: Record
    trouble: Callable[[Outgoing], tuple[Exception, bool] | None] = lambda _: None
    slow: bool = False
    line: "Line | None" = None
    _numbers: int = 0
    _sent: dict[str, Sent] = field(factory=dict)
    _standing: dict[str, Seen] = field(factory=dict)

    def show(self, outgoing: Outgoing) -> Sent:
        """Do what a call asks for."""
        if outgoing.kind == "edit":
            before = self._standing[outgoing.message_id]
            after = evolve(before, text=outgoing.text, at=self.record.tick())
            self._standing[outgoing.message_id] = after
            self.record.seen.append(after)
            return Sent(message_id=outgoing.message_id)
        if outgoing.id in self._sent and self.kind == "keyed":
            return self._sent[outgoing.id]
        self._numbers += 1
        number = f"{self.name}-{self._numbers}"
        target = outgoing.target
        chat = f"{self.name}/{target.chat_id}"
        seen = Seen(chat, number, outgoing.text, self.record.tick(), target.reply_to)
        self._standing[number] = seen
        self.record.seen.append(seen)
        self._sent[outgoing.id] = Sent(message_id=number)
        return self._sent[outgoing.id]

    def found(self, id: str) -> Sent | None:
        """What was sent under an id."""
        return self._sent.get(id)


class Line:
    """One process's connection to a platform; a dead process's does nothing."""

    def __init__(self, platform: Platform, link: ILink) -> None:
        self.platform = platform
        self.link = link
        self.alive = True
        self.held: list[Callable[[], None]] = []
        self._standing: Deferred[None] | None = None

    def run(self) -> Deferred[None]:
        """Be connected at once, until the connection is dropped."""
        self._standing = Deferred()
        self.platform.line = self
        self.link.connected("assistant")
        return self._standing

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self.alive and self._standing is not None

    def drop(self) -> None:
        """Break the connection; what is under way over another one goes on."""
        standing, self._standing = self._standing, None
        if standing is not None:
            standing.errback(ChannelDown("broken"))

    def send(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Send."""
        return self._call(outgoing)

    def edit(self, outgoing: Outgoing) -> Deferred[Sent]:
        """Edit."""
        return self._call(outgoing)

    def find(self, outgoing: Outgoing) -> Deferred[Sent | None]:
        """Look a message up."""
        return succeed(self.platform.found(outgoing.id))

    def render(self, text: str) -> str:
        """Plain."""
        return text

    def typing(self, target: Target, on: bool) -> Deferred[None]:
        """Shown to nobody."""
        return succeed(None)

    def let_go(self, number: int) -> None:
        """Answer one of the calls that wait."""
        self.held.pop(number % len(self.held))()

    def _call(self, outgoing: Outgoing) -> Deferred[Sent]:
        if not self.alive:
            return Deferred()
        trouble = self.platform.trouble(outgoing)
        result: Any = None
        if trouble is None or trouble[1]:
            result = self.platform.show(outgoing)
        waiting: Deferred[Sent] = Deferred()

        def answer() -> None:
            if not self.alive:
                return
            if trouble is None:
                waiting.callback(result)
            else:
                waiting.errback(trouble[0])

        if self.platform.slow:
            self.held.append(answer)
        else:
            answer()
        return waiting


class Household:
    """One process.

    :param journal: outlives it, as the platforms do.
    :param seconds: how late it is when it starts.
    """

    def __init__(
        self,
        journal: MemoryStore,
        seconds: float,
        platforms: Sequence[Platform],
        chance: Random,
        **settings: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(seconds)
        self.store = HeldStore(journal)
        self.queue = SQLiteQueue(self.store, QueueRules(remember_ms=24 * 3_600_000), self.now_ms)
        self._platforms = {one.name: one for one in platforms}
        self._chance = chance
        self._settings = settings
        self.lines: list[Line] = []
        self.door = Door(self.store, self.queue, self.clock, self.now_ms, self.account_of)
        self.channels = self._make_channels()
        self.runtime = ScriptedRuntime(MODEL)
        self.conversations = self._make_conversations()
        handler = InboxHandler(
            self.conversations,
            self.door.traces,
            self.door.overdue,
            lambda message: message.message_id,
        )
        self.inbox = self._worker(INBOX, handler)

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return START_MS + int(self.clock.seconds() * 1000)

    def account_of(self, channel: str, account: str) -> Account | None:
        """An account that there is."""
        return self.channels.account(channel, account)

    def _make_channels(self) -> Channels:
        tools = Tools(
            clock=self.clock,
            now_ms=self.now_ms,
            random=self._chance,
            http=None,  # type: ignore[arg-type]  # These platforms are not reached over a network.
            sockets=None,  # type: ignore[arg-type]
        )
        around = Surroundings(
            registry=Registry(),
            tools=tools,
            values=ChannelValues(self.store),
            sent=self.door.sent,
            traces=self.door.traces,
            make_worker=self._worker,
            reread=lambda: (),
            webhook_base="",
            downloads=None,  # type: ignore[arg-type]  # Nor do files come or go.
            media=None,  # type: ignore[arg-type]
            changed=lambda: None,
            alert=lambda kind, words: None,
        )
        channels = Channels(around)
        channels.outbox = self.door.outbox
        channels.intake = self.door.intake
        return channels

    def _make_conversations(self) -> Conversations:
        models, heard, keys = OneRuntime(self.runtime), Heard(), SessionKeys()
        replies = ChannelReplies(
            self.door.outbox,
            self.channels.account,
            self.door.traces,
            self.clock,
            self.door.overdue,
        )
        runs = Runs(
            models,
            ScriptedRuntime(COMMANDS),
            heard,
            self.clock,
            self.now_ms,
            make_id,
            600.0,
            lambda state: None,
            replies,
        )
        index = SessionIndex(keys, models.resolve, self.now_ms)
        conversations = Conversations(
            self.store, runs, heard, index, keys, self.clock, self.now_ms, make_id, replies
        )
        runs.conversations = conversations
        return conversations

    def _worker(self, name: str, handler: IHandler) -> Worker:
        return Worker(self.queue, name, handler, PATIENT, self.clock, self._chance, Pace())

    def start(self) -> None:
        """Come up, as a gateway does: queue, sessions, accounts, then everything flows."""
        self.queue.open()
        self.conversations.load()
        for platform in self._platforms.values():
            manifest = manifest_of(platform)
            configured = ConfiguredAccount(
                manifest=manifest,
                account=platform.name,
                settings=msgspec.structs.replace(ChannelSettings(), **self._settings),
                is_default=False,
            )
            account = self.channels.add(configured)
            line = Line(platform, account.channel.link)  # type: ignore[attr-defined]
            account.channel = line  # type: ignore[assignment]  # What is never called is absent.
            self.lines.append(line)
        self.channels.startService()
        self.conversations.open()
        self.inbox.startService()

    def die(self) -> None:
        """End as by a kill: nothing more is done or told."""
        self.store.dead = True
        for _, result in self.store.held:
            result.addErrback(lambda _: None)
        for line in self.lines:
            line.alive = False

    def take(self, platform: Platform, message: Inbound) -> Deferred[Any]:
        """Hand a message in."""
        account = self.channels.account("test", platform.name)
        assert account is not None
        return self.door.intake.take(account, message)


class _Unlinked:
    """What an account is made with before it is joined to its platform."""

    def __init__(self, link: ILink) -> None:
        self.link = link


def manifest_of(platform: Platform) -> Any:
    """The manifest of a platform of one kind."""
    return evolve(
        MANIFEST,
        abilities=ABILITIES[platform.kind],
        factory="tests.faults.household:_Unlinked",
        reconnect_seconds=0.2,
    )


def message(platform: str, chat: str, number: int, text: str) -> Inbound:
    """What somebody wrote."""
    return Inbound(
        channel="test",
        account=platform,
        chat_type="dm",
        chat_id=chat,
        sender=Person(id=chat),
        message_id=f"{chat}:{number}",
        dedupe_id=f"{chat}:{number}",
        timestamp_ms=START_MS + number,
        text=text,
    )


def cut_off(journal: MemoryStore) -> set[str]:
    """The runs of which the journal says that they were cut off."""
    found: list[tuple[str, bytes]] = []
    journal.read(
        lambda tx: [
            (run, tx.open("input.result", run, result))
            for run, result in tx.rows("select run_id, result from input where result is not null")
        ]
    ).addCallback(found.extend)
    decode = msgspec.json.Decoder(RunRecord).decode
    return {run for run, result in found if decode(result).stop_reason == "interrupted"}


def letters(journal: MemoryStore) -> list[tuple[str, Outgoing]]:
    """State and content of every dead letter of an outbox."""
    found: list[tuple[str, Any]] = []
    journal.read(
        lambda tx: tx.rows("select state, body from queue_letter where queue <> 'in'")
    ).addCallback(found.extend)
    return [(state, msgspec.json.decode(body, type=Outgoing)) for state, body in found]


def unfinished(journal: MemoryStore) -> int:
    """How much the journal knows of that is not over: messages that wait, and runs."""
    found: list[Any] = []
    journal.read(
        lambda tx: tx.rows(
            "select (select count(*) from queue_message)"
            " + (select count(*) from input where state <> 'ended')"
        )
    ).addCallback(found.extend)
    return int(found[0][0])


def unlucky(chance: Random) -> tuple[Exception, bool]:
    """One of the ways in which a call fails, and whether it was done all the same."""
    return chance.choice(
        (
            (Undelivered("slow down", "retry", after_ms=300), False),
            (Undelivered("refused", "retry"), False),
            (Undelivered("not now", "later"), False),
            (Undelivered("no answer", "unknown"), True),
            (Undelivered("no answer", "unknown"), False),
        )
    )
