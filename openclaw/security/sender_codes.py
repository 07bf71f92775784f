"""Strangers on chat platforms: each shows a code, an operator lets it in. Reads no message."""

from collections.abc import Callable, Sequence

import msgspec
from attrs import evolve, frozen
from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest, StoreError
from openclaw.interfaces.security import ISenders
from openclaw.interfaces.storage import IStore, ITransaction, Row
from openclaw.protocol.schema.devices import SenderRow
from openclaw.security.grants import clipped
from openclaw.security.pairing_codes import CodeMaker, CodeState
from openclaw.storage.payloads import row_id

MAX_WAITING = 3
WAITING, APPROVED = "waiting", "approved"

_BODY = "sender.body"
_SAVE = """insert into sender(channel, account, sender_id, state, body, created_at)
values(:channel, :account, :sender_id, :state, :body, :created_at)
on conflict(channel, account, sender_id) do update set state = excluded.state,
body = excluded.body"""
_DELETE = """delete from sender
where channel = :channel and account = :account and sender_id = :sender_id"""


@frozen(kw_only=True)
class Sender:
    """Somebody who writes to one account of a channel.

    :ivar state: ``waiting`` or ``approved``.
    :ivar account: which account of the channel; approval for one says nothing about another.
    """

    channel: str
    account: str
    sender_id: str
    display_name: str
    state: str
    created_at_ms: int
    code: CodeState

    @property
    def key(self) -> str:
        """One text that names channel, account and sender."""
        return sender_key(self.channel, self.account, self.sender_id)


def sender_key(channel: str, account: str, sender_id: str) -> str:
    """The name of a sender; different senders never share one."""
    return msgspec.json.encode([channel, account, sender_id]).decode()


_decoder = msgspec.json.Decoder(Sender)


def _save(tx: ITransaction, *, senders: Sequence[Sender], gone: Sequence[Sender] = ()) -> None:
    for sender in gone:
        tx.execute(
            _DELETE, channel=sender.channel, account=sender.account, sender_id=sender.sender_id
        )
    for sender in senders:
        tx.execute(
            _SAVE,
            channel=sender.channel,
            account=sender.account,
            sender_id=sender.sender_id,
            state=sender.state,
            body=tx.seal(_BODY, _row_id(sender), msgspec.json.encode(sender)),
            created_at=sender.created_at_ms,
        )


def _read(tx: ITransaction) -> list[Row]:
    found = tx.rows(
        "select channel, account, sender_id, body from sender "
        "order by created_at, channel, account, sender_id"
    )
    return [(tx.open(_BODY, row_id(*key), body),) for *key, body in found]


def _row_id(sender: Sender) -> str:
    return row_id(sender.channel, sender.account, sender.sender_id)


