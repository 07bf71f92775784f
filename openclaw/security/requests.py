"""The pairing requests that wait: in memory and in the journal, bounded. Grants nothing."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec
from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.deferreds import deferred
from openclaw.errors import Busy, InvalidRequest, StoreError
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.storage import IStore
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.devices import PairResolved
from openclaw.security.addresses import bucket
from openclaw.security.asks import Ask, Entry
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.request_life import End
from openclaw.security.request_rows import (
    PairingRequest,
    decode_requests,
    read_requests,
    save_requests,
    shown,
    update_requests,
)
from openclaw.security.secrets import RandomBytes, new_id

T = TypeVar("T")

# How long an ask may have been noted in memory only.
_NOTE_MS = 3_600_000


class PendingRequests:
    """Every request that waits; what a device is told to wait for is always in here.

    :param clock: Unix milliseconds.
    :param per_client: requests of one address (or IPv6 /64).
    :param total: requests in all. Beyond either the oldest one that no operator has seen goes.
    :param at_once: requests being written at the same time; more have to come again.
    """

    _log = Logger()

    def __init__(
        self,
        store: IStore,
        codes: CodeMaker,
        events: IEvents,
        clock: Callable[[], int],
        random_bytes: RandomBytes,
        *,
        per_client: int = 16,
        total: int = 256,
        at_once: int = 32,
    ) -> None:
        self._store = store
        self._codes = codes
        self._events = events
        self._clock = clock
        self._random_bytes = random_bytes
        self._per_client = per_client
        self._total = total
        self._at_once = at_once
        self._entries: dict[str, Entry] = {}
        self._newest: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @deferred
    async def load(self) -> None:
        """Read the journal; fires when devices can ask.

        :raises StoreError: through the Deferred, if it cannot be read.
        """
        try:
            requests = decode_requests(await self._store.read(read_requests))
        except msgspec.MsgspecError as error:
            raise StoreError(f"a pairing request in the journal is damaged: {error}") from None
        for request in requests:
            self._enter(request).life.restored()

    # -- what devices do -----------------------------------------------------------------------

    def known(self, ask: Ask) -> PairingRequest | None:
        """The request that this ask repeats, if it is on disk and needs no writing."""
        entry = self._of_device(ask.device_id)
        if entry is None or not ask.is_within(entry.request) or not entry.stored:
            return None
        request, now_ms = entry.request, self._clock()
        entry.asked_at_ms = now_ms
        fresh = now_ms < request.asked_at_ms + _NOTE_MS and request.code.is_good(now_ms)
        return request if fresh or not entry.waits else None

    @deferred
    async def record(self, ask: Ask) -> PairingRequest:
        """Make a request of an ask, or refresh the one it repeats.

        :return: fires when it is durable; fails with :class:`StoreError`, or with :class:`Busy` if
            too many devices ask at once.
        """
        entry = self._of_device(ask.device_id)
        if entry is None or not ask.is_within(entry.request):
            return await self._record_new(ask, entry)
        if not entry.stored:
            await entry.when_recorded()
        elif entry.waits:
            await self._refresh(entry)
        return entry.request

    def code(self, request: PairingRequest) -> str:
        """The code that the device shows."""
        return self._codes.code(request.purpose, request.code)

    # -- what operators do ---------------------------------------------------------------------

    def pending(self) -> list[PairingRequest]:
        """What waits, oldest first; whoever looks has seen them."""
        now_ms = self._clock()
        found = [
            entry
            for entry in self._entries.values()
            if entry.waits and now_ms < entry.request.expires_at_ms
        ]
        for entry in found:
            entry.seen = True
        requests = [entry.request for entry in found]
        return sorted(requests, key=lambda request: request.created_at_ms)

    def get(self, request_id: str) -> PairingRequest:
        """One request that waits.

        :raises openclaw.errors.InvalidRequest: there is none, any more.
        """
        entry = self._entries.get(request_id)
        if entry is None or not entry.waits or self._clock() >= entry.request.expires_at_ms:
            raise unknown_request()
        return entry.request

    def of_device(self, device_id: str) -> list[str]:
        """The requests of one device that wait."""
        return [
            request_id
            for request_id, entry in self._entries.items()
            if entry.request.device_id == device_id and entry.waits
        ]

    async def settle(
        self, request_ids: Sequence[str], end: End, write: Callable[[], Awaitable[T]]
    ) -> T:
        """End some requests: the first who decides has decided.

        :param write: makes the decision durable, and deletes the requests in the same transaction.
        :raises openclaw.errors.InvalidRequest: one of them does not wait (any more).
        """
        entries = [self._entries[one] for one in request_ids if one in self._entries]
        if len(entries) < len(request_ids) or not all(entry.waits for entry in entries):
            raise unknown_request()
        for entry in entries:
            entry.life.settle(end)
        try:
            result = await write()
        except BaseException:
            for entry in entries:
                entry.life.failed()
            raise
        for entry in entries:
            entry.life.done()
        return result

    @deferred
    async def sweep(self) -> None:
        """End what is too old, and tell; fires when it is gone from the journal too."""
        now_ms = self._clock()
        old = [
            request_id
            for request_id, entry in self._entries.items()
            if entry.waits and now_ms >= entry.request.expires_at_ms
        ]
        if old:
            await self.settle(old, "expired", lambda: self._delete(old))

    @deferred
    async def reject(self, request_id: str) -> str:
        """Refuse one request; fires with the device's id."""
        request = self.get(request_id)
        await self.settle([request_id], "rejected", lambda: self._delete([request_id]))
        return request.device_id

    # -- codes (openclaw.security.code_desk) ---------------------------------------------------

    def candidates(self, channel: str = "") -> list[tuple[str, str]]:
        """Request id and code of everything that can be approved by a code now."""
        if channel:
            return []
        now_ms = self._clock()
        return [
            (request_id, self.code(entry.request))
            for request_id, entry in self._entries.items()
            if entry.waits
            and now_ms < entry.request.expires_at_ms
            and entry.request.code.is_good(now_ms)
        ]

    @deferred
    async def missed(self, request_ids: Sequence[str]) -> None:
        """Count a wrong code for these; fires when it is durable."""
        entries = [self._entries[one] for one in request_ids if one in self._entries]
        for entry in entries:
            entry.request = evolve(entry.request, code=entry.request.code.missed())
        await self._store.run(update_requests, requests=[entry.request for entry in entries])

    # -- entries tell --------------------------------------------------------------------------

    def announced(self, request: PairingRequest) -> None:
        """A request is on disk."""
        self._log.info(
            "device {device_id} asks to be paired as {role} ({reason}), request {request_id}",
            device_id=request.device_id,
            role=request.role,
            reason=request.reason,
            request_id=request.request_id,
        )
        self._events.publish("device.pair.requested", shown(request))

    def resolved(self, request: PairingRequest, end: End) -> None:
        """A request has ended."""
        self._log.info(
            "pairing request {request_id} of {device_id}: {end}",
            request_id=request.request_id,
            device_id=request.device_id,
            end=end,
        )
        by_operator = end in ("approved", "rejected")
        resolved = PairResolved(
            request_id=request.request_id,
            device_id=request.device_id,
            decision="approved" if end == "approved" else "rejected",
            reason=UNSET if by_operator else end,
            ts=self._clock(),
        )
        self._events.publish("device.pair.resolved", resolved)

    def forget(self, request: PairingRequest) -> None:
        """A request is no longer in the list."""
        del self._entries[request.request_id]
        if self._newest.get(request.device_id) == request.request_id:
            del self._newest[request.device_id]

    # -- inside --------------------------------------------------------------------------------

    def _of_device(self, device_id: str) -> Entry | None:
        return self._entries.get(self._newest.get(device_id, ""))

    def _enter(self, request: PairingRequest) -> Entry:
        entry = Entry(request, self)
        self._entries[request.request_id] = entry
        self._newest[request.device_id] = request.request_id
        return entry

    async def _record_new(self, ask: Ask, old: Entry | None) -> PairingRequest:
        superseded = [old] if old is not None and old.waits else []
        dropped = self._make_room(ask, superseded)
        entry = self._enter(ask.request(new_id(self._random_bytes), self._clock()))
        for one in superseded:
            one.life.settle("superseded")
        for one in dropped:
            one.life.settle("dropped")
        gone = [*superseded, *dropped]
        try:
            await self._store.run(
                save_requests,
                requests=[entry.request],
                gone=[one.request.request_id for one in gone],
            )
        except BaseException:
            entry.life.lost()
            for one in gone:
                one.life.failed()
                self._newest.setdefault(one.request.device_id, one.request.request_id)
            raise
        for one in gone:
            one.life.done()
        entry.life.stored()
        return entry.request

    def _make_room(self, ask: Ask, leaving: Sequence[Entry]) -> list[Entry]:
        """Choose what has to go for one more request.

        :raises openclaw.errors.Busy: nothing can go, or too much is being written already.
        """
        staying = [entry for entry in self._entries.values() if entry not in leaving]
        if sum(not entry.stored for entry in staying) >= self._at_once:
            raise _too_many()
        client = bucket(ask.remote_ip)
        neighbours = [entry for entry in staying if entry.client == client]
        if len(neighbours) >= self._per_client:
            return [_oldest(neighbours)]
        if len(staying) >= self._total:
            return [_oldest(staying)]
        return []

    async def _refresh(self, entry: Entry) -> None:
        now_ms, request = self._clock(), entry.request
        code = request.code if request.code.is_good(now_ms) else request.code.next(now_ms)
        entry.request = evolve(request, asked_at_ms=now_ms, code=code)
        await self._store.run(update_requests, requests=[entry.request])

    def _delete(self, request_ids: Sequence[str]) -> Deferred[None]:
        return self._store.run(save_requests, requests=[], gone=list(request_ids))


def _oldest(entries: Sequence[Entry]) -> Entry:
    """The one to go: nobody has seen it, and it asked longest ago."""
    going = [entry for entry in entries if entry.waits]
    if not going:
        raise _too_many()
    return min(going, key=lambda entry: (entry.seen, entry.asked_at_ms))


def _too_many() -> Busy:
    return Busy("too many devices ask at once; retry shortly", retry_after_ms=1000)


def unknown_request() -> InvalidRequest:
    """There is no such request, any more."""
    return InvalidRequest("unknown requestId")
