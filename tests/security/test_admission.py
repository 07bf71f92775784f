"""Tests of the door itself: every row of the tables of who is admitted and how others are told."""

from typing import Any

import msgspec
from attrs import evolve
from zope.interface.verify import verifyObject

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import IAdmission, Peer
from openclaw.protocol.connect import ConnectAuth
from openclaw.protocol.scopes import SCOPES
from tests.security.clients import (
    ALL5,
    LOCAL,
    PAGE,
    REMOTE,
    TOKEN,
    Door,
)
from tests.security.door import (
    BACKEND,
    CHAT,
    D1,
    D2,
    FOREIGN,
    NODE,
    ODD_HOST,
    REBOUND,
    TUI,
    UI,
    DoorCase,
)


class DevicelessTests(DoorCase):
    """Who may come without a device, and with which scopes."""

    def test_admission_table(self) -> None:
        """Client, where it is, and its effective scopes."""
        for client, peer, scopes in (
            ("cli/cli", LOCAL, ALL5),
            (BACKEND, LOCAL, ALL5),
            ("cli/probe", LOCAL, []),
            ("openclaw-probe/probe", LOCAL, []),
            ("openclaw-macos/ui", LOCAL, []),
            ("test/test", LOCAL, []),
            ("gateway-client/cli", LOCAL, []),
            ("cli/cli", REMOTE, []),
            (BACKEND, REMOTE, []),
            ("cli/cli", evolve(REMOTE, loopback=False, forwarded=False), []),
            ("cli/cli", ODD_HOST, []),
            ("cli/cli", evolve(LOCAL, host=""), []),
            ("cli/cli", evolve(LOCAL, forwarded=True), []),
        ):
            for auth in (
                {"token": TOKEN},
                {"password": TOKEN},
                {"token": TOKEN, "password": TOKEN},
            ):
                admitted = self.come(client, peer, auth=auth)
                self.assertEqual(list(admitted.scopes), scopes, (client, peer))
                self.assertEqual((admitted.method, admitted.role), ("token", "operator"))
                self.assertIsNone(admitted.device_token)
                self.assertIs(admitted.local, peer is LOCAL)
        self.assertEqual(self.door.devices.paired(), [])

    def test_no_scopes_asked_none_given(self) -> None:
        """An omitted list is an empty grant; unknown scopes are dropped."""
        self.assertEqual(self.come(scopes=[]).scopes, ())
        asked = ["operator.write", "operator.root", "operator.read", "operator.write"]
        self.assertEqual(self.come(scopes=asked).scopes, ("operator.write", "operator.read"))

    def test_screens_need_a_device(self) -> None:
        """Pages and the terminal UI, whatever else they bring."""
        words = "control ui requires device identity (use HTTPS or localhost secure context)"
        for client, peer in ((UI, PAGE), (CHAT, PAGE), (TUI, LOCAL), ("cli/cli", PAGE)):
            for auth in ({}, {"token": TOKEN}, {"token": "x"}):
                error = self.refused(client, peer, auth=auth)
                self.assertEqual((error.message, error.reason), (words, words))
                self.assertEqual(
                    (error.details or {})["code"], "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"
                )

    def test_nodes_and_the_nameless_need_a_device(self) -> None:
        """Also where only credentials are sent that belong to a device."""
        cases: tuple[dict[str, Any], ...] = (
            NODE,
            {"auth": {}},
            {"client": BACKEND, "auth": {}},
            {"auth": {"token": ""}},
            {"auth": {"deviceToken": "x"}},
            {"auth": {"bootstrapToken": self.door.admission.sign_in_code().code}},
        )
        for sent in cases:
            error = self.refused(**sent)
            self.assertEqual(error.wire_code, "NOT_PAIRED")
            self.assertEqual(error.message, "device identity required")
            self.assertEqual((error.details or {})["code"], "DEVICE_IDENTITY_REQUIRED")

    def test_a_token_is_not_trimmed(self) -> None:
        """Blanks around the right token make it wrong."""
        for token in (f" {TOKEN}", f"{TOKEN} ", f"{TOKEN}\n", " "):
            self.assertEqual(self.code(auth={"token": token}), "AUTH_TOKEN_MISMATCH")