@implementer(ISenders)
class SenderCodes:
    """Every sender that waits or was let in.

    Changes are made one after the other: there are few, and people wait for none of them.

    :param clock: Unix milliseconds.
    """

    def __init__(self, store: IStore, codes: CodeMaker, clock: Callable[[], int]) -> None:
        self._store = store
        self._codes = codes
        self._clock = clock
        self._senders: dict[str, Sender] = {}
        self._lock = DeferredLock()

    @deferred
    async def load(self) -> None:
        """Read the journal.

        :raises StoreError: through the Deferred, if it cannot be read.
        """
        try:
            senders = [_decoder.decode(bytes(body)) for (body,) in await self._store.read(_read)]
        except msgspec.MsgspecError as error:
            raise StoreError(f"a sender in the journal is damaged: {error}") from None
        self._senders = {sender.key: sender for sender in senders}

    def is_approved(self, channel: str, account: str, sender_id: str) -> bool:
        """See :meth:`ISenders.is_approved`."""
        sender = self._senders.get(sender_key(channel, account, sender_id))
        return sender is not None and sender.state == APPROVED

    def pending(self, channel: str = "") -> Sequence[SenderRow]:
        """See :meth:`ISenders.pending`."""
        return [row(sender) for sender in self._waiting(channel)]

    @deferred
    async def ask(
        self, channel: str, account: str, sender_id: str, display_name: str = ""
    ) -> str | None:
        """See :meth:`ISenders.ask`."""
        async with self._lock:
            now_ms = self._clock()
            known = self._senders.get(sender_key(channel, account, sender_id))
            if known is not None and known.state == APPROVED:
                return None
            if known is not None and known.code.is_good(now_ms):
                return self._code(known)
            stale = self._stale(channel, account)
            waiting = [one for one in self._waiting(channel) if one.account == account]
            if known is None and len(waiting) >= MAX_WAITING:
                return None
            sender = Sender(
                channel=channel,
                account=account,
                sender_id=sender_id,
                display_name=clipped(display_name),
                state=WAITING,
                created_at_ms=now_ms,
                code=known.code.next(now_ms) if known else CodeState(0, now_ms),
            )
            await self._write([sender], [one for one in stale if one.key != sender.key])
            return self._code(sender)

    @deferred
    async def approve(self, key: str) -> SenderRow:
        """See :meth:`ISenders.approve`."""
        async with self._lock:
            sender = self._senders.get(key)
            if sender is None or sender.state != WAITING:
                raise InvalidRequest("unknown pairing code")
            await self._write([evolve(sender, state=APPROVED)])
            return row(sender)

    @deferred
    async def remove(self, channel: str, account: str, sender_id: str) -> bool:
        """See :meth:`ISenders.remove`."""
        async with self._lock:
            sender = self._senders.get(sender_key(channel, account, sender_id))
            if sender is None:
                return False
            await self._write([], [sender])
            return sender.state == APPROVED

    # -- codes (openclaw.security.code_desk) ---------------------------------------------------

    def candidates(self, channel: str = "") -> list[tuple[str, str]]:
        """Key and code of every sender that can be let in by a code now."""
        return [(sender.key, self._code(sender)) for sender in self._waiting(channel)]

    @deferred
    async def missed(self, keys: Sequence[str]) -> None:
        """Count a wrong code for these; fires when it is durable."""
        async with self._lock:
            found = [self._senders[key] for key in keys if key in self._senders]
            waiting = [one for one in found if one.state == WAITING]
            if waiting:
                await self._write([evolve(one, code=one.code.missed()) for one in waiting])

    # -- inside --------------------------------------------------------------------------------

    def _waiting(self, channel: str) -> list[Sender]:
        now_ms = self._clock()
        return [
            sender
            for sender in self._senders.values()
            if sender.state == WAITING
            and channel in ("", sender.channel)
            and sender.code.is_good(now_ms)
        ]

    def _stale(self, channel: str, account: str) -> list[Sender]:
        """Those of one account whose codes nobody used in time."""
        now_ms = self._clock()
        return [
            sender
            for sender in self._senders.values()
            if sender.state == WAITING
            and (sender.channel, sender.account) == (channel, account)
            and now_ms >= sender.code.expires_at_ms
        ]

    def _code(self, sender: Sender) -> str:
        # When it began to wait is part of it: who comes again after an hour gets another code.
        purpose = f"sender|{sender.key}|{sender.created_at_ms}"
        return self._codes.code(purpose, sender.code)

    async def _write(self, senders: Sequence[Sender], gone: Sequence[Sender] = ()) -> None:
        await self._store.run(_save, senders=list(senders), gone=list(gone))
        for sender in gone:
            del self._senders[sender.key]
        for sender in senders:
            self._senders[sender.key] = sender


def row(sender: Sender) -> SenderRow:
    """A sender as operators see it."""
    return SenderRow(
        channel=sender.channel,
        account=sender.account,
        sender_id=sender.sender_id,
        display_name=sender.display_name,
        ts=sender.created_at_ms,
        expires_at_ms=sender.code.expires_at_ms,
    )
