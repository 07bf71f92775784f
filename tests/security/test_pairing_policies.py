"""Tests of ``gateway.pairing``: each mode, each place, each of their switches (#77-#87)."""

from typing import Any

from attrs import evolve

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Approver, Peer
from openclaw.protocol.scopes import expand
from openclaw.security.policy import PairingPolicy, PlacePolicy
from tests.security.clients import LOCAL, NOW_MS, OWN, PAGE, REMOTE, REMOTE_PAGE, TOKEN, Door
from tests.security.door import BACKEND, CHAT, D1, D2, NODE, READ, DoorCase

LAN = evolve(REMOTE, loopback=False, forwarded=False)
WAN = evolve(LAN, address="8.8.8.8")
TAILNET = evolve(LAN, address="100.64.0.9")
DAY = 86_400
OWNER = Approver("owner", expand(["operator.admin"]))


class PolicyCase(DoorCase):
    """A door with policies."""

    def with_policy(self, **policy: Any) -> None:
        """A gateway configured like this."""
        self.door = Door(pairing=PairingPolicy(**policy))

    def now(self) -> int:
        """The wall clock, for a signature made now."""
        return self.door.now_ms()

    def reason(self, peer: Peer, **sent: Any) -> object:
        """Why a device has to be approved; ``None`` if it is let in."""
        sent = {"device": D1, "scopes": READ, "at_ms": self.now(), **sent}
        details = self.refused(peer=peer, **sent).details or {}
        return details["reason"]


class ModeTests(PolicyCase):
    """``gateway.pairing.mode``."""

    def test_strict(self) -> None:
        """Every device is approved, here too; a code is the owner's approval of one sign-in."""
        self.with_policy(mode="strict")
        for peer in (LOCAL, LAN, WAN):
            self.assertEqual(self.reason(peer), "not-paired", peer)
        self.assertEqual(self.code(CHAT, PAGE, device=D2), "PAIRING_REQUIRED")
        auth = {"bootstrapToken": self.door.admission.sign_in_code().code}
        self.assertEqual(self.come(CHAT, PAGE, device=D2, auth=auth).method, "bootstrap")

    def test_strict_widens_nothing_silently(self) -> None:
        """A paired device asks for more like a new one."""
        first = Door()
        self.door = first
        self.come(device=D1, scopes=READ)
        self.door = Door(first.store, pairing=PairingPolicy(mode="strict"))
        self.come(device=D1, scopes=READ)
        self.assertEqual(self.reason(LOCAL, scopes=["operator.admin"]), "scope-upgrade")

    def test_strict_leaves_the_owners_own_tools_alone(self) -> None:
        """They have no device: nothing to approve, nothing asked (P29)."""
        self.with_policy(mode="strict")
        for client in ("cli/cli", BACKEND):
            self.assertEqual(list(self.come(client, LOCAL, scopes=READ).scopes), READ)

    def test_lenient_is_the_default(self) -> None:
        """This machine is trusted, nobody else."""
        self.assertEqual(self.come(device=D1, scopes=READ).method, "token")
        for peer in (LAN, WAN, TAILNET):
            self.assertEqual(self.reason(peer, device=D2), "not-paired", peer)

    def test_disabled(self) -> None:
        """On this machine nothing is ever asked; from elsewhere everything is."""
        self.with_policy(mode="disabled")
        self.come(device=D1, scopes=READ)
        self.come(device=D1, **NODE)
        moved = self.come(device=D1, platform="windows", family="Windows", scopes=READ)
        self.assertEqual(list(moved.scopes), READ)
        more: dict[str, Any] = {
            "platform": "windows",
            "family": "Windows",
            "scopes": ["operator.admin"],
        }
        self.assertEqual(list(self.come(device=D1, **more).scopes), ["operator.admin"])
        for peer in (LAN, WAN, REMOTE):
            self.assertEqual(self.reason(peer, device=D2), "not-paired", peer)
        self.assertEqual(self.code(CHAT, PAGE, device=D2, auth={}), "AUTH_TOKEN_MISSING")


