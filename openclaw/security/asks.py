"""What a refused device wants, before and while it is a request; nothing is granted here."""

from typing import Protocol

from attrs import asdict, frozen
from twisted.internet.defer import Deferred

from openclaw.errors import StoreError
from openclaw.security.addresses import bucket
from openclaw.security.device_proof import normalized
from openclaw.security.pairing_codes import CodeState
from openclaw.security.request_life import End, start_life
from openclaw.security.request_rows import PairingRequest
from openclaw.security.wishes import Wish


@frozen(kw_only=True)
class Ask(Wish):
    """A wish that no request stands for yet."""

    def is_within(self, request: PairingRequest) -> bool:
        """Whether approving that request would be enough, and show nothing else than this."""
        return (
            (self.device_id, self.role, self.reason, self.place)
            == (request.device_id, request.role, request.reason, request.place)
            and set(self.scopes) <= set(request.scopes)
            and normalized(self.platform) == normalized(request.platform)
            and normalized(self.device_family) == normalized(request.device_family)
        )

    def request(self, request_id: str, now_ms: int) -> PairingRequest:
        """This ask as a new request."""
        return PairingRequest(
            **asdict(self, recurse=False),
            request_id=request_id,
            created_at_ms=now_ms,
            asked_at_ms=now_ms,
            code=CodeState(0, now_ms),
        )


class Book(Protocol):
    """The list that an entry is in."""

    def announced(self, request: PairingRequest) -> None:
        """It is on disk."""

    def resolved(self, request: PairingRequest, end: End) -> None:
        """It has ended."""

    def forget(self, request: PairingRequest) -> None:
        """It is no longer in the list."""


class Entry:
    """One request in the list: what its state machine acts on.

    :ivar stored: it is on disk, or was.
    :ivar waits: it is on disk and nobody has decided yet.
    :ivar seen: an operator was shown it.
    :ivar asked_at_ms: the last time its device asked.
    :ivar client: what requests are counted by.
    """

    def __init__(self, request: PairingRequest, book: Book) -> None:
        self.request = request
        self.stored = False
        self.waits = False
        self.seen = False
        self.asked_at_ms = request.asked_at_ms
        self.client = bucket(request.remote_ip)
        self.life = start_life(self)
        self._end: End = "dropped"
        self._book = book
        self._recorded: list[Deferred[None]] = []

    def when_recorded(self) -> Deferred[None]:
        """Fires when it is on disk; fails with :class:`StoreError` if it cannot be written."""
        waiting: Deferred[None] = Deferred()
        self._recorded.append(waiting)
        return waiting

    def announce(self) -> None:
        """See :meth:`openclaw.security.request_life.Core.announce`."""
        self.stored = self.waits = True
        self._book.announced(self.request)
        for waiting in self._recorded:
            waiting.callback(None)

    def withdraw(self) -> None:
        """See :meth:`openclaw.security.request_life.Core.withdraw`."""
        self._book.forget(self.request)
        for waiting in self._recorded:
            waiting.errback(StoreError("the request could not be stored"))

    def intend(self, end: End) -> None:
        """See :meth:`openclaw.security.request_life.Core.intend`."""
        self.waits, self._end = False, end

    def wait(self) -> None:
        """See :meth:`openclaw.security.request_life.Core.wait`."""
        self.stored = self.waits = True

    def finish(self) -> None:
        """See :meth:`openclaw.security.request_life.Core.finish`."""
        self._book.forget(self.request)
        self._book.resolved(self.request, self._end)
