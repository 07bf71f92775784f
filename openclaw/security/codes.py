"""One-time sign-in codes for browsers: made, checked, used up. They pair nothing themselves."""

from collections.abc import Callable

from openclaw.interfaces.security import SignInCode
from openclaw.protocol.scopes import APPROVALS, PAIRING, QUESTIONS, READ, WRITE
from openclaw.security.secrets import RandomBytes, digest, new_token

Clock = Callable[[], int]

LIFETIME_MS = 600_000
# Never admin: a link can be read over a shoulder, and administration has the shared token.
GRANT = frozenset({READ, WRITE, APPROVALS, QUESTIONS, PAIRING})


class SignInCodes:
    """The codes that wait to be used; lost with the process on purpose.

    :param clock: Unix milliseconds.
    :param limit: codes outstanding; a new one beyond it makes the oldest void.
    """

    def __init__(self, clock: Clock, random_bytes: RandomBytes, *, limit: int = 32) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._limit = limit
        self._expiry: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._expiry)

    def make(self) -> SignInCode:
        """Make a fresh code, good for ten minutes and one sign-in."""
        code = new_token(self._random_bytes, 24)
        expires_at_ms = self._clock() + LIFETIME_MS
        while len(self._expiry) >= self._limit:
            del self._expiry[next(iter(self._expiry))]
        self._expiry[digest(code)] = expires_at_ms
        return SignInCode(code, expires_at_ms)

    def is_good(self, code: str) -> bool:
        """Whether the code would sign in now; does not use it up.

        Found by its digest, so the time of a wrong guess says nothing about a right one.
        """
        expires_at_ms = self._expiry.get(digest(code))
        return expires_at_ms is not None and self._clock() < expires_at_ms

    def use(self, code: str) -> int | None:
        """Use the code up; of two handshakes with one code only one gets it.

        :return: what :meth:`give_back` wants, ``None`` if the code is not good (any more).
        """
        if not self.is_good(code):
            self._expiry.pop(digest(code), None)
            return None
        return self._expiry.pop(digest(code))

    def forget_all(self) -> None:
        """Make every code void."""
        self._expiry.clear()

    def give_back(self, code: str, expires_at_ms: int) -> None:
        """Make a used code good again: the sign-in could not be stored."""
        self._expiry[digest(code)] = expires_at_ms
