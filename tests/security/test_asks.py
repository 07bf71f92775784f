"""Tests of the request ids of refused devices."""

import random

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.asks import Ask, PairingAsks

ASK = Ask("d" * 64, "not-paired", "operator", frozenset({"operator.read"}), "linux", "linux")


class PairingAsksTests(SynchronousTestCase):
    """An id stands for exactly one ask."""

    def setUp(self) -> None:
        """Room for three devices."""
        self.asks = PairingAsks(random.Random(1).randbytes, limit=3)

    def test_the_same_ask_keeps_its_id(self) -> None:
        """However often."""
        self.assertEqual(len({self.asks.request_id(ASK) for _ in range(5)}), 1)

    def test_any_other_ask_has_its_own(self) -> None:
        """Wider or narrower, other role, reason, platform or device; approving one is only that."""
        others = [
            evolve(ASK, scopes=frozenset({"operator.read", "operator.admin"})),
            evolve(ASK, scopes=frozenset()),
            evolve(ASK, role="node"),
            evolve(ASK, reason="scope-upgrade"),
            evolve(ASK, platform="windows"),
            evolve(ASK, device_family="mac"),
            evolve(ASK, device_id="e" * 64),
        ]
        ids = [self.asks.request_id(ask) for ask in [ASK, *others]]
        self.assertEqual(len(set(ids)), len(ids))

    def test_few_devices_are_remembered(self) -> None:
        """The one that asked longest ago is forgotten, not the one that asks most."""
        first = self.asks.request_id(ASK)
        for number in range(10):
            self.asks.request_id(evolve(ASK, device_id=str(number)))
            self.assertEqual(self.asks.request_id(ASK), first)
        self.assertEqual(len(self.asks), 3)
