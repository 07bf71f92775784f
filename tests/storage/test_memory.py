"""The store in memory, measured against the contract of all stores."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.storage.memory import MemoryStore
from tests.contracts.store import StoreContract, names, put


class MemoryStoreContract(StoreContract, TestCase):
    timeout = 120

    def make(self) -> MemoryStore:
        return MemoryStore(Clock())


class MemoryStoreTests(SynchronousTestCase):
    def test_answers_at_once_and_forgets(self) -> None:
        store = MemoryStore(Clock())
        opened = store.when_open()
        self.assertNoResult(opened)
        store.startService()
        self.assertIsNone(self.successResultOf(opened))
        self.assertEqual(self.successResultOf(store.run(put, name="a", value=b"")), 1)
        self.assertEqual((store.health().backend, store.health().path), ("memory", None))
        self.successResultOf(store.stopService())
        store.startService()
        self.assertEqual(self.successResultOf(store.read(names)), [])
        self.successResultOf(store.stopService())
