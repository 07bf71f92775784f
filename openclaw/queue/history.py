"""What went wrong with one message, attempt by attempt: kept with it, shown when it is dead."""

import time

import msgspec

MOST_KEPT = 20
_LONGEST = 400


class FailedAttempt(msgspec.Struct, frozen=True, array_like=True):
    """One attempt that failed.

    :ivar attempt: from 1.
    :ivar at_ms: Unix milliseconds.
    """

    attempt: int
    at_ms: int
    why: str


_decoder = msgspec.json.Decoder(list[FailedAttempt])


def read(data: bytes | None) -> list[FailedAttempt]:
    """Undo :func:`write`; nothing failed where nothing is kept."""
    return _decoder.decode(data) if data else []


def write(failures: list[FailedAttempt]) -> bytes:
    """Make bytes of a history."""
    return msgspec.json.encode(failures)


def add(failures: list[FailedAttempt], attempt: int, at_ms: int, why: str) -> list[FailedAttempt]:
    """A history with one more failure; of a very long one only the latest are kept."""
    return [*failures, FailedAttempt(attempt, at_ms, _short(why))][-MOST_KEPT:]


def reason(why: str, failures: list[FailedAttempt]) -> str:
    """Why a message is dead, then one line for each failure before."""
    lines = [f"attempt {one.attempt}, {_moment(one.at_ms)}: {one.why}" for one in failures]
    return "\n".join([_short(why), *lines])


def _short(why: str) -> str:
    line = " ".join(why.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _moment(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
