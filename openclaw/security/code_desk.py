"""Where operators type pairing codes: finds whose code it is, and stops guessing."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest
from openclaw.interfaces.security import Approver, CodeUse, ICodes
from openclaw.security.pairing_codes import Guesses, find


class CodeBook(Protocol):
    """A list of those who wait and show a code."""

    def candidates(self, channel: str = "") -> list[tuple[str, str]]:
        """Key and code of everything that can be approved by a code now."""

    def missed(self, keys: Sequence[str]) -> Deferred[None]:
        """Count a wrong code for these; fires when it is durable."""


@implementer(ICodes)
class CodeDesk:
    """Looks codes up.

    A wrong code is a wrong guess at every code it could have been: each of them is void after a
    few, and gets replaced when its owner asks again. The chance to hit one of 256 codes before the
    limits stop an approver is below 10^-8 in an hour.

    :param books: by kind: ``device``, ``sender``.
    """

    _log = Logger()

    def __init__(self, books: Mapping[str, CodeBook], guesses: Guesses) -> None:
        self._books = books
        self._guesses = guesses

    @deferred
    async def find(
        self, code: str, approver: Approver, kind: str = "", channel: str = ""
    ) -> CodeUse:
        """See :meth:`ICodes.find`."""
        self._guesses.check(approver.name)
        books = {name: self._books[name] for name in self._books if kind in ("", name)}
        candidates = {name: book.candidates(channel) for name, book in books.items()}
        everything = [
            (CodeUse(name, key), text) for name, pairs in candidates.items() for key, text in pairs
        ]
        found = find(code, everything)
        if found is not None:
            return found
        self._guesses.missed(approver.name)
        self._log.warn("wrong pairing code from {approver}", approver=approver.name)
        for name, book in books.items():
            await book.missed([key for key, _ in candidates[name]])
        raise InvalidRequest(
            "unknown pairing code",
            {
                "code": "PAIRING_CODE_INVALID",
                "next": "Compare it with what the device shows now; codes are good for an hour, "
                "and void after a few wrong ones.",
            },
        )
