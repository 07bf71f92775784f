"""The steps of messages, gathered and written."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.interfaces.tracing import ITraces
from openclaw.monitoring.traces import FLUSH_SECONDS, KEPT_MS, Traces
from openclaw.storage.memory import MemoryStore


class TracesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(Clock())
        self.store.startService()
        self.addCleanup(self.store.stopService)
        self.traces = Traces(self.store, self.clock, lambda: int(self.clock.seconds() * 1000))
        self.traces.startService()

    def steps(self, key: str) -> list[str]:
        return [one.step for one in self.successResultOf(self.traces.read(key))]

    def test_the_interface(self) -> None:
        self.assertTrue(verifyObject(ITraces, self.traces))

    def test_steps_are_read_in_order_with_those_of_what_is_linked(self) -> None:
        self.traces.note("m1", "received")
        self.traces.link("m1", "reply")
        self.clock.advance(FLUSH_SECONDS)
        self.traces.note("reply", "sent")
        self.traces.note("m2", "received")
        self.assertEqual(self.steps("m1"), ["received", "->", "sent"])

    def test_what_is_old_is_forgotten(self) -> None:
        self.traces.note("m1", "received")
        self.assertEqual(self.steps("m1"), ["received"])
        self.clock.advance(KEPT_MS / 1000 + 1)
        self.successResultOf(self.traces.forget())
        self.assertEqual(self.steps("m1"), [])

    def test_a_stop_writes_what_is_left_and_nothing_is_begun_after_it(self) -> None:
        self.traces.note("m1", "received")
        self.successResultOf(self.traces.stopService())
        self.traces.note("m1", "sent")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.traces.startService()
        self.traces.note("m1", "looked at")
        self.assertEqual(self.steps("m1"), ["received", "looked at"])
