"""Tests of the requests that wait: kept, superseded, bounded, never lost, never doubled."""

import random
from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy, InvalidRequest, StoreError
from openclaw.security.asks import Ask
from openclaw.security.pairing_codes import LIFETIME_MS, CodeMaker
from openclaw.security.request_rows import LIFETIME_MS as REQUEST_LIFETIME_MS
from openclaw.security.requests import PendingRequests
from openclaw.storage.memory import MemoryStore
from tests.security.clients import Told
from tests.security.test_devices import SlowStore

HOUR = 3600
ASK = Ask(
    device_id="d" * 64,
    public_key="key",
    display_name="Phone",
    platform="linux",
    device_family="Linux",
    client_id="cli",
    client_mode="cli",
    role="operator",
    scopes=("operator.read", "operator.write"),
    reason="not-paired",
    is_repair=False,
    remote_ip="10.1.2.3",
    place="lan",
)


def stranger(number: int, address: str = "10.1.2.3") -> Ask:
    """One of many devices."""
    return evolve(ASK, device_id=f"{number:064x}", remote_ip=address)


class RequestsCase(SynchronousTestCase):
    """A list on a store that can be slow or broken."""

    def setUp(self) -> None:
        """Nothing waits."""
        self.clock = Clock()
        memory = MemoryStore(self.clock)
        memory.startService()
        self.addCleanup(memory.stopService)
        self.store = SlowStore(memory)
        self.told = Told()
        self.seed = 0
        self.requests = self.load()

    def load(self, **limits: int) -> PendingRequests:
        """The list as it is after a restart."""
        self.seed += 1
        requests = PendingRequests(
            self.store,
            CodeMaker(b"k" * 32),
            self.told,
            lambda: int(self.clock.seconds() * 1000),
            random.Random(self.seed).randbytes,
            **limits,
        )
        self.successResultOf(requests.load())
        return requests

    def record(self, ask: Ask = ASK) -> Any:
        """Ask, and be in the list."""
        return self.successResultOf(self.requests.record(ask))

    def ids(self) -> list[str]:
        """What waits."""
        return [request.request_id for request in self.requests.pending()]

    def ends(self) -> list[tuple[str, str, str]]:
        """Which requests ended since the last time, how and why."""
        return [
            (payload["requestId"], payload["decision"], payload.get("reason", ""))
            for event, payload in self.told.taken()
            if event == "device.pair.resolved"
        ]


