"""Who brings no credential guesses nothing: told what is missing, patiently, but not for ever."""

from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.security.limiter import MISSING, MISSING_LOCK_SECONDS, MissingCredentials
from tests.security.clients import REMOTE_PAGE, TOKEN, KeyedDevice
from tests.security.door import DoorCase

FAR = Peer("192.0.2.7", loopback=False, host="gateway.example")
DEVICE = KeyedDevice(7)


class MissingTests(DoorCase):
    """At the door."""

    def codes(self, times: int, peer: Peer = FAR, **sent: Any) -> list[str]:
        """What a client without credentials is told, time after time."""
        told = []
        for _ in range(times):
            details = self.refused(peer=peer, auth={}, **sent).details or {}
            told.append(str(details["code"]))
        return told

    def test_a_page_without_its_token_locks_nobody_out(self) -> None:
        """It may ask fifty times, and its owner still gets in with the token at once."""
        for _ in range(50):
            self.refused("webchat-ui/webchat", REMOTE_PAGE, auth={}, device=DEVICE)
        far = evolve(REMOTE_PAGE, origin=None)
        self.assertEqual(self.come(peer=far, auth={"token": TOKEN}).method, "token")

    def test_told_what_is_missing_for_long(self) -> None:
        """With a device and without one, from one bucket."""
        self.assertEqual(set(self.codes(MISSING // 2)), {"DEVICE_IDENTITY_REQUIRED"})
        self.assertEqual(set(self.codes(MISSING // 2, device=DEVICE)), {"AUTH_TOKEN_MISSING"})
        self.assertEqual(set(self.codes(1000)), {"AUTH_RATE_LIMITED"})
        error = self.refused(peer=FAR, auth={})
        self.assertEqual(error.retry_after_ms, 60_000)
        self.door.clock.advance(MISSING_LOCK_SECONDS)
        self.assertEqual(self.codes(1), ["DEVICE_IDENTITY_REQUIRED"])

    def test_a_wait_for_nothing_is_no_wait_for_something(self) -> None:
        """Somebody at the same address who has the token comes in."""
        self.codes(MISSING + 10)
        self.assertEqual(self.come(peer=FAR, auth={"token": TOKEN}).method, "token")

    def test_nor_does_a_guesser_hide_behind_it(self) -> None:
        """Missing ones neither use up nor refill the budget of guesses."""
        for number in range(9):
            self.codes(5)
            self.refused(peer=FAR, auth={"token": f"guess-{number}"})
        self.codes(1)
        self.assertEqual(
            (self.refused(peer=FAR, auth={"token": "g"}).details or {})["code"],
            "AUTH_TOKEN_MISMATCH",
        )
        self.assertEqual(
            (self.refused(peer=FAR, auth={"token": TOKEN}).details or {})["code"],
            "AUTH_RATE_LIMITED",
        )

    def test_the_older_dialect_counts_too(self) -> None:
        """It is one more way to come with nothing."""
        self.codes(MISSING)
        error = self.assertRaises(
            ConnectRefused,
            self.door.admission.admit_seed,
            ConnectAuth(),
            "operator",
            None,
            FAR,
        )
        self.assertEqual((error.details or {})["code"], "AUTH_RATE_LIMITED")


class HereTests(SynchronousTestCase):
    """On this machine."""

    def test_the_owner_is_exempt(self) -> None:
        """His own tools may try as long as they like; a page may not."""
        missing = MissingCredentials(Clock().seconds)
        here = Peer("127.0.0.1", loopback=True)
        self.assertEqual({missing.noted(here) for _ in range(500)}, {0})
        page = evolve(here, origin="http://localhost")
        self.assertIn(60_000, {missing.noted(page) for _ in range(MISSING + 1)})