class OriginTests(DoorCase):
    """Pages are judged before anything else is looked at."""

    def test_origin_table(self) -> None:
        """Client, page, and the reason; a right token changes nothing."""
        for client, peer, reason in (
            (UI, LOCAL, "origin missing or invalid"),
            ("webchat/webchat", LOCAL, "origin missing or invalid"),
            ("cli/webchat", LOCAL, "origin missing or invalid"),
            (UI, evolve(PAGE, origin="null"), "origin missing or invalid"),
            (BACKEND, evolve(PAGE, origin=""), "origin missing or invalid"),
            (UI, FOREIGN, "origin not allowed"),
            (BACKEND, FOREIGN, "origin not allowed"),
            ("cli/cli", FOREIGN, "origin not allowed"),
            (UI, REBOUND, "origin not allowed"),
        ):
            for device in (None, D1):
                error = self.refused(client, peer, device=device)
                details = error.details or {}
                self.assertEqual(details["code"], "CONTROL_UI_ORIGIN_NOT_ALLOWED")
                self.assertEqual(details["reason"], reason, (client, peer))
                self.assertEqual(
                    error.message,
                    "origin not allowed (open the Control UI from the gateway host or allow it in "
                    "gateway.controlUi.allowedOrigins)",
                )

    def test_foreign_pages_cannot_lock_anybody_out(self) -> None:
        """They are refused before their guesses count."""
        for _ in range(50):
            self.refused(UI, FOREIGN, auth={"token": "x"}, device=D1)
        self.assertEqual(self.come(UI, PAGE, device=D1).method, "token")


class ModeTests(DoorCase):
    """Password gateways, and gateways without a secret."""

    def test_password_gateway(self) -> None:
        """The password in either field; the words name the password."""
        self.door = Door(mode="password")
        for auth in ({"password": TOKEN}, {"token": TOKEN}):
            self.assertEqual(self.come(BACKEND, auth=auth).method, "password")
            admitted = self.come(device=D1, auth=auth)
            self.assertEqual((admitted.method, len(admitted.device_token or "")), ("password", 43))
        for client, peer, hint in (
            (BACKEND, LOCAL, "provide gateway auth password"),
            ("cli/cli", LOCAL, "use this gateway's gateway.auth.password"),
            ("cli/cli", REMOTE, "set gateway.remote.password to match gateway.auth.password"),
        ):
            error = self.refused(client, peer, auth={"password": "x"}, device=D2)
            self.assertEqual(error.message, f"unauthorized: gateway password mismatch ({hint})")
            self.assertEqual((error.details or {})["code"], "AUTH_PASSWORD_MISMATCH")
            self.assertEqual((error.details or {})["authReason"], "password_mismatch")
        error = self.refused(auth={}, device=D2)
        self.assertEqual(
            error.message,
            "unauthorized: gateway password missing (use this gateway's gateway.auth.password)",
        )
        self.assertEqual((error.details or {})["code"], "AUTH_PASSWORD_MISSING")

    def test_open_gateway(self) -> None:
        """Wrong credentials are ignored; only this machine is believed."""
        self.door = Door(mode="none", secret="")
        for auth in ({}, {"password": "x"}, {"token": "x"}, {"deviceToken": "x"}):
            admitted = self.come(BACKEND, auth=auth)
            self.assertEqual((admitted.method, list(admitted.scopes)), ("none", ALL5))
            self.assertEqual(self.code(auth=auth), "DEVICE_IDENTITY_REQUIRED")
            self.assertEqual(self.code("openclaw-macos/ui", auth=auth), "DEVICE_IDENTITY_REQUIRED")
            self.assertEqual(self.code(auth=auth, **NODE), "DEVICE_IDENTITY_REQUIRED")
            self.assertEqual(self.code(TUI, auth=auth), "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")
            paired = self.come(device=D1, auth=auth)
            self.assertEqual((paired.method, len(paired.device_token or "")), ("none", 43))
            self.assertEqual(self.code(BACKEND, REMOTE, auth=auth), "DEVICE_IDENTITY_REQUIRED")
            self.assertEqual(self.code(peer=REMOTE, device=D2, auth=auth), "PAIRING_REQUIRED")

    def test_a_gateway_needs_its_secret(self) -> None:
        """An empty token must never be the right one."""
        for mode in ("token", "password"):
            self.assertRaises(ValueError, Door, mode=mode, secret="")


