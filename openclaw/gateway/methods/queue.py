"""The queues in the eyes of operators: figures, messages without their bodies, dead letters."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from attrs import asdict, frozen

from openclaw.errors import Busy
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.queue import IQueue, QueuedMessage, QueueFigures, QueueFull
from openclaw.protocol.base import UNSET, UnsetType
from openclaw.protocol.schema.queue import (
    QueueCounts,
    QueueDone,
    QueuedRow,
    QueueIdsParams,
    QueueInspected,
    QueueInspectParams,
    QueueRow,
    QueueStatsParams,
    QueueStatsResult,
    QueueStatus,
    QueueStatusParams,
)

PREVIEW_LENGTH = 60
DEAD = ("dead", "unknown")
COUNTERS = ("enqueued", "duplicates", "full", "acked", "retried", "buried", "expired")


class _Spoken(msgspec.Struct):
    """What a message says, whatever else is in it."""

    text: str = ""


_spoken = msgspec.json.Decoder(_Spoken)


@frozen(kw_only=True)
class QueueMethods:
    """What waits and what is dead.

    :ivar hide: takes secrets out of a text.
    """

    queue: IQueue
    hide: Callable[[str], str]
    now_ms: Callable[[], int]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "queue.status": self._status,
            "queue.stats": self._stats,
            "queue.inspect": self._inspect,
            "queue.retry": self._retry,
            "queue.discard": self._discard,
        }

    async def _status(self, client: Client, params: QueueStatusParams) -> QueueStatus:
        stats = await self.queue.stats()
        letters: list[QueuedRow] | UnsetType = UNSET
        if params.dead_letter:
            letters = self._rows(await self.queue.inspect("", params.limit, 0, "", True))
        return QueueStatus(
            backend=stats.backend,
            durable=stats.durable,
            queues=_queues(stats.queues),
            limits=list(stats.limits),
            dead_letters=letters,
        )

    async def _stats(self, client: Client, params: QueueStatsParams) -> QueueStatsResult:
        stats = await self.queue.stats()
        return QueueStatsResult(
            backend=stats.backend,
            durable=stats.durable,
            total=_total(stats.queues.values()),
            counters={name: stats.counters.get(name, 0) for name in COUNTERS},
            limits=list(stats.limits),
            queues=_queues(stats.queues) if params.detailed else UNSET,
        )

    async def _inspect(self, client: Client, params: QueueInspectParams) -> QueueInspected:
        found = await self.queue.inspect(
            params.queue, params.limit, params.after, params.lane, params.dead_letter
        )
        return QueueInspected(messages=self._rows(found))

    async def _retry(self, client: Client, params: QueueIdsParams) -> QueueDone:
        try:
            return _done(params.ids, await self.queue.revive(params.ids))
        except QueueFull as error:
            raise Busy(str(error), {"code": "QUEUE_FULL"}) from error

    async def _discard(self, client: Client, params: QueueIdsParams) -> QueueDone:
        return _done(params.ids, await self.queue.discard(params.ids))

    def _rows(self, messages: Iterable[QueuedMessage]) -> list[QueuedRow]:
        now = self.now_ms()
        return [
            QueuedRow(
                id=one.id,
                queue=one.queue,
                lane=one.lane,
                state=one.state,
                attempts=one.attempts,
                age_ms=max(0, now - one.at_ms),
                position=one.position,
                reason=self.hide(one.reason) if one.state in DEAD else UNSET,
                preview=self._preview(one.body) or UNSET,
            )
            for one in messages
        ]

    def _preview(self, body: bytes) -> str:
        """The beginning of what is said; hidden first, as half a secret could not be found."""
        try:
            text = self.hide(" ".join(_spoken.decode(body).text.split()))
        except msgspec.MsgspecError:
            return ""
        return text if len(text) <= PREVIEW_LENGTH else text[: PREVIEW_LENGTH - 1] + "…"


def _queues(queues: Mapping[str, QueueFigures]) -> list[QueueRow]:
    return [QueueRow(queue=name, **asdict(found)) for name, found in sorted(queues.items())]


def _total(queues: Iterable[QueueFigures]) -> QueueCounts:
    rows = [asdict(one) for one in queues]
    names = QueueCounts.__struct_fields__
    total = {name: sum(row[name] for row in rows) for name in names}
    oldest = max((row["oldest_age_ms"] for row in rows), default=0)
    return QueueCounts(**{**total, "oldest_age_ms": oldest})


def _done(asked: Sequence[str], done: Sequence[str]) -> QueueDone:
    return QueueDone(done=list(done), missing=[one for one in asked if one not in set(done)])