class AskingTests(RequestsCase):
    """One device, one request."""

    def test_the_same_ask_keeps_its_request(self) -> None:
        """Narrower ones too, and no second event, no second write."""
        self.assertIsNone(self.requests.known(ASK))
        request = self.record()
        writes = self.store.writes
        for ask in (
            ASK,
            evolve(ASK, scopes=("operator.read",)),
            evolve(ASK, scopes=()),
            evolve(ASK, client_id="openclaw-tui", platform=" LINUX"),
        ):
            self.assertEqual(self.requests.known(ask), request)
            self.assertEqual(self.record(ask).request_id, request.request_id)
        self.assertEqual(self.ids(), [request.request_id])
        (event,) = self.told.taken()
        self.assertEqual((event[0], event[1]["expiresAtMs"]), ("device.pair.requested", 86_400_000))
        self.assertEqual(event[1]["scopes"], list(ASK.scopes))
        self.assertNotIn("code", event[1])
        self.assertEqual(self.store.writes, writes + 4)  # Those of ``record``, which refreshes.

    def test_another_ask_supersedes(self) -> None:
        """Wider, another role, reason, place or platform: a new id, and the old one is told off."""
        old = self.record()
        self.told.taken()
        for ask in (
            evolve(ASK, scopes=("operator.admin",)),
            evolve(ASK, role="node", scopes=()),
            evolve(ASK, reason="role-upgrade"),
            evolve(ASK, place="wan"),
            evolve(ASK, platform="windows"),
        ):
            self.assertIsNone(self.requests.known(ask))
            new = self.record(ask)
            self.assertNotEqual(new.request_id, old.request_id)
            self.assertEqual(self.ids(), [new.request_id])
            self.assertEqual(self.ends(), [(old.request_id, "rejected", "superseded")])
            error = self.assertRaises(InvalidRequest, self.requests.get, old.request_id)
            self.assertEqual(error.message, "unknown requestId")
            old = new
        self.assertEqual(self.load().pending(), self.requests.pending())

    def test_who_waits_is_on_disk(self) -> None:
        """Nothing is told before; asking twice meanwhile is one request."""
        self.store.slow = True
        first, second = self.requests.record(ASK), self.requests.record(ASK)
        self.assertEqual((self.ids(), self.told.events), ([], []))
        self.assertNoResult(first)
        self.store.held.pop()()
        self.assertEqual(self.successResultOf(first), self.successResultOf(second))
        self.assertEqual(len(self.told.taken()), 1)
        self.assertEqual(self.load().pending(), self.requests.pending())

    def test_a_broken_journal_records_nothing(self) -> None:
        """And what was superseded waits as before."""
        old = self.record()
        self.told.taken()
        self.store.slow = True
        wider = evolve(ASK, scopes=("operator.admin",))
        first, second = self.requests.record(wider), self.requests.record(wider)
        self.store.broken = True
        self.store.held.pop()()
        self.failureResultOf(first, StoreError)
        self.failureResultOf(second, StoreError)
        self.assertEqual((self.ids(), self.told.events), ([old.request_id], []))
        self.store.slow = self.store.broken = False
        self.assertEqual(self.requests.known(ASK), old)
        self.assertNotEqual(self.record(wider).request_id, old.request_id)

    def test_codes_are_renewed_when_the_device_asks_again(self) -> None:
        """After an hour, or after five wrong ones; the request stays the same."""
        request = self.record()
        code = self.requests.code(request)
        self.clock.advance(LIFETIME_MS / 1000 - 1)
        self.assertEqual(self.requests.candidates(), [(request.request_id, code)])
        self.clock.advance(1)
        self.assertEqual(self.requests.candidates(), [])
        self.assertIsNone(self.requests.known(ASK))
        again = self.record()
        self.assertEqual(again.request_id, request.request_id)
        self.assertNotEqual(self.requests.code(again), code)
        for _ in range(5):
            self.successResultOf(self.requests.missed([again.request_id]))
        self.assertEqual(self.requests.candidates(), [])
        self.assertEqual(self.load().candidates(), [])
        third = self.record()
        self.assertEqual(len({code, *map(self.requests.code, (again, third))}), 3)
        self.assertEqual(self.load().code(third), self.requests.code(third))

    def test_a_wrong_code_brings_no_settled_request_back(self) -> None:
        """Counted while the request is being deleted."""
        request = self.record()
        self.store.slow = True
        rejecting = self.requests.reject(request.request_id)
        missing = self.requests.missed([request.request_id])
        for write in self.store.held:
            write()
        self.successResultOf(rejecting)
        self.successResultOf(missing)
        self.assertEqual(self.load().pending(), [])


class EndingTests(RequestsCase):
    """The first decision counts."""

    def test_rejecting(self) -> None:
        """Once; then it is unknown, also after a restart."""
        request = self.record()
        self.told.taken()
        device_id = self.successResultOf(self.requests.reject(request.request_id))
        self.assertEqual(device_id, ASK.device_id)
        self.assertEqual(self.ends(), [(request.request_id, "rejected", "")])
        self.failureResultOf(self.requests.reject(request.request_id), InvalidRequest)
        self.assertEqual((self.ids(), self.load().pending()), ([], []))
        self.assertNotEqual(self.record().request_id, request.request_id)

    def test_only_one_decision(self) -> None:
        """While one is being written, others find nothing, and the device is told as before."""
        request = self.record()
        self.store.slow = True
        first = self.requests.reject(request.request_id)
        self.failureResultOf(self.requests.reject(request.request_id), InvalidRequest)
        self.assertEqual((self.ids(), self.requests.candidates()), ([], []))
        self.assertEqual(self.requests.known(ASK), request)
        self.store.held.pop()()
        self.successResultOf(first)

    def test_a_decision_that_cannot_be_written_is_none(self) -> None:
        """The request waits as before."""
        request = self.record()
        self.told.taken()
        self.store.broken = True
        self.failureResultOf(self.requests.reject(request.request_id), StoreError)
        self.assertEqual((self.ids(), self.told.events), ([request.request_id], []))
        self.store.broken = False
        self.successResultOf(self.requests.reject(request.request_id))

    def test_expiry_is_visible(self) -> None:
        """A day after the last ask; not before the device has been away for so long."""
        request = self.record()
        self.clock.advance(23 * HOUR)
        self.record()
        self.clock.advance(2 * HOUR)
        self.successResultOf(self.requests.sweep())
        self.assertEqual(self.ids(), [request.request_id])
        self.clock.advance(REQUEST_LIFETIME_MS / 1000)
        self.assertEqual(self.ids(), [])
        self.assertRaises(InvalidRequest, self.requests.get, request.request_id)
        self.told.taken()
        self.successResultOf(self.requests.sweep())
        self.assertEqual(self.ends(), [(request.request_id, "rejected", "expired")])
        self.assertEqual((len(self.requests), len(self.load())), (0, 0))

    def test_a_damaged_row_is_said(self) -> None:
        """Instead of being ignored: somebody waits for it."""
        self.record()
        self.successResultOf(
            self.store.run(lambda tx: tx.execute("update pairing set body = :body", body=b"{"))
        )
        requests = PendingRequests(
            self.store, CodeMaker(b"k" * 32), self.told, lambda: 0, random.Random(1).randbytes
        )
        error = self.failureResultOf(requests.load(), StoreError).value
        self.assertIn("damaged", error.message)