class RefusalTests(DoorCase):
    """The error table: codes, words, details, close codes."""

    def test_protocol_window(self) -> None:
        """Ours must be in it; probes and nodes may be one behind."""
        node = {**NODE, "device": D1}
        for protocols, sent, passes in (
            ((4, 4), {}, True),
            ((3, 4), {}, True),
            ((4, 9), {}, True),
            ((3, 3), {}, False),
            ((5, 5), {}, False),
            ((5, 4), {}, False),
            ((3, 3), {"client": "cli/probe"}, True),
            ((2, 2), {"client": "cli/probe"}, False),
            ((3, 3), node, True),
            ((5, 5), node, False),
            ((3, 3), {**node, "client": "node-host/cli"}, False),
            ((3, 3), {"client": "node-host/node"}, False),
        ):
            if passes:
                self.come(protocols=protocols, **sent)
                continue
            error = self.refused(protocols=protocols, **sent)
            self.assertEqual((error.message, error.close_code), ("protocol mismatch", 1002))
            details = dict(error.details or {})
            details.pop("next")
            self.assertEqual(
                details,
                {
                    "code": "PROTOCOL_MISMATCH",
                    "clientMinProtocol": protocols[0],
                    "clientMaxProtocol": protocols[1],
                    "expectedProtocol": 4,
                    "minimumProbeProtocol": 3,
                },
            )

    def test_unknown_roles(self) -> None:
        """Whatever is not operator or node."""
        for role in ("king", "", "Operator", "operator "):
            error = self.refused(role=role)
            self.assertEqual((error.wire_code, error.message), ("INVALID_REQUEST", "invalid role"))
            self.assertIsNone(error.details)

    def test_wrong_and_missing_tokens(self) -> None:
        """Words for each audience; a paired device is told to come with its own token."""
        self.come(device=D1)
        local = "use this gateway's gateway.auth.token or pair the device"
        remote = "set gateway.remote.token to match gateway.auth.token"
        for client, peer, device, token, words, retry in (
            (BACKEND, LOCAL, None, "x", "mismatch (provide gateway auth token)", False),
            ("cli/cli", LOCAL, D2, "x", f"mismatch ({local})", False),
            ("cli/cli", LOCAL, D1, "x", f"mismatch ({local})", True),
            ("cli/cli", REMOTE, D1, "x", f"mismatch ({remote})", True),
            ("cli/cli", LOCAL, D1, "", f"missing ({local})", False),
            ("cli/cli", REMOTE, D2, "", f"missing ({remote})", False),
            (
                UI,
                PAGE,
                D2,
                "x",
                "mismatch (open the address that openclaw dashboard prints)",
                False,
            ),
        ):
            error = self.refused(client, peer, device=device, auth={"token": token})
            self.assertEqual(error.message, f"unauthorized: gateway token {words}")
            self.assertEqual(error.reason, error.message)
            self.assertEqual((error.wire_code, error.close_code), ("INVALID_REQUEST", 1008))
            kind = "mismatch" if token else "missing"
            step = "update_auth_credentials" if token else "update_auth_configuration"
            details = dict(error.details or {})
            details.pop("next")
            self.assertEqual(
                details,
                {
                    "code": f"AUTH_TOKEN_{kind.upper()}",
                    "authReason": f"token_{kind}",
                    "canRetryWithDeviceToken": retry,
                    "recommendedNextStep": "retry_with_device_token" if retry else step,
                },
            )

    def test_a_locked_client_is_told_how_long(self) -> None:
        """In milliseconds, beside the words."""
        for _ in range(10):
            self.refused(BACKEND, REMOTE, auth={"token": "x"})
        self.door.clock.advance(1)
        error = self.refused(BACKEND, REMOTE, auth={"token": "x"})
        self.assertEqual(
            error.message, "unauthorized: too many failed authentication attempts (retry later)"
        )
        self.assertEqual((error.retry, error.retry_after_ms), (True, 299_000))
        details = dict(error.details or {})
        self.assertIn("299 s", str(details.pop("next")))
        self.assertEqual(
            details,
            {
                "code": "AUTH_RATE_LIMITED",
                "authReason": "rate_limited",
                "canRetryWithDeviceToken": False,
                "recommendedNextStep": "wait_then_retry",
            },
        )

    def test_a_present_device_is_always_verified(self) -> None:
        """For every kind of client, also where it could have come without."""
        for client in ("cli/cli", BACKEND, "test/test", TUI, "openclaw-macos/ui"):
            for sent, code in (
                ({"nonce": "other"}, "DEVICE_AUTH_NONCE_MISMATCH"),
                ({"at_ms": 1}, "DEVICE_AUTH_SIGNATURE_EXPIRED"),
            ):
                self.assertEqual(self.code(client, device=D1, **sent), code)
        self.assertEqual(self.door.devices.paired(), [])

    def test_unattributed_clients_get_no_socket(self) -> None:
        """403 and a body that names the setting."""
        self.assertIsNone(self.door.admission.refuses_upgrade(LOCAL))
        self.assertIsNone(self.door.admission.refuses_upgrade(REMOTE))
        refusal = self.door.admission.refuses_upgrade(
            evolve(LOCAL, forwarded=True, attributed=False)
        )
        assert refusal is not None
        body = msgspec.json.decode(refusal[1])
        self.assertEqual((refusal[0], body["error"]["type"]), (403, "proxy_attribution_required"))
        self.assertIn("gateway.trustedProxies", body["error"]["message"])


