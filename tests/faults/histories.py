"""Judges what happened between clients, gateway and model: lost, doubled, inverted, never run.

Pure: it reads a record and starts nothing. Times are Unix seconds of one machine's clock.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import attrs

MOST_TRIES = 5


@attrs.define
class Sent:
    """One input as its sender knows it.

    :ivar sender: who sent it; one sender writes in order.
    :ivar place: its number among what the sender wrote in that session.
    :ivar first_sent: when it was first put on a socket.
    :ivar acknowledged: when the first acknowledgement arrived; ``None`` if none ever did.
    :ivar refused: it was refused at least once and sent again later, out of its turn.
    """

    key: str
    session: str
    sender: str
    place: int
    first_sent: float
    acknowledged: float | None = None
    refused: bool = False


@attrs.frozen
class Line:
    """One message of a session's history.

    :ivar run: the key of the input it is, or answers.
    :ivar interrupted: it says that the answer was cut off by a stop.
    """

    seq: int
    role: str
    run: str
    interrupted: bool = False


@attrs.frozen
class Asked:
    """One request that reached the model, for the input ``key``."""

    key: str
    at: float


@attrs.define
class Record:
    """Everything that was observed.

    :ivar lives: when each process of the gateway was started, in order.
    :ivar shown: when something of a run's answer was first seen by a client.
    :ivar finals: how often one connection was told that a run ended, the highest count.
    """

    sent: dict[str, Sent] = attrs.Factory(dict)
    history: dict[str, list[Line]] = attrs.Factory(dict)
    asked: list[Asked] = attrs.Factory(list)
    lives: list[float] = attrs.Factory(list)
    shown: dict[str, float] = attrs.Factory(dict)
    finals: Counter[str] = attrs.Factory(Counter)


@attrs.define
class Verdict:
    """What is wrong, one text for each case."""

    lost: list[str] = attrs.Factory(list)
    doubled: list[str] = attrs.Factory(list)
    inverted: list[str] = attrs.Factory(list)
    never_run: list[str] = attrs.Factory(list)
    acknowledged: int = 0
    interrupted: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.inverted or self.never_run)

    def line(self, stops: int) -> str:
        """The result in one line."""
        return (
            f"{stops} stops, {self.acknowledged} inputs acknowledged, {len(self.lost)} lost,"
            f" {len(self.doubled)} doubled, {len(self.inverted)} inverted,"
            f" {len(self.never_run)} never run"
        )


def judge(record: Record) -> Verdict:
    """Look for every breach."""
    acknowledged = [one for one in record.sent.values() if one.acknowledged is not None]
    return Verdict(
        lost=list(_lost(record, acknowledged)),
        doubled=[*_stored_twice(record), *_run_twice(record), *_told_twice(record)],
        inverted=[*_stored_out_of_order(record), *_run_out_of_order(record)],
        never_run=list(_never_run(record, acknowledged)),
        acknowledged=len(acknowledged),
        interrupted=sum(line.interrupted for lines in record.history.values() for line in lines),
    )


def _lost(record: Record, acknowledged: Sequence[Sent]) -> Iterator[str]:
    stored = {(session, line.run) for session, line in _lines(record, "user")}
    for one in acknowledged:
        if (one.session, one.key) not in stored:
            yield f"{one.key} was acknowledged and is not in {one.session}"


def _stored_twice(record: Record) -> Iterator[str]:
    for role in ("user", "assistant"):
        counts = Counter(line.run for _, line in _lines(record, role))
        for key, count in counts.items():
            if count > 1:
                yield f"{key} has {count} {role} messages"


def _run_twice(record: Record) -> Iterator[str]:
    """Not twice by one process, not again after it was seen, and not for ever."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in record.asked:
        times[one.key].append(one.at)
    for key, asked in times.items():
        lives = Counter(_life(record, at) for at in asked)
        if max(lives.values()) > 1:
            yield f"{key} was run twice by one process"
        if len(asked) > MOST_TRIES:
            yield f"{key} was run {len(asked)} times"
        seen = record.shown.get(key)
        if seen is not None and max(asked) > seen:
            yield f"{key} was run again after its answer had been seen"


def _told_twice(record: Record) -> Iterator[str]:
    for key, count in record.finals.items():
        if count > 1:
            yield f"{key} ended {count} times on one connection"


def _stored_out_of_order(record: Record) -> Iterator[str]:
    for session, lines in record.history.items():
        yield from _misplaced(session, lines)
        stored = sorted((line for line in lines if line.role == "user"), key=lambda one: one.seq)
        inputs = [record.sent[line.run] for line in stored if line.run in record.sent]
        yield from _against_senders(session, inputs)
        yield from _against_time(session, inputs)


def _misplaced(session: str, lines: Sequence[Line]) -> Iterator[str]:
    """Inputs are shown in the order of their places, each answer somewhere behind its input."""
    if len({line.seq for line in lines}) < len(lines):
        yield f"two messages in {session} have one place"
    latest, asked = 0, {line.run for line in lines if line.role == "user"}
    for line in lines:
        if line.role == "user":
            asked.discard(line.run)
            if line.seq < latest:
                yield f"{session}: {line.run} is shown behind a later input"
            latest = max(latest, line.seq)
        elif line.run in asked:
            yield f"{session}: the answer to {line.run} is shown before it"


def _against_senders(session: str, inputs: Sequence[Sent]) -> Iterator[str]:
    """What one sender wrote one after the other is stored so."""
    latest: dict[str, Sent] = {}
    for one in inputs:
        if one.refused:
            continue
        before = latest.get(one.sender)
        if before is not None and before.place > one.place:
            yield f"{session}: {before.key} stands before {one.key}, which was sent first"
        latest[one.sender] = one


def _against_time(session: str, inputs: Sequence[Sent]) -> Iterator[str]:
    """What was acknowledged before another input was even sent stands before it."""
    earliest = float("inf")
    for one in reversed(inputs):
        if one.first_sent > earliest:
            yield f"{session}: {one.key} was sent after a later one was acknowledged"
        if one.acknowledged is not None:
            earliest = min(earliest, one.acknowledged)


def _run_out_of_order(record: Record) -> Iterator[str]:
    """One conversation, one order: first tries come in the order of the history."""
    first: dict[str, float] = {}
    for one in record.asked:
        first.setdefault(one.key, one.at)
    for session, lines in record.history.items():
        latest = 0.0
        for line in sorted(lines, key=lambda one: one.seq):
            at = first.get(line.run)
            if line.role != "user" or at is None:
                continue
            if at < latest:
                yield f"{session}: {line.run} was run before an earlier input"
            latest = max(latest, at)


def _never_run(record: Record, acknowledged: Sequence[Sent]) -> Iterator[str]:
    """Nothing may stay without an answer, nor be called interrupted without having been tried."""
    tried = {one.key for one in record.asked}
    answers = {line.run: line for _, line in _lines(record, "assistant")}
    for one in acknowledged:
        answer = answers.get(one.key)
        if answer is None:
            yield f"{one.key} was acknowledged and has no answer"
        elif one.key not in tried:
            yield f"{one.key} never reached the model"


def _lines(record: Record, role: str) -> Iterator[tuple[str, Line]]:
    for session, lines in record.history.items():
        for line in lines:
            if line.role == role:
                yield session, line


def _life(record: Record, at: float) -> int:
    return sum(start <= at for start in record.lives)
