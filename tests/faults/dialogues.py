"""Judges what people, platforms and the model saw: lost, doubled, inverted, astray.

Every word of an answer names the message that it answers and its own number, so that any word can
be told that is missing, stands twice, stands in a wrong place or reaches somebody else. Pure: it
reads a record and starts nothing. Times are numbers of one counter, greater for what came later.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import attrs

MOST_TRIES = 5
NOTICE = "The gateway stopped"
_WORD = re.compile(r"([a-z]+\d+x\d+)w(\d+)")


def word(key: str, number: int) -> str:
    """One word of the answer to a message, from 1."""
    return f"{key}w{number}"


def words_in(text: str) -> list[tuple[str, int]]:
    """Every word of an answer in a text: which message it answers, and its number."""
    return [(key, int(number)) for key, number in _WORD.findall(text)]


@attrs.define
class Written:
    """One message of a person's.

    :ivar chat: account and chat; what is written there is answered there, in order.
    :ivar place: its number among the messages of the chat.
    :ivar message_id: the platform's.
    :ivar length: how many words its answer has.
    :ivar acknowledged: the platform was told that it arrived.
    """

    key: str
    chat: str
    place: int
    message_id: str
    length: int
    acknowledged: bool = False


@attrs.frozen
class Asked:
    """One request that reached the model."""

    key: str
    at: int


@attrs.frozen
class Seen:
    """A message of the assistant's as a person saw it from some moment on.

    :ivar answers: the ``message_id`` that it quotes; empty for none.
    """

    chat: str
    message_id: str
    text: str
    at: int
    answers: str = ""


@attrs.define
class Record:
    """Everything that was observed.

    :ivar lives: when each process of the gateway was started.
    :ivar interrupted: messages of which their session says that their answer was cut off.
    :ivar parked: texts that lie among the dead letters as possibly delivered, with what they quote.
    :ivar dead: what lies there otherwise: nothing may.
    """

    written: dict[str, Written] = attrs.Factory(dict)
    asked: list[Asked] = attrs.Factory(list)
    lives: list[int] = attrs.Factory(list)
    seen: list[Seen] = attrs.Factory(list)
    interrupted: set[str] = attrs.Factory(set)
    parked: list[Seen] = attrs.Factory(list)
    dead: list[str] = attrs.Factory(list)
    now: int = 0

    def tick(self) -> int:
        """The next moment."""
        self.now += 1
        return self.now


@attrs.define
class Verdict:
    """What is wrong, one text for each case."""

    lost: list[str] = attrs.Factory(list)
    doubled: list[str] = attrs.Factory(list)
    inverted: list[str] = attrs.Factory(list)
    astray: list[str] = attrs.Factory(list)
    acknowledged: int = 0
    interrupted: int = 0
    parked: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.inverted or self.astray)

    def line(self, stops: int) -> str:
        """The result in one line."""
        return (
            f"{stops} stops, {self.acknowledged} messages acknowledged, {len(self.lost)} lost,"
            f" {len(self.doubled)} doubled, {len(self.inverted)} inverted,"
            f" {len(self.astray)} astray"
        )


def judge(record: Record) -> Verdict:
    """Look for every breach."""
    final = _final(record)
    return Verdict(
        lost=[*_lost(record, final), *(f"given up: {one}" for one in record.dead)],
        doubled=[*_shown_twice(final), *_told_twice(final), *_asked_twice(record)],
        inverted=[*_asked_out_of_order(record), *_shown_out_of_order(record, final)],
        astray=list(_astray(record)),
        acknowledged=sum(one.acknowledged for one in record.written.values()),
        interrupted=len(record.interrupted),
        parked=len(record.parked),
    )


def _final(record: Record) -> list[Seen]:
    """Every message as it stands in the end, in the order in which they were first seen."""
    latest: dict[tuple[str, str], Seen] = {}
    for one in record.seen:
        latest[(one.chat, one.message_id)] = one
    return list(latest.values())


def _lost(record: Record, final: Sequence[Seen]) -> Iterator[str]:
    said = {named for one in (*final, *record.parked) for named in words_in(one.text)}
    told = {(one.chat, one.answers) for one in (*final, *record.parked) if NOTICE in one.text}
    for one in record.written.values():
        if not one.acknowledged:
            continue
        missing = [n for n in range(1, one.length + 1) if (one.key, n) not in said]
        if not missing:
            continue
        if one.key not in record.interrupted:
            yield f"{one.key} was acknowledged; {len(missing)} words of its answer are missing"
        elif (one.chat, one.message_id) not in told:
            yield f"{one.key} was cut off, and nobody was told"


def _shown_twice(final: Sequence[Seen]) -> Iterator[str]:
    counted = Counter(named for one in final for named in words_in(one.text))
    twice: dict[str, int] = Counter(key for (key, _), times in counted.items() if times > 1)
    for key, words in twice.items():
        yield f"{words} words of the answer to {key} were delivered twice"


def _told_twice(final: Sequence[Seen]) -> Iterator[str]:
    told = Counter((one.chat, one.answers) for one in final if NOTICE in one.text)
    for (chat, answers), times in told.items():
        if times > 1 and answers:
            yield f"{chat} was told {times} times that the answer to {answers} was cut off"


def _asked_twice(record: Record) -> Iterator[str]:
    shown: dict[str, int] = {}
    for one in record.seen:
        for key, _ in words_in(one.text):
            shown.setdefault(key, one.at)
    tries: dict[str, list[int]] = defaultdict(list)
    for asked in record.asked:
        tries[asked.key].append(asked.at)
    for key, times in tries.items():
        lives = Counter(sum(start <= at for start in record.lives) for at in times)
        if max(lives.values()) > 1:
            yield f"{key} was run twice by one process"
        elif times[-1] > shown.get(key, times[-1]):
            yield f"{key} was run again after its answer had been seen"
        elif len(times) > MOST_TRIES:
            yield f"{key} was run {len(times)} times"


def _asked_out_of_order(record: Record) -> Iterator[str]:
    latest: dict[str, Written] = {}
    for asked in record.asked:
        one = record.written[asked.key]
        before = latest.get(one.chat)
        if before is not None and before.place > one.place:
            yield f"{one.key} reached the model after {before.key}"
        latest[one.chat] = one


def _shown_out_of_order(record: Record, final: Sequence[Seen]) -> Iterator[str]:
    """Answers stand in the order of their messages, and the words of each in theirs."""
    asked = {(one.chat, one.message_id): one for one in record.written.values()}
    latest: dict[str, tuple[int, int]] = {}
    for one in final:
        named = [(record.written[key].place, n) for key, n in words_in(one.text)]
        if NOTICE in one.text and (one.chat, one.answers) in asked:
            named.append((asked[(one.chat, one.answers)].place, 1_000_000))
        for place in named:
            before = latest.get(one.chat, (0, 0))
            if place < before:
                yield f"{one.chat}: word {place[1]} of answer {place[0]} stands after {before}"
                break
            latest[one.chat] = place


def _astray(record: Record) -> Iterator[str]:
    for one in record.seen:
        for key, _ in words_in(one.text):
            if record.written[key].chat != one.chat:
                yield f"a word of the answer to {key} was seen in {one.chat}"
                break
