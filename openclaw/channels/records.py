"""What channels keep in the journal: an account's own values, and what was sent under which id."""

from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.channels import IChannelState
from openclaw.interfaces.messages import Sent
from openclaw.interfaces.storage import IStore, ITransaction, Row
from openclaw.storage.payloads import row_id

SENT_KEPT_MS = 24 * 3_600_000

_VALUE = "channel_state.value"
_decoder = msgspec.json.Decoder(Sent)


def _read_values(tx: ITransaction) -> list[Row]:
    rows = tx.rows("select channel, account, name, value from channel_state")
    return [(*key, tx.open(_VALUE, row_id(*key), value)) for *key, value in rows]


def _put_value(tx: ITransaction, *, channel: str, account: str, name: str, value: str) -> None:
    if not value:
        tx.execute(
            "delete from channel_state where channel = :channel and account = :account"
            " and name = :name",
            channel=channel,
            account=account,
            name=name,
        )
        return
    tx.execute(
        "insert into channel_state(channel, account, name, value)"
        " values (:channel, :account, :name, :value)"
        " on conflict(channel, account, name) do update set value = excluded.value",
        channel=channel,
        account=account,
        name=name,
        value=tx.seal(_VALUE, row_id(channel, account, name), value.encode()),
    )


class ChannelValues:
    """The values of every account, in memory and on disk."""

    def __init__(self, store: IStore) -> None:
        self._store = store
        self._values: dict[tuple[str, str, str], str] = {}

    @deferred
    async def load(self) -> None:
        """Read the journal."""
        rows = await self._store.read(_read_values)
        self._values = {(c, a, n): bytes(value).decode() for c, a, n, value in rows}

    def of(self, channel: str, account: str) -> "AccountValues":
        """One account's."""
        return AccountValues(self, channel, account)

    def get(self, channel: str, account: str, name: str) -> str:
        """One value, empty if there is none."""
        return self._values.get((channel, account, name), "")

    def put(self, channel: str, account: str, name: str, value: str) -> Deferred[None]:
        """Keep one value; fires when it is on disk."""
        key = (channel, account, name)
        if self._values.get(key, "") == value:
            return succeed(None)
        if value:
            self._values[key] = value
        else:
            self._values.pop(key, None)
        return self._store.run(_put_value, channel=channel, account=account, name=name, value=value)


@implementer(IChannelState)
class AccountValues:
    """The values of one account."""

    def __init__(self, values: ChannelValues, channel: str, account: str) -> None:
        self._values = values
        self._channel = channel
        self._account = account

    def get(self, name: str) -> str:
        """See :meth:`IChannelState.get`."""
        return self._values.get(self._channel, self._account, name)

    def put(self, name: str, value: str) -> Deferred[None]:
        """See :meth:`IChannelState.put`."""
        return self._values.put(self._channel, self._account, name, value)


def keep_sent(tx: ITransaction, *, id: str, sent: Sent, now: int) -> None:
    """Note what a platform called something that was sent."""
    tx.execute(
        "insert into sent(id, result, at) values (:id, :result, :now)"
        " on conflict(id) do update set result = excluded.result, at = excluded.at",
        id=id,
        result=msgspec.json.encode(sent).decode(),
        now=now,
    )


def find_sent(tx: ITransaction, *, id: str) -> Sent | None:
    """What a platform called it; ``None`` if it was not sent, or long ago."""
    rows = tx.rows("select result from sent where id = :id", id=id)
    return _decoder.decode(rows[0][0]) if rows else None


def forget_sent(tx: ITransaction, *, before: int) -> int:
    """Forget what was sent long ago."""
    return tx.execute("delete from sent where at < :before", before=before)


class SentRecords:
    """What was sent, by the id under which it was put into the outbox.

    :param now_ms: wall clock.
    """

    def __init__(self, store: IStore, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._now_ms = now_ms

    def keep(self, id: str, sent: Sent) -> Deferred[None]:
        """Note one; fires when it is on disk."""
        return self._store.run(keep_sent, id=id, sent=sent, now=self._now_ms())

    def find(self, id: str) -> Deferred[Sent | None]:
        """Look one up."""
        return self._store.read(find_sent, id=id)

    @deferred
    async def forget(self) -> None:
        """Forget what is a day old."""
        await self._store.run(forget_sent, before=self._now_ms() - SENT_KEPT_MS)
