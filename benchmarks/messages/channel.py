"""A platform inside the gateway: people who write by the clock, and hear what they are answered.

The gateway finds it as it finds a stranger's: by an entry point, see ``run``. Nothing of it touches
a socket or a disk, except the report at its end.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from benchmarks.messages.spread import Spread
from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import now
from openclaw.errors import StoreError
from openclaw.interfaces.channels import Abilities, IChannel, ILink, Manifest, TextLimit
from openclaw.interfaces.messages import Inbound, Outgoing, Person, Sent
from openclaw.interfaces.queue import QueueFull

TICK_SECONDS = 0.01
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 1.0
MOST_AT_A_TIME = 200
REPEAT_EVERY = 50
"""Each one of so many is delivered twice, as platforms do."""

COUNTED = (
    "queued",
    "duplicate",
    "refused",
    "pushedBack",
    "failed",
    "answered",
    "doubled",
    "inverted",
    "held",
)

MANIFEST = Manifest(
    id="crowd",
    label="Crowd",
    settings="benchmarks.messages.channel:CrowdSettings",
    factory="benchmarks.messages.channel:Crowd",
    text=TextLimit(default=4000, hard=4000),
    abilities=Abilities(idempotent=True),
)


class CrowdSettings(ChannelSettings, frozen=True, kw_only=True):
    """One account: how many write how much, and how the platform behaves."""

    per_second: Annotated[float, now("Messages a second.")] = 50.0
    seconds: Annotated[float, now("For how long they write.")] = 10.0
    after_seconds: Annotated[float, now("When they begin, after the connection.")] = 1.0
    grace_seconds: Annotated[float, now("How long they wait for their answers.")] = 30.0
    chats: Annotated[int, Meta(ge=1), now("How many people write.")] = 100
    report: Annotated[str, now("The file that tells how it went.")] = ""
    behaviour: Annotated[
        Literal["answers", "blocks", "crashes"],
        now("Takes what is sent; never answers a call; ends as soon as it is started."),
    ] = "answers"


@implementer(IChannel)
class Crowd:  # type: ignore[misc]  # What is not among its abilities is never called.
    """One account; it writes once, when it is first connected."""

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._settings: CrowdSettings = link.settings
        self._seconds: Callable[[], float] = link.clock.seconds
        self._began = 0.0
        self._made = 0
        # What was written and not yet taken, and of whom something is being handed in.
        self._backlog: list[int] = []
        self._handing: set[int] = set()
        self._paused = False
        self._waiting: OrderedDict[int, float] = OrderedDict()
        self._latest: dict[int, int] = {}
        self._counts = dict.fromkeys(COUNTED, 0)
        self._accepting, self._answering = Spread(), Spread()
        self._late = 0.0

    # -- what the kit calls --------------------------------------------------------------------

    def run(self) -> Deferred[None]:
        """See :meth:`IChannel.run`."""
        if self._settings.behaviour == "crashes":
            raise RuntimeError("this account was made to crash")
        self._link.connected("crowd")
        self._link.clock.callLater(self._settings.after_seconds, self._begin)
        return Deferred()

    def send(self, outgoing: Outgoing) -> Deferred[Sent]:
        """See :meth:`IChannel.send`."""
        if self._settings.behaviour == "blocks":
            self._counts["held"] += 1
            return Deferred()
        number = int(outgoing.target.reply_to)
        began = self._waiting.pop(number, None)
        if began is None:
            self._counts["doubled"] += 1
            return succeed(Sent(message_id=f"a{number}"))
        self._counts["answered"] += 1
        self._answering.add(self._seconds() - began)
        chat = number % self._settings.chats
        self._counts["inverted"] += self._latest.get(chat, -1) > number
        self._latest[chat] = number
        return succeed(Sent(message_id=f"a{number}"))

    def render(self, text: str) -> str:
        """See :meth:`IChannel.render`."""
        return text

    def probe(self) -> Deferred[str]:
        """See :meth:`IChannel.probe`."""
        return succeed("crowd")

    # -- people --------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._began = self._seconds()
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = self._link.clock
        self._ticking.start(TICK_SECONDS)

    def _tick(self) -> None:
        """Write what is due by now; a gateway that is busy does not slow people down."""
        passed = self._seconds() - self._began
        whole = round(self._settings.seconds * self._settings.per_second)
        due = min(whole, int(passed * self._settings.per_second))
        if self._made < due:
            self._late = max(self._late, passed - self._made / self._settings.per_second)
        while self._made < due:
            self._say(self._made)
            self._made += 1
        if self._made >= whole:
            self._ticking.stop()
            self._look()

    def _say(self, number: int) -> None:
        heappush(self._backlog, number)
        self._deliver()

    def _deliver(self) -> None:
        """Hand in what waits, in its order, so much at a time as platforms do."""
        kept = []
        while self._backlog and len(self._handing) < MOST_AT_A_TIME and not self._paused:
            number = heappop(self._backlog)
            if number % self._settings.chats in self._handing:
                kept.append(number)  # What is not taken comes again, before what came later.
                continue
            self._waiting[number] = self._seconds()
            self._handing.add(number % self._settings.chats)
            taken = self._link.receive(self._message(number))
            taken.addCallbacks(
                self._taken, self._not_taken, callbackArgs=(number,), errbackArgs=(number,)
            )
        for number in kept:
            heappush(self._backlog, number)

    def _message(self, number: int) -> Inbound:
        person = f"{self._link.account}-{number % self._settings.chats}"
        return Inbound(
            channel=self._link.channel,
            account=self._link.account,
            chat_type="dm",
            chat_id=person,
            sender=Person(id=person, name="Somebody"),
            message_id=str(number),
            dedupe_id=str(number),
            timestamp_ms=self._link.now_ms(),
            text=f"hello for the {number}th time",
        )

    def _taken(self, taken: str, number: int) -> None:
        self._handing.discard(number % self._settings.chats)
        self._counts[taken] += 1
        if number in self._waiting:
            self._accepting.add(self._seconds() - self._waiting[number])
        if number % REPEAT_EVERY == 0:
            repeated = self._link.receive(self._message(number))
            repeated.addCallbacks(self._taken_again, lambda _: None)
        self._deliver()

    def _taken_again(self, taken: str) -> None:
        self._counts[taken] += 1

    def _not_taken(self, failure: Failure, number: int) -> None:
        """What was not taken comes again after a pause, as platforms do it."""
        self._handing.discard(number % self._settings.chats)
        if not failure.check(QueueFull, StoreError):
            self._counts["failed"] += 1
            return
        self._counts["pushedBack"] += 1
        del self._waiting[number]
        heappush(self._backlog, number)
        if not self._paused:
            self._paused = True
            self._link.clock.callLater(AGAIN_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._paused = False
        self._deliver()

    # -- the end -------------------------------------------------------------------------------

    def _look(self) -> None:
        """Tell how it went, once everybody was answered or has waited long enough."""
        settings = self._settings
        passed = self._seconds() - self._began
        patient = passed < settings.seconds + settings.grace_seconds
        hopeful = settings.behaviour == "answers" and self._waiting
        storing = self._counts["queued"] < self._made
        if patient and (hopeful or storing):
            self._link.clock.callLater(LOOK_SECONDS, self._look)
            return
        self._report(passed)

    def _report(self, seconds: float) -> None:
        report: dict[str, Any] = {
            **self._counts,
            "made": self._made,
            "unanswered": len(self._waiting) + len(self._backlog),
            "wallSeconds": seconds,
            "lateSeconds": self._late,
            "accepting": self._accepting.counts(),
            "answering": self._answering.counts(),
        }
        path = Path(self._settings.report)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(report))
        unfinished.replace(path)
