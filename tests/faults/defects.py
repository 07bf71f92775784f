"""Breaks the product on purpose, in ways that products break: what judges it has to notice."""

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from attrs import evolve
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels import intake, outbox
from openclaw.channels.delivery import Deliverer
from openclaw.deferreds import deferred
from openclaw.queue import rows
from openclaw.sessions import recovery
from openclaw.sessions.conversations import Conversations

LATE_SECONDS = 0.5
_numbers = itertools.count(1)


def acknowledges_before_the_commit() -> None:
    """The platform hears that a message arrived, and only then is it stored."""
    original = intake.Intake.take

    def take(self: Any, account: Any, message: Any) -> Deferred[Any]:
        storing: Deferred[Any] = deferLater(
            the_reactor, LATE_SECONDS, original, self, account, message
        )
        storing.addErrback(lambda _: None)
        return succeed("queued")

    intake.Intake.take = take  # type: ignore[method-assign]


def forgets_what_it_had() -> None:
    """A message that comes again is another message."""
    original = intake.message_key
    intake.message_key = lambda message: f"{original(message)}:{_stamp()}"


def forgets_its_claims() -> None:
    """After a start nobody knows which messages had been worked on."""

    def release_all(tx: Any, *, now: int) -> int:
        tx.execute("update queue_lane set due = :now", now=now)
        return int(tx.execute("update queue_message set token = 0 where token <> 0"))

    rows.release_all = release_all


def answers_under_new_names() -> None:
    """What is put into the outbox twice is sent twice."""
    original = outbox._queued

    def queued(call: Any) -> Any:
        name = f"{call.id}:{_stamp()}"
        return evolve(original(msgspec.structs.replace(call, id=name)), id=name)

    outbox._queued = queued


def repeats_what_was_seen() -> None:
    """A run of whose answer something was shown is run again after a start."""
    original = recovery.plan

    def plan(unfinished: Any, session_ids: Any) -> Any:
        shown = {"shown": "accepted"}
        again = [evolve(one, state=shown.get(one.state, one.state)) for one in unfinished]
        return original(again, session_ids)

    recovery.plan = plan


def sends_in_any_order() -> None:
    """What is sent to one place does not wait for what was before it."""
    outbox.lane_of = lambda target: str(next(_numbers))


def drops_what_was_cut_off() -> None:
    """A reply whose sending was cut off is taken for sent."""
    original = Deliverer.handle

    def handle(self: Any, delivery: Any) -> Deferred[None]:
        return succeed(None) if delivery.interrupted else original(self, delivery)

    Deliverer.handle = handle  # type: ignore[method-assign]


def forgets_its_previews() -> None:
    """After a start nobody knows that a part of an answer has been shown."""
    outbox.Outbox.keep = lambda self, id, sent: succeed(None)  # type: ignore[method-assign]


def mixes_conversations() -> None:
    """A conversation begins with what was said in the one before."""
    original = Conversations.turns
    latest: list[Any] = []

    async def mixed(self: Any, entry: Any, most: int) -> Any:
        turns = list(await original(self, entry, most))
        before = list(latest)
        latest[:] = turns
        return before + turns

    Conversations.turns = deferred(mixed)  # type: ignore[method-assign]


def shares_one_memory() -> None:
    """Whatever is written down in a conversation is known in all of them."""
    latest = [""]

    def remember(self: Any, key: str, text: str) -> Deferred[None]:
        latest[0] = text
        return succeed(None)

    Conversations.remember = remember  # type: ignore[method-assign]
    Conversations.memory = lambda self, key: latest[0]  # type: ignore[method-assign]


def logs_what_is_said() -> None:
    """The log tells what people write."""
    original = intake.Intake.take

    def take(self: Any, account: Any, message: Any) -> Deferred[Any]:
        Logger().info("received {text}", text=message.text)
        return original(self, account, message)

    intake.Intake.take = take  # type: ignore[method-assign]


def _stamp() -> str:
    clock: Any = the_reactor
    return f"{clock.seconds():.6f}:{next(_numbers)}"


DEFECTS: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        acknowledges_before_the_commit,
        forgets_what_it_had,
        forgets_its_claims,
        answers_under_new_names,
        repeats_what_was_seen,
        sends_in_any_order,
        drops_what_was_cut_off,
        forgets_its_previews,
        mixes_conversations,
        shares_one_memory,
        logs_what_is_said,
    )
}