class BearerTests(DoorCase):
    """HTTP asks the same door."""

    def test_bearer_table(self) -> None:
        """The shared secret, from anywhere that may speak at all."""
        for peer, token, good in (
            (LOCAL, TOKEN, True),
            (REMOTE, TOKEN, True),
            (PAGE, TOKEN, True),
            (FOREIGN, TOKEN, False),
            (REBOUND, TOKEN, False),
            (evolve(LOCAL, forwarded=True, attributed=False), TOKEN, False),
            (LOCAL, "", False),
            (LOCAL, f"{TOKEN} ", False),
            (LOCAL, "x", False),
        ):
            admitted = self.door.admission.bearer(token, peer)
            self.assertIs(admitted is not None, good, (peer, token))
            if admitted:
                self.assertEqual(set(admitted.scopes), SCOPES)
                self.assertEqual((admitted.method, admitted.local), ("token", peer is LOCAL))

    def test_open_gateways_believe_this_machine(self) -> None:
        """And nobody else, whatever they send."""
        self.door = Door(mode="none", secret="")
        admitted = self.door.admission.bearer("", LOCAL)
        self.assertEqual(admitted and admitted.method, "none")
        for peer in (REMOTE, PAGE, ODD_HOST, evolve(LOCAL, forwarded=True)):
            self.assertIsNone(self.door.admission.bearer(TOKEN, peer))

    def test_a_device_token_is_a_bearer_with_that_devices_scopes(self) -> None:
        """And void once the device is gone."""
        token = self.come(device=D1, scopes=["operator.read"]).device_token or ""
        for peer in (LOCAL, REMOTE):
            admitted = self.door.admission.bearer(token, peer)
            assert admitted is not None
            self.assertEqual((admitted.method, admitted.device_id), ("device-token", D1.id))
            self.assertEqual(admitted.scopes, ("operator.read",))
        self.successResultOf(self.door.devices.remove(D1.id))
        self.assertIsNone(self.door.admission.bearer(token, LOCAL))


class SeedTests(DoorCase):
    """The older handshakes: secret only, and never a way around pairing."""

    def seed(
        self, peer: Peer = LOCAL, role: Any = "operator", asked: Any = None, **auth: str
    ) -> Any:
        """Connect in a seed dialect."""
        sent = msgspec.convert(auth or {"token": TOKEN}, ConnectAuth)
        return self.door.admission.admit_seed(sent, role, asked, peer)

    def test_scopes(self) -> None:
        """Read and write; admin when it is named, here; nothing elsewhere."""
        for peer, asked, scopes in (
            (LOCAL, None, ["operator.read", "operator.write"]),
            (LOCAL, [], ["operator.read", "operator.write"]),
            (LOCAL, ["read", "root"], ["operator.read", "operator.write"]),
            (LOCAL, ["operator.admin"], ["operator.admin"]),
            (REMOTE, None, []),
            (REMOTE, ["operator.admin"], []),
            (ODD_HOST, ["operator.admin"], []),
        ):
            admitted = self.seed(peer, asked=asked)
            self.assertEqual(list(admitted.scopes), scopes, (peer, asked))
            self.assertIsNone(admitted.device_id)
        self.assertEqual(self.seed(password=TOKEN).method, "token")

    def test_nodes(self) -> None:
        """Here with the secret; elsewhere a label is not enough."""
        self.assertEqual(self.seed(role="node").scopes, ())
        with self.assertRaises(ConnectRefused):
            self.seed(REMOTE, role="node")

    def test_refusals(self) -> None:
        """Wrong, missing, page, role."""
        for peer, role, auth, code in (
            (LOCAL, "operator", {"token": "x"}, "AUTH_TOKEN_MISMATCH"),
            (LOCAL, "operator", {"token": ""}, "DEVICE_IDENTITY_REQUIRED"),
            (PAGE, "operator", {}, "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"),
            (FOREIGN, "operator", {}, "CONTROL_UI_ORIGIN_NOT_ALLOWED"),
        ):
            with self.assertRaises(ConnectRefused) as caught:
                self.seed(peer, role, **auth)
            self.assertEqual((caught.exception.details or {})["code"], code)
        with self.assertRaises(ConnectRefused) as caught:
            self.seed(role="king")
        self.assertEqual(caught.exception.message, "invalid role")

    def test_guesses_count(self) -> None:
        """In the same budget as everywhere."""
        for _ in range(10):
            self.assertRaises(ConnectRefused, self.seed, REMOTE, token="x")
        self.assertEqual(self.code(BACKEND, REMOTE), "AUTH_RATE_LIMITED")

    def test_the_interface(self) -> None:
        """What sockets call is there."""
        verifyObject(IAdmission, self.door.admission)
