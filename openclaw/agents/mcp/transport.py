"""What a session needs of the way to its server; the ways themselves have modules of their own."""

from collections.abc import Callable
from typing import Protocol

from attrs import frozen
from twisted.internet.defer import Deferred


@frozen(kw_only=True)
class Ears:
    """Who hears what arrives.

    :ivar received: a whole message, as bytes.
    :ivar failed: a request, by its number, will have no answer, and why; 0 where it is not known
        which.
    :ivar lost: the way is gone for good, and why; nothing is heard after it.
    """

    received: Callable[[bytes], None]
    failed: Callable[[int, str], None]
    lost: Callable[[str], None]


class Transport(Protocol):
    """A way to one server, used once."""

    def open(self, ears: Ears) -> None:
        """Begin; the server may be spoken to at once.

        :raises OSError: it cannot even be begun.
        """

    def send(self, message: bytes, number: int = 0) -> Deferred[None]:
        """Send a message; a request with its number.

        :return: fires when another message may follow in order; never fails, and need not be
            waited for.
        """

    def agreed(self, version: str) -> None:
        """The server chose a version of the protocol."""

    def forget(self, number: int) -> None:
        """Nobody waits for the answer to a request any more."""

    def close(self) -> Deferred[None]:
        """End it; fires when nothing of it is left. May be called at any time."""