class AutoApproveTests(PolicyCase):
    """``autoApprove``."""

    def test_off_on_this_machine(self) -> None:
        """Then it is a place like others."""
        self.with_policy(localhost=PlacePolicy(auto_approve=False))
        self.assertEqual(self.reason(LOCAL), "not-paired")
        self.assertEqual(self.code(CHAT, PAGE, device=D2), "PAIRING_REQUIRED")

    def test_on_for_a_place(self) -> None:
        """Only with the shared token, only there, never for a page."""
        for place, here, elsewhere in (
            ("lan", LAN, WAN),
            ("wan", WAN, LAN),
            ("tailnet", TAILNET, LAN),
        ):
            self.with_policy(**{place: PlacePolicy(auto_approve=True)})
            self.assertEqual(self.reason(elsewhere), "not-paired")
            token = self.come(peer=here, device=D1, scopes=READ).device_token or ""
            own = {"auth": {"deviceToken": token}, "scopes": ["operator.admin"]}
            self.assertEqual(self.reason(here, **own), "scope-upgrade", place)
            self.come(peer=here, device=D1, scopes=["operator.admin"])
            self.assertEqual(self.reason(here, **NODE), "role-upgrade", place)
        self.with_policy(lan=PlacePolicy(auto_approve=True))
        self.assertEqual(self.code(CHAT, REMOTE_PAGE, device=D1), "PAIRING_REQUIRED")

    def test_a_second_factor_beats_it(self) -> None:
        """Somebody has to show it, so somebody is asked (#88)."""
        self.with_policy(wan=PlacePolicy(auto_approve=True, mfa=True))
        self.assertEqual(self.reason(WAN), "not-paired")

    def test_own_tailnet_address(self) -> None:
        """Off by default (#78)."""
        own = evolve(TAILNET, address=next(iter(OWN)))
        self.assertEqual(self.reason(own), "not-paired")
        self.with_policy(own_tailnet=True)
        self.come(peer=own, device=D1, scopes=READ)
        self.assertEqual(self.reason(TAILNET, device=D2), "not-paired")


class RequireTokenTests(PolicyCase):
    """``requireToken``: the device's own, once it has it."""

    def setUp(self) -> None:
        """It is required in the house."""
        super().setUp()
        self.with_policy(lan=PlacePolicy(auto_approve=True, require_token=True))

    def test_the_shared_token_only_fetches_it(self) -> None:
        """Once; the refusal makes official clients try again with their own."""
        token = self.come(peer=LAN, device=D1, scopes=READ).device_token or ""
        details = self.refused(peer=LAN, device=D1, scopes=READ).details or {}
        self.assertEqual(
            (details["code"], details["authReason"], details["canRetryWithDeviceToken"]),
            ("AUTH_TOKEN_MISMATCH", "device_token_required", True),
        )
        own = self.come(peer=LAN, device=D1, scopes=READ, auth={"deviceToken": token})
        self.assertEqual(own.method, "device-token")
        self.assertEqual(self.come(peer=LOCAL, device=D1, scopes=READ).method, "token")

    def test_both_tokens_are_the_devices_own(self) -> None:
        """As official clients send them when they try again."""
        token = self.come(peer=LAN, device=D1, scopes=READ).device_token or ""
        auth = {"token": TOKEN, "deviceToken": token}
        admitted = self.come(peer=LAN, device=D1, scopes=READ, auth=auth)
        self.assertEqual(admitted.device_token, token)

    def test_a_lost_token_is_given_again_after_a_rotation(self) -> None:
        """So that nobody is locked out for ever."""
        self.come(peer=LAN, device=D1, scopes=READ)
        self.refused(peer=LAN, device=D1, scopes=READ)
        turned = self.door.approvals.rotate(D1.id, "operator", None, OWNER)
        _, value = self.successResultOf(turned)
        self.assertEqual(self.come(peer=LAN, device=D1, scopes=READ).device_token, value)
        self.refused(peer=LAN, device=D1, scopes=READ)

    def test_devices_that_must_not_wait_for_it(self) -> None:
        """Those without one yet, and those of other places."""
        self.with_policy(lan=PlacePolicy(require_token=True))
        self.assertEqual(self.reason(LAN), "not-paired")
        (row,) = self.door.approvals.pending()
        self.successResultOf(self.door.approvals.approve(row.request_id, OWNER))
        self.come(peer=LAN, device=D1, scopes=READ)
        self.come(peer=WAN, device=D1, scopes=READ)