class BoundTests(RequestsCase):
    """However many come."""

    def test_of_one_client_the_oldest_unseen_goes(self) -> None:
        """Others keep what they have; what an operator has seen stays longer."""
        self.requests = self.load(per_client=3)
        other = self.record(stranger(99, "10.9.9.9"))
        first = self.record(stranger(1))
        self.assertIn(first.request_id, self.ids())  # Now it was seen.
        second = self.record(stranger(2))
        third = self.record(stranger(3))
        self.clock.advance(1)
        self.assertEqual(self.requests.known(stranger(2)), second)  # It has just asked again.
        self.told.taken()
        self.record(stranger(4))
        self.assertEqual(self.ends(), [(third.request_id, "rejected", "dropped")])
        self.assertLessEqual(
            {other.request_id, first.request_id, second.request_id}, set(self.ids())
        )

    def test_a_whole_ipv6_network_is_one_client(self) -> None:
        """Its owner has as many addresses as he wants."""
        self.requests = self.load(per_client=2)
        for number in range(9):
            self.record(stranger(number, f"2001:db8::{number}"))
        self.assertEqual(len(self.requests), 2)

    def test_too_many_at_once_come_again(self) -> None:
        """What is being written cannot be dropped, so it must not grow either."""
        self.requests = self.load(at_once=4, total=2)
        self.store.slow = True
        waiting = [
            self.requests.record(stranger(number, f"10.0.0.{number}")) for number in range(2)
        ]
        error = self.failureResultOf(self.requests.record(stranger(9, "10.0.9.9")), Busy).value
        self.assertEqual(error.retry_after_ms, 1000)
        self.requests = self.load(at_once=4)
        for number in range(4):
            waiting.append(self.requests.record(stranger(number, f"10.0.0.{number}")))
        self.failureResultOf(self.requests.record(stranger(9, "10.0.9.9")), Busy)
        for write in self.store.held:
            write()
        for one in waiting:
            self.successResultOf(one)

    def test_a_storm_of_ten_thousand(self) -> None:
        """The list stays short, in memory and on disk; each that goes is told, none twice."""
        for number in range(10_000):
            address = f"10.{number % 7}.{number % 250}.{number % 3}"
            request = self.record(stranger(number, address))
            self.assertLessEqual(len(self.requests), 256)
        events = self.told.taken()
        asked = [payload["requestId"] for name, payload in events if name.endswith("requested")]
        gone = [payload["requestId"] for name, payload in events if name.endswith("resolved")]
        self.assertEqual((len(asked), len(set(asked))), (10_000, 10_000))
        self.assertEqual(len(gone), len(set(gone)))
        self.assertEqual(set(asked) - set(gone), set(self.ids()))
        self.assertEqual(len(self.ids()), 256)
        self.assertIn(request.request_id, self.ids())
        self.assertEqual(set(self.load().pending()), set(self.requests.pending()))
