"""Makes the queue that the configuration asks for, its worker's policy, and what clears it up."""

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.config.schema.traffic import Ordering
from openclaw.config.settings import Settings
from openclaw.deferreds import deferred
from openclaw.interfaces.queue import IHandler, IQueue, IQueueBackend
from openclaw.interfaces.storage import IStore
from openclaw.queue.memory import MemoryQueue
from openclaw.queue.retries import RetryPolicy
from openclaw.queue.rules import Guarantee, QueueRules
from openclaw.queue.sqlite import SQLiteQueue
from openclaw.queue.worker import Pace, Worker

EXPIRE_SECONDS = 60.0
LEAST_DURABLE_MS = 24 * 3_600_000

_log = Logger()


def make_queue(settings: Settings, store: IStore, now_ms: Callable[[], int]) -> IQueueBackend:
    """The queue of ``queue.backend``, with the bounds of its section.

    :param store: the journal; not touched where nothing is to be stored.
    """
    config = settings.config
    in_memory = config.queue.backend == "memory" or not config.queue.enabled
    durable_ids = config.deduplication.storage == "durable" and not in_memory
    rules = _rules(settings, durable_ids)
    if in_memory:
        return MemoryQueue(rules, now_ms)
    return SQLiteQueue(store, rules, now_ms, durable_ids=durable_ids)


def make_worker(
    settings: Settings, queue: IQueue, name: str, handler: IHandler, reactor: Any, random: Random
) -> Worker:
    """What runs a handler on one queue; not started.

    :param name: ``in``, or that of an outbox.
    """
    policy = settings.config.queue.config.retry_policy
    ordering = settings.config.ordering
    return Worker(
        queue,
        name,
        handler,
        RetryPolicy(
            max_attempts=policy.max_attempts,
            backoff=policy.backoff,
            initial_ms=_ms(policy.initial_delay),
            max_ms=_ms(policy.max_delay),
            blocked_ms=0 if _guarantee(ordering) == "none" else _ms(ordering.timeout),
        ),
        reactor,
        random,
        Pace(concurrency=ordering.buffer_size),
    )


class QueueUpkeep:
    """Forgets what the queue kept long enough, and says how much that was."""

    def __init__(self, queue: IQueue, now_ms: Callable[[], int]) -> None:
        self._queue = queue
        self._now_ms = now_ms

    def __call__(self) -> Deferred[None]:
        """Do it once."""
        return self._expire()

    @deferred
    async def _expire(self) -> None:
        letters = await self._queue.expire(self._now_ms())
        if letters:
            _log.info("{count} dead letters removed, kept long enough", count=letters)


def _rules(settings: Settings, durable_ids: bool) -> QueueRules:
    limits, duplicates = settings.config.queue.config, settings.config.deduplication
    window = _ms(duplicates.window)
    if durable_ids:
        window = max(window, LEAST_DURABLE_MS)
    return QueueRules(
        max_size=limits.max_size,
        remember_ms=window if duplicates.enabled else 0,
        keep_dead=limits.dead_letter.enabled,
        dead_max_age_ms=_ms(limits.dead_letter.max_age),
        guarantee=_guarantee(settings.config.ordering),
    )


def _guarantee(ordering: Ordering) -> Guarantee:
    return ordering.guarantee if ordering.enabled else "none"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