class LifetimeTests(PolicyCase):
    """``tokenLifetime``: 30 days and not a second more (#85, #87)."""

    def pair(self, peer: Peer) -> str:
        """Be approved; the device token."""
        self.reason(peer)
        (row,) = self.door.approvals.pending()
        self.successResultOf(self.door.approvals.approve(row.request_id, OWNER))
        return self.come(peer=peer, device=D1, scopes=READ, at_ms=self.now()).device_token or ""

    def enter(self, peer: Peer, token: str) -> bool:
        """Whether a token lets in now; no failure is counted if it is only too old."""
        auth = {"token": token, "deviceToken": token}  # As official clients send it.
        try:
            self.come(peer=peer, device=D1, scopes=READ, auth=auth, at_ms=self.now())
        except ConnectRefused as error:
            self.assertEqual((error.details or {})["code"], "AUTH_DEVICE_TOKEN_MISMATCH")
            return False
        return True

    def test_it_ends_to_the_second(self) -> None:
        """In each place at its own time; then the device is approved anew."""
        for place, peer, days in (("lan", LAN, 30), ("wan", WAN, 7), ("tailnet", TAILNET, 1)):
            self.with_policy(**{place: PlacePolicy(lifetime_seconds=days * DAY)})
            token = self.pair(peer)
            self.door.clock.advance(days * DAY - 1)
            self.assertTrue(self.enter(peer, token), place)
            self.door.clock.advance(1)
            for _ in range(30):
                self.assertFalse(self.enter(peer, token), place)
            self.assertTrue(self.enter(LOCAL, token), place)
            self.assertEqual(self.reason(peer), "role-upgrade", place)
            self.assertTrue(self.door.approvals.pending()[0].is_repair)
            self.assertNotEqual(self.pair_again(peer), token)

    def pair_again(self, peer: Peer) -> str:
        """Be approved once more."""
        (row,) = self.door.approvals.pending()
        self.successResultOf(self.door.approvals.approve(row.request_id, OWNER))
        return self.come(peer=peer, device=D1, scopes=READ, at_ms=self.now()).device_token or ""

    def test_connections_end_with_it(self) -> None:
        """Those that came with the token; who came with the shared one has another credential.

        Where use renews it, being connected is use.
        """
        for renew, ends in ((False, NOW_MS + 2 * DAY * 1000), (True, None)):
            self.with_policy(lan=PlacePolicy(lifetime_seconds=2 * DAY), renew_tokens=renew)
            token = self.pair(LAN)
            self.door.clock.advance(DAY)
            sent: dict[str, Any] = {"peer": LAN, "device": D1, "scopes": READ, "at_ms": self.now()}
            own = self.come(**sent, auth={"deviceToken": token})
            self.assertEqual(own.expires_at_ms, ends)
            self.assertIsNone(self.come(**sent).expires_at_ms)

    def test_use_renews_it_where_configured(self) -> None:
        """A device that comes every day is never asked again."""
        self.with_policy(lan=PlacePolicy(lifetime_seconds=2 * DAY), renew_tokens=True)
        token = self.pair(LAN)
        for _ in range(10):
            self.door.clock.advance(DAY)
            self.assertTrue(self.enter(LAN, token))
        self.door.clock.advance(2 * DAY)
        self.assertFalse(self.enter(LAN, token))

    def test_this_machine_gets_a_new_one_silently(self) -> None:
        """With the same rights, and those it asks for."""
        self.with_policy(localhost=PlacePolicy(auto_approve=True, lifetime_seconds=DAY))
        token = self.come(device=D1, scopes=["operator.write"]).device_token
        self.door.clock.advance(DAY)
        again = self.come(device=D1, scopes=READ, at_ms=NOW_MS + DAY * 1000)
        self.assertNotEqual(again.device_token, token)
        device = self.door.devices.get(D1.id)
        assert device is not None
        self.assertEqual(device.tokens["operator"].scopes, ("operator.read", "operator.write"))

    def test_bearers_end_too(self) -> None:
        """The same token over plain HTTP."""
        self.with_policy(lan=PlacePolicy(lifetime_seconds=DAY))
        token = self.pair(LAN)
        admission = self.door.admission
        self.assertIsNotNone(admission.bearer(token, LAN))
        self.door.clock.advance(DAY)
        self.assertIsNone(admission.bearer(token, LAN))
        self.assertIsNotNone(admission.bearer(token, LOCAL))
