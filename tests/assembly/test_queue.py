"""Which queue, worker and bounds a configuration asks for."""

import json
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from openclaw.assembly.queue import QueueUpkeep, make_queue, make_worker
from openclaw.config.serving import check_serving
from openclaw.config.settings import Options, Settings, read_settings
from openclaw.errors import ConfigError
from openclaw.interfaces.queue import Delivery, IHandler, IQueueBackend, NewMessage, QueueFull
from openclaw.storage.memory import MemoryStore

HOUR_MS = 3_600_000


@implementer(IHandler)
class Failing:
    """Counts, and fails."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.times: list[float] = []

    def handle(self, delivery: Delivery) -> Deferred[None]:
        """Fail."""
        self.times.append(self.clock.seconds())
        raise RuntimeError("no")

    def gave_up(self, delivery: Delivery, reason: str, unknown: bool) -> None:
        """Expect it."""


class MakeQueueTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 1_800_000_000_000
        self.store = MemoryStore(Clock())
        self.store.startService()

    def settings(self, **config: Any) -> Settings:
        path = Path(self.mktemp())
        path.write_text(json.dumps(config))
        settings = read_settings(Options(config=str(path)), {}, Path(self.mktemp()))
        check_serving(settings)
        return settings

    def make(self, **config: Any) -> IQueueBackend:
        return make_queue(self.settings(**config), self.store, lambda: self.now)

    def put(self, queue: IQueueBackend, message_id: str = "m1") -> bool:
        new = NewMessage(id=message_id, queue="in", lane="a", body=b"")
        return self.successResultOf(queue.enqueue(new))

    def done(self, queue: IQueueBackend) -> None:
        (delivery,) = self.successResultOf(queue.claim("in", 1, 1000))
        self.successResultOf(queue.ack(delivery))

    def remembered_ms(self, queue: IQueueBackend) -> int:
        """For how long the id of what is done is a duplicate."""
        self.assertTrue(self.put(queue))
        self.done(queue)
        began = self.now
        for later in (0, 299_999, 300_000, 24 * HOUR_MS - 1, 24 * HOUR_MS, 48 * HOUR_MS):
            self.now = began + later
            if self.put(queue):
                return later
        raise AssertionError("for ever")

    def test_sqlite_by_default_and_ids_for_a_day(self) -> None:
        queue = self.make()
        self.assertEqual(queue.backend, "sqlite")
        self.assertEqual(self.remembered_ms(queue), 24 * HOUR_MS)

    def test_ids_in_memory_for_exactly_the_window(self) -> None:
        queue = self.make(deduplication={"storage": "memory"})
        self.assertEqual(self.remembered_ms(queue), 300_000)

    def test_ids_for_longer_than_a_day(self) -> None:
        self.assertEqual(
            self.remembered_ms(self.make(deduplication={"window": "2d"})), 48 * HOUR_MS
        )

    def test_no_deduplication(self) -> None:
        for storage in ("memory", "durable"):
            self.setUp()
            queue = self.make(deduplication={"enabled": False, "storage": storage})
            self.assertEqual(self.remembered_ms(queue), 0)

    def test_memory(self) -> None:
        for section in ({"backend": "memory"}, {"enabled": False}):
            queue = self.make(queue=section)
            self.assertEqual(queue.backend, "memory")
            self.assertEqual(self.remembered_ms(queue), 300_000)

    def test_bounds(self) -> None:
        limits = {"maxSize": 1, "deadLetter": {"enabled": False}}
        for backend in ("memory", "sqlite"):
            self.setUp()
            queue = self.make(queue={"backend": backend, "config": limits})
            self.put(queue)
            new = NewMessage(id="m2", queue="in", lane="a", body=b"")
            self.failureResultOf(queue.enqueue(new), QueueFull)
            (delivery,) = self.successResultOf(queue.claim("in", 1, 1000))
            self.successResultOf(queue.bury(delivery, "x"))
            self.assertEqual(self.successResultOf(queue.inspect("", 9, 0, "", True)), [])

    def test_order(self) -> None:
        for section, most in (
            ({}, 1),
            ({"guarantee": "none"}, 2),
            ({"enabled": False}, 2),
            ({"guarantee": "global"}, 1),
        ):
            self.setUp()
            queue = self.make(ordering=section)
            self.put(queue, "m1")
            self.put(queue, "m2")
            self.assertEqual(len(self.successResultOf(queue.claim("in", 9, 1000))), most, section)

    def test_what_is_not_served_is_refused_with_what_is(self) -> None:
        for backend in ("redis", "kafka", "nats", "postgres"):
            error = self.assertRaises(ConfigError, self.settings, queue={"backend": backend})
            self.assertEqual((error.path, error.exit_status), ("queue.backend", 78))
            self.assertIn(f'"{backend}" is not served yet; expected one of "sqlite", "memory"',
                          str(error))  # fmt: skip

    def worked(self, **config: Any) -> list[float]:
        """When a message that always fails is tried."""
        clock = Clock()
        settings = self.settings(**config)
        queue = make_queue(settings, self.store, lambda: round(clock.seconds() * 1000))
        handler = Failing(clock)
        worker = make_worker(settings, queue, "in", handler, clock, Random(1))
        self.put(queue)
        worker.startService()
        clock.pump([1 / 16] * 16 * 120)
        self.successResultOf(worker.stopService())
        self.flushLoggedErrors(RuntimeError)
        return handler.times

    def test_the_policy_of_retries(self) -> None:
        first, second, third = self.worked()
        self.assertTrue(1 <= second - first <= 1.2 and 2 <= third - second <= 2.3)

    def test_another_policy(self) -> None:
        self.setUp()
        policy = {"maxAttempts": 4, "backoff": "fixed", "initialDelay": "3s"}
        retries = {"queue": {"config": {"retryPolicy": policy}}}
        self.assertEqual(len(self.worked(**retries)), 4)
        self.setUp()
        self.assertEqual(len(self.worked(**retries, ordering={"timeout": "5s"})), 2)
        self.setUp()
        self.assertEqual(len(self.worked(**retries, ordering={"timeout": "0"})), 4)

    def test_upkeep_forgets_letters_in_their_time(self) -> None:
        queue = self.make(queue={"config": {"deadLetter": {"maxAge": "1h"}}})
        self.put(queue)
        (delivery,) = self.successResultOf(queue.claim("in", 1, 1000))
        self.successResultOf(queue.bury(delivery, "x"))
        upkeep = QueueUpkeep(queue, lambda: self.now)
        self.successResultOf(upkeep())
        self.assertEqual(len(self.successResultOf(queue.inspect("", 9, 0, "", True))), 1)
        self.now += HOUR_MS
        self.successResultOf(upkeep())
        self.assertEqual(self.successResultOf(queue.inspect("", 9, 0, "", True)), [])
