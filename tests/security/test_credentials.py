"""Tests of what failures count, what they lock, and what they do not."""

from typing import Any

import msgspec
from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, Peer
from tests.security.clients import LOCAL, NONCE, PAGE, REMOTE, TOKEN, Door, KeyedDevice, params

DEVICE = KeyedDevice(1)


class LockoutTests(SynchronousTestCase):
    """The limiter stands in front of every credential."""

    def setUp(self) -> None:
        """A device that was paired on this machine, and now comes from elsewhere."""
        self.door = Door()
        paired = self.door.admission.admit(params(device=DEVICE), LOCAL, NONCE)
        admitted = paired if isinstance(paired, Admitted) else self.successResultOf(paired)
        self.device_token = admitted.device_token or ""

    def code(self, peer: Peer = REMOTE, client: str = "cli/cli", **sent: Any) -> str:
        """What one handshake ends with: a method, or the code of the refusal."""
        try:
            result = self.door.admission.admit(params(client, **sent), peer, NONCE)
        except ConnectRefused as error:
            assert error.details is not None
            return str(error.details["code"])
        admitted = result if isinstance(result, Admitted) else self.successResultOf(result)
        return admitted.method

    def repeat(self, times: int, peer: Peer = REMOTE, **sent: Any) -> list[str]:
        """The same so many times."""
        return [self.code(peer, **sent) for _ in range(times)]

    def test_every_kind_of_credential_stops_at_ten(self) -> None:
        """1 000 guesses on each surface: ten are looked at."""
        backend = "gateway-client/backend"
        page = evolve(PAGE, loopback=False)
        for surface, peer, wrong, sent in (
            ("token", REMOTE, "AUTH_TOKEN_MISMATCH", {"auth": {"token": "x"}}),
            ("password", REMOTE, "AUTH_TOKEN_MISMATCH", {"auth": {"password": "x"}}),
            ("backend", REMOTE, "AUTH_TOKEN_MISMATCH", {"auth": {"token": "x"}, "client": backend}),
            (
                "with device",
                REMOTE,
                "AUTH_TOKEN_MISMATCH",
                {"auth": {"token": "x"}, "device": DEVICE},
            ),
            (
                "device token",
                REMOTE,
                "AUTH_DEVICE_TOKEN_MISMATCH",
                {"auth": {"deviceToken": "x"}, "device": DEVICE},
            ),
            (
                "code",
                page,
                "AUTH_BOOTSTRAP_TOKEN_INVALID",
                {
                    "auth": {"bootstrapToken": "x"},
                    "device": DEVICE,
                    "client": "webchat-ui/webchat",
                },
            ),
            (
                "page on loopback",
                PAGE,
                "AUTH_TOKEN_MISMATCH",
                {"auth": {"token": "x"}, "device": DEVICE, "client": "webchat-ui/webchat"},
            ),
        ):
            self.door = Door()
            codes = self.repeat(1000, peer, **sent)
            self.assertEqual(codes, [wrong] * 10 + ["AUTH_RATE_LIMITED"] * 990, surface)

    def test_forged_signatures_stop_at_ten(self) -> None:
        """And clocks that go wrong, which are accidents, never do."""
        stale: dict[str, Any] = {"device": DEVICE, "at_ms": 5}
        self.assertEqual(set(self.repeat(50, **stale)), {"DEVICE_AUTH_SIGNATURE_EXPIRED"})
        forged = msgspec.structs.replace(params(device=DEVICE), scopes=[])
        codes = []
        for _ in range(20):
            try:
                self.door.admission.admit(forged, REMOTE, NONCE)
            except ConnectRefused as error:
                codes.append(str((error.details or {})["code"]))
        expected = ["DEVICE_AUTH_SIGNATURE_INVALID"] * 10 + ["AUTH_RATE_LIMITED"] * 10
        self.assertEqual(codes, expected)

    def test_bearers_share_the_budget_of_the_secret(self) -> None:
        """HTTP is no second chance; the right bearer is refused as long as the lock holds."""
        for _ in range(10):
            self.assertIsNone(self.door.admission.bearer("x", REMOTE))
        self.assertIsNone(self.door.admission.bearer(TOKEN, REMOTE))
        self.assertEqual(self.code(), "AUTH_RATE_LIMITED")
        self.door.clock.advance(300)
        self.assertIsNotNone(self.door.admission.bearer(TOKEN, REMOTE))

    def test_the_right_token_does_not_open_a_locked_door(self) -> None:
        """Else the answer to a guess would still be told apart."""
        self.repeat(10, auth={"token": "x"})
        self.assertEqual(self.code(), "AUTH_RATE_LIMITED")
        self.assertEqual(self.code(evolve(REMOTE, address="10.9.9.9")), "token")

    def test_a_bogus_device_token_does_not_open_it_either(self) -> None:
        """Nor does it spend another budget than its own."""
        both: dict[str, Any] = {"auth": {"token": "x", "deviceToken": "y"}, "device": DEVICE}
        codes = self.repeat(12, **both)
        self.assertEqual(codes, ["AUTH_DEVICE_TOKEN_MISMATCH"] * 10 + ["AUTH_RATE_LIMITED"] * 2)
        self.assertEqual(self.code(), "AUTH_RATE_LIMITED")

    def test_a_good_device_token_does_not_hide_guesses(self) -> None:
        """A device with few rights cannot try tokens for more; it still gets in as itself."""
        auth = {"token": "x", "deviceToken": self.device_token}
        sent: dict[str, Any] = {"auth": auth, "device": DEVICE}
        self.assertEqual(self.repeat(30, **sent), ["device-token"] * 30)
        self.assertEqual(self.code(), "AUTH_RATE_LIMITED")
        self.assertEqual(self.code(**sent), "device-token")

    def test_a_device_token_in_the_token_field_is_no_guess(self) -> None:
        """Official clients send it there each time."""
        for auth in (
            {"token": self.device_token},
            {"token": self.device_token, "deviceToken": self.device_token},
        ):
            self.assertEqual(self.repeat(20, auth=auth, device=DEVICE), ["device-token"] * 20)
        self.assertEqual(self.code(), "token")

    def test_missing_credentials_lock_nobody(self) -> None:
        """Opening a page without a token is no attack."""
        self.assertEqual(set(self.repeat(50, auth={}, device=DEVICE)), {"AUTH_TOKEN_MISSING"})
        self.assertEqual(set(self.repeat(50, auth={"token": ""})), {"DEVICE_IDENTITY_REQUIRED"})
        self.assertEqual(self.code(), "token")

    def test_one_mistake_counts_once(self) -> None:
        """Control UI sends the same text as token and as password."""
        codes = self.repeat(10, auth={"token": "x", "password": "x"})
        self.assertEqual(codes, ["AUTH_TOKEN_MISMATCH"] * 10)
        self.assertEqual(self.code(), "AUTH_RATE_LIMITED")

    def test_this_machine_is_exempt(self) -> None:
        """The owner's own tools retry there."""
        self.assertEqual(set(self.repeat(50, LOCAL, auth={"token": "x"})), {"AUTH_TOKEN_MISMATCH"})
        self.assertEqual(self.code(LOCAL), "token")
