"""The short codes that devices and senders show: made, compared, limited. Grants nothing.

A code is not stored: it is computed from the server's secret, what it is for and how often it was
made. So the same one can be shown again, and nothing on disk but the secret tells it.
"""

import hmac
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from attrs import evolve, frozen

from openclaw.errors import Busy
from openclaw.security.secrets import same_secret

Key = TypeVar("Key")

LENGTH = 8
LIFETIME_MS = 3_600_000
MAX_WRONG = 5
WRONG_PER_HOUR = 10
# 32 signs, so 5 bits each and 40 in all; without I, O, 0 and 1, which look alike.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_HOUR = 3600.0


@frozen
class CodeState:
    """What has to be remembered of one code.

    :ivar made: how many were made before it for the same purpose.
    :ivar made_at_ms: Unix milliseconds.
    :ivar wrong: wrong codes that were tried since; at :data:`MAX_WRONG` it is void.
    """

    made: int
    made_at_ms: int
    wrong: int = 0

    @property
    def expires_at_ms(self) -> int:
        """When it stops being good, Unix milliseconds."""
        return self.made_at_ms + LIFETIME_MS

    def is_good(self, now_ms: int) -> bool:
        """Whether it can still be used."""
        return self.wrong < MAX_WRONG and now_ms < self.expires_at_ms

    def missed(self) -> "CodeState":
        """The state after somebody tried a wrong code."""
        return evolve(self, wrong=self.wrong + 1)

    def next(self, now_ms: int) -> "CodeState":
        """A fresh code in place of this one."""
        return CodeState(self.made + 1, now_ms)


class CodeMaker:
    """Computes codes.

    :param secret: the server's own secret, at least 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret of pairing codes must have at least 32 bytes")
        self._secret = secret

    def code(self, purpose: str, state: CodeState) -> str:
        """The code of one purpose, such as ``device|<request id>``."""
        text = f"pairing-code|{purpose}|{state.made}"
        bits = int.from_bytes(hmac.digest(self._secret, text.encode(), "sha256")[:5], "big")
        return "".join(ALPHABET[bits >> shift & 31] for shift in range(35, -5, -5))


def as_typed(text: str) -> str:
    """A code as people type it: any case, with blanks and hyphens between the signs."""
    return "".join(text.split()).replace("-", "").upper()


def find(typed: str, codes: Iterable[tuple[Key, str]]) -> Key | None:
    """Whose code this is; looks at every one of them, in a time that tells nothing about any."""
    wanted, found = as_typed(typed), None
    for key, code in codes:
        if same_secret(wanted, code):
            found = key
    return found


class Guesses:
    """Counts wrong codes per approver.

    :param seconds: monotonic clock.
    :param capacity: approvers remembered.
    """

    def __init__(self, seconds: Callable[[], float], *, capacity: int = 1024) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, approver: str) -> None:
        """Raise if this approver has tried too often.

        :raises openclaw.errors.Busy: with the time to wait.
        """
        times = self._wrong.get(approver)
        if times is None or len(times) < WRONG_PER_HOUR:
            return
        left = times[0] + _HOUR - self._seconds()
        if left > 0:
            raise Busy(
                "too many wrong pairing codes; use the request id instead, or wait",
                {"code": "PAIRING_CODE_RATE_LIMITED", "limit": f"{WRONG_PER_HOUR} per hour"},
                retry_after_ms=int(left * 1000) + 1,
            )

    def missed(self, approver: str) -> None:
        """Count one wrong code."""
        times = self._wrong.setdefault(approver, deque(maxlen=WRONG_PER_HOUR))
        self._wrong.move_to_end(approver)
        times.append(self._seconds())
        while len(self._wrong) > self._capacity:
            self._wrong.popitem(last=False)
