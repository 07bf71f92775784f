"""Tests of paired devices: tokens, the journal, and changes that meet."""

import sqlite3
from collections.abc import Callable
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.errors import StoreError
from openclaw.interfaces.security import Device, IDevices
from openclaw.interfaces.storage import IStore, StoreHealth
from openclaw.security.devices import Devices
from openclaw.security.grants import widened
from openclaw.storage.memory import MemoryStore
from tests.security.test_grants import device

SECRET = b"0123456789abcdef0123456789abcdef"


@implementer(IStore)
class SlowStore:
    """A real store whose answers wait until the test lets them go."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.writes = 0
        self.held: list[Callable[[], None]] = []
        self.slow = False
        self.broken = False

    def run(self, function: Callable[..., Any], /, **arguments: Any) -> Deferred[Any]:
        """Write, now or later."""
        self.writes += 1
        answer: Deferred[Any] = Deferred()

        def go() -> None:
            if self.broken:
                answer.errback(StoreError("disk full"))
            else:
                self._store.run(function, **arguments).chainDeferred(answer)

        if self.slow:
            self.held.append(go)
        else:
            go()
        return answer

    def read(self, function: Callable[..., Any], /, **arguments: Any) -> Deferred[Any]:
        """Read at once."""
        return self._store.read(function, **arguments)

    def health(self) -> StoreHealth:
        """As the real one."""
        return self._store.health()


class DevicesTests(SynchronousTestCase):
    """The journal and the memory say the same."""

    def setUp(self) -> None:
        """One store, and devices on it."""
        self.clock = Clock()
        memory = MemoryStore(self.clock)
        memory.startService()
        self.addCleanup(memory.stopService)
        self.store = SlowStore(memory)
        self.devices = self.load()

    def load(self, secret: bytes = SECRET) -> Devices:
        """Devices as they are after a restart."""
        devices = Devices(self.store, secret, lambda: int(self.clock.seconds() * 1000))
        self.successResultOf(devices.load())
        return devices

    def pair(self, one: Device) -> None:
        """Store this device."""
        self.assertEqual(
            self.successResultOf(self.devices.change(one.device_id, lambda _: one)), one
        )

    def test_it_is_what_it_says(self) -> None:
        """The interface holds."""
        verifyObject(IDevices, self.devices)

    def test_pairing_survives_a_restart(self) -> None:
        """Every field, and so the same token."""
        one = device()
        self.pair(one)
        token = self.devices.token(one.device_id, one.tokens["operator"])
        again = self.load()
        self.assertEqual(again.get(one.device_id), one)
        self.assertEqual(again.paired(), [one])
        self.assertTrue(again.is_token(one.device_id, "operator", token))

    def test_tokens(self) -> None:
        """43 characters; bound to device, role, generation, time of issue and server secret."""
        one = device()
        self.pair(one)
        grant = one.tokens["operator"]
        token = self.devices.token(one.device_id, grant)
        self.assertRegex(token, r"\A[A-Za-z0-9_-]{43}\Z")
        for changed in (
            self.devices.token("e" * 64, grant),
            self.devices.token(one.device_id, evolve(grant, role="node")),
            self.devices.token(one.device_id, evolve(grant, generation=8)),
            self.devices.token(one.device_id, evolve(grant, rotated_at_ms=1001)),
            Devices(self.store, b"x" * 32, lambda: 0).token(one.device_id, grant),
            f"{token} ",
            "",
        ):
            self.assertFalse(self.devices.is_token(one.device_id, "operator", changed), changed)
        self.assertTrue(self.devices.is_token(one.device_id, "operator", token))
        self.assertFalse(self.devices.is_token(one.device_id, "node", token))
        self.assertFalse(self.devices.is_token("e" * 64, "operator", token))

    def test_a_wider_grant_makes_the_old_token_void(self) -> None:
        """At once, and after a restart."""
        one = device()
        self.pair(one)
        token = self.devices.token(one.device_id, one.tokens["operator"])
        self.pair(widened(one, "operator", ["operator.write"], 1000))
        for devices in (self.devices, self.load()):
            self.assertFalse(devices.is_token(one.device_id, "operator", token))

    def test_no_token_lies_in_the_journal(self) -> None:
        """Nothing that is stored lets anybody in."""
        one = device()
        self.pair(one)
        token = self.devices.token(one.device_id, one.tokens["operator"])
        rows = self.successResultOf(
            self.store.read(
                lambda tx: [
                    tx.rows("select * from device"),
                    tx.rows("select * from device_token"),
                ]
            )
        )
        self.assertNotIn(token, repr(rows))
        self.assertEqual([len(table) for table in rows], [1, 1])

    def test_a_short_secret_is_refused(self) -> None:
        """32 bytes or nothing."""
        self.assertRaises(ValueError, Devices, self.store, b"x" * 31, lambda: 0)

    def test_seen_is_written_by_flush_alone(self) -> None:
        """However often a device comes and goes: no write, then one."""
        one = device()
        self.pair(one)
        self.store.writes = 0
        for second in range(50):
            self.clock.advance(1)
            self.devices.seen(one.device_id, "connect" if second % 2 else "disconnect")
            self.devices.used(one.device_id, "operator")
        self.devices.seen("nobody", "connect")
        self.devices.used("nobody", "operator")
        self.assertEqual(self.store.writes, 0)
        self.successResultOf(self.devices.flush())
        self.successResultOf(self.devices.flush())
        self.assertEqual(self.store.writes, 1)
        again = self.load().get(one.device_id)
        assert again is not None
        self.assertEqual((again.last_seen_at_ms, again.last_seen_reason), (50_000, "connect"))
        self.assertEqual(again.tokens["operator"].last_used_at_ms, 50_000)

    def test_a_failed_flush_is_tried_again(self) -> None:
        """What was seen is not forgotten with the disk."""
        one = device()
        self.pair(one)
        self.devices.seen(one.device_id, "disconnect")
        self.store.broken = True
        self.failureResultOf(self.devices.flush(), StoreError)
        self.store.broken = False
        self.successResultOf(self.devices.flush())
        again = self.load().get(one.device_id)
        assert again is not None
        self.assertEqual(again.last_seen_reason, "disconnect")

    def test_what_is_not_durable_does_not_hold(self) -> None:
        """Until the journal answers, and if it fails, the device is as it was."""
        one = device()
        self.store.slow = True
        pairing = self.devices.change(one.device_id, lambda _: one)
        self.assertNoResult(pairing)
        self.assertIsNone(self.devices.get(one.device_id))
        self.store.broken = True
        self.store.held.pop()()
        self.failureResultOf(pairing, StoreError)
        self.assertIsNone(self.devices.get(one.device_id))

    def test_changes_of_one_device_wait_for_each_other(self) -> None:
        """The second sees what the first did; another device does not wait."""
        one = device()
        self.store.slow = True
        first = self.devices.change(one.device_id, lambda _: one)
        found: list[Device | None] = []
        second = self.devices.change(one.device_id, lambda now: found.append(now))
        other = evolve(one, device_id="e" * 64)
        self.devices.change(other.device_id, lambda _: other)
        self.assertEqual((found, len(self.store.held)), ([], 2))
        self.store.held[0]()
        self.successResultOf(first)
        self.assertEqual((found, self.successResultOf(second)), ([one], one))
        self.store.held[1]()
        self.assertEqual(self.devices._changing, {})

    def test_flush_does_not_undo_a_change_in_flight(self) -> None:
        """It leaves that device for the next time, and its visit is not lost."""
        one = device()
        self.pair(one)
        self.clock.advance(9)
        self.devices.seen(one.device_id, "disconnect")
        self.store.slow = True
        self.devices.change(one.device_id, lambda now: now and widened(now, "operator", ["x"], 5))
        self.clock.advance(1)
        self.devices.seen(one.device_id, "connect")
        self.successResultOf(self.devices.flush())
        self.assertEqual(len(self.store.held), 1)
        self.store.held.pop()()
        self.store.slow = False
        self.successResultOf(self.devices.flush())
        for devices in (self.devices, self.load()):
            again = devices.get(one.device_id)
            assert again is not None
            self.assertEqual(again.tokens["operator"].scopes, ("operator.read", "x"))
            self.assertEqual((again.last_seen_at_ms, again.last_seen_reason), (10_000, "connect"))

    def test_oldest_first(self) -> None:
        """In the order of approval, also after a restart."""
        for name, at_ms in (("b", 5), ("a", 9), ("c", 1)):
            self.pair(evolve(device(), device_id=name * 64, approved_at_ms=at_ms))
        for devices in (self.devices, self.load()):
            self.assertEqual([one.device_id[0] for one in devices.paired()], ["c", "b", "a"])

    def test_a_damaged_row_is_named(self) -> None:
        """Loading fails in words, not with the parser's exception."""
        self.store.run(lambda tx: tx.execute("insert into device values('d', 'k', x'7b7d', 1, 1)"))
        devices = Devices(self.store, SECRET, lambda: 0)
        error = self.failureResultOf(devices.load(), StoreError).value
        self.assertIn("damaged", str(error))
        self.assertNotIsInstance(error, sqlite3.Error)
