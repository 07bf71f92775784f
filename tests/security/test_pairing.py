"""Tests of what proven devices get: silently, on approval only, or never."""

from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ConnectParams
from openclaw.protocol.scopes import SCOPES
from tests.security.clients import (
    ALL5,
    LOCAL,
    NONCE,
    NOW_MS,
    PAGE,
    REMOTE,
    REMOTE_PAGE,
    TOKEN,
    Door,
    params,
)
from tests.security.door import (
    BACKEND,
    CHAT,
    D1,
    D2,
    FOREIGN,
    NODE,
    ODD_HOST,
    READ,
    TUI,
    UI,
    DoorCase,
)

CODE_SCOPES = ("operator.read", "operator.write", "operator.approvals", "operator.pairing")
CODE = r"\A[A-HJ-NP-Z2-9]{8}\Z"
ASKS = st.lists(st.sampled_from([*sorted(SCOPES), "root"]), max_size=4)


class DeviceTests(DoorCase):
    """Devices on this machine pair silently, and keep their token."""

    def test_a_new_device_pairs_silently(self) -> None:
        """And the same device gets the same token, with the shared token and with its own."""
        first = self.come(scopes=READ, device=D1)
        self.assertEqual((first.method, first.scopes), ("token", ("operator.read",)))
        self.assertEqual((first.device_id, first.issued_at_ms), (D1.id, NOW_MS))
        self.assertRegex(first.device_token or "", r"\A[A-Za-z0-9_-]{43}\Z")
        token = first.device_token or ""
        self.door.clock.advance(60)
        for auth, method in (
            ({"token": TOKEN}, "token"),
            ({"password": TOKEN}, "token"),
            ({"token": token}, "device-token"),
            ({"deviceToken": token}, "device-token"),
            ({"token": token, "deviceToken": token}, "device-token"),
            ({"token": "wrong", "deviceToken": token}, "device-token"),
            ({"token": TOKEN, "deviceToken": "wrong"}, "token"),
        ):
            again = self.come(scopes=READ, device=D1, auth=auth)
            self.assertEqual(again, evolve(first, method=method), auth)
        (paired,) = self.door.devices.paired()
        self.assertEqual((paired.approved_via, paired.platform), ("silent", "linux"))

    def test_a_known_device_is_admitted_at_once_and_unwritten(self) -> None:
        """No Deferred, no transaction, also on another gateway process with the same journal."""
        self.come(device=D1)
        before = self.door.store.health().transactions
        again = Door(self.door.store, seed=9)
        for door in (self.door, again):
            for scopes in (ALL5, READ, []):
                result = door.admission.admit(params(device=D1, scopes=scopes), LOCAL, NONCE)
                self.assertIsInstance(result, Admitted)
        self.assertEqual(self.door.store.health().transactions, before)

    def test_fewer_scopes_are_given_when_fewer_are_asked(self) -> None:
        """In the order asked; what admin implies is held too."""
        token = self.come(device=D1, scopes=["operator.read", "operator.admin"]).device_token or ""
        for asked in (READ, ["operator.pairing", "operator.read"], []):
            admitted = self.come(device=D1, scopes=asked, auth={"token": token})
            self.assertEqual(list(admitted.scopes), asked)
            self.assertEqual(admitted.device_token, token)

    def test_more_scopes_with_the_shared_token(self) -> None:
        """Silently widened, a new token, and the old one is void."""
        old = self.come(device=D1, scopes=READ).device_token or ""
        self.door.clock.advance(1)
        sent = params(device=D1, scopes=["operator.write"], at_ms=NOW_MS)
        self.assertIsInstance(self.door.admission.admit(sent, LOCAL, NONCE), Deferred)
        new = self.come(device=D1, scopes=["operator.read", "operator.write"])
        self.assertNotEqual(new.device_token, old)
        self.assertEqual(new.issued_at_ms, NOW_MS + 1000)
        code = self.code(device=D1, scopes=READ, auth={"deviceToken": old})
        self.assertEqual(code, "AUTH_DEVICE_TOKEN_MISMATCH")

    def test_more_scopes_with_the_device_token(self) -> None:
        """Its own token is no word of the owner."""
        token = self.come(device=D1, scopes=READ).device_token or ""
        error = self.refused(device=D1, scopes=ALL5, auth={"deviceToken": token})
        details = error.details or {}
        self.assertEqual(details["reason"], "scope-upgrade")
        self.assertEqual(details["approvedScopes"], READ)

    def test_the_backend_library_is_not_paired(self) -> None:
        """Its proof is checked, its scopes are as asked, nothing is stored."""
        admitted = self.come(BACKEND, device=D1)
        self.assertEqual((list(admitted.scopes), admitted.device_id), (ALL5, D1.id))
        self.assertIsNone(admitted.device_token)
        self.assertEqual(self.door.devices.paired(), [])
        self.assertEqual(
            self.code(BACKEND, device=D1, at_ms=NOW_MS - 600_000), "DEVICE_AUTH_SIGNATURE_EXPIRED"
        )

    def test_a_node_pairs_silently(self) -> None:
        """With a token of its own role and no scopes, whatever it asks."""
        node = self.come(device=D1, **NODE)
        self.assertEqual((node.role, node.scopes, node.method), ("node", (), "token"))
        greedy = self.come(device=D1, **{**NODE, "scopes": ["operator.admin"]})
        self.assertEqual(greedy, node)

    def test_another_role_or_platform_is_refused(self) -> None:
        """Even here, even with the shared token."""
        self.come(device=D1, scopes=["operator.read", "operator.admin"])
        approved = {
            "approvedRoles": ["operator"],
            "approvedScopes": ["operator.admin", "operator.read"],
        }
        for sent, words, expected in (
            (
                {"platform": "windows", "family": "Windows", "scopes": READ},
                "pairing required: device identity changed and must be re-approved",
                {
                    "reason": "metadata-upgrade",
                    "remediationHint": "Review the refreshed device details, then approve the "
                    "pending request.",
                    "requestedRole": "operator",
                    "requestedScopes": READ,
                },
            ),
            (
                NODE,
                "pairing required: device is asking for a higher role than currently approved",
                {
                    "reason": "role-upgrade",
                    "remediationHint": "Review the requested role upgrade, then approve the "
                    "pending request.",
                    "requestedRole": "node",
                },
            ),
        ):
            error = self.refused(device=D1, **sent)
            details = dict(error.details or {})
            request_id = details.pop("requestId")
            self.assertRegex(str(details.pop("pairingCode")), CODE)
            self.assertEqual(details.pop("pairingCodeExpiresAtMs"), NOW_MS + 3_600_000)
            details.pop("next")
            expected = {"code": "PAIRING_REQUIRED", "deviceId": D1.id, **expected, **approved}
            self.assertEqual(details, expected)
            self.assertEqual((error.wire_code, error.message), ("NOT_PAIRED", words))
            self.assertEqual(error.reason, f"{words} (requestId: {request_id})")

    def test_tokens_of_others_do_not_count(self) -> None:
        """Another device's, another role's, none at all."""
        token = self.come(device=D1, scopes=READ).device_token or ""
        both = {"token": token, "deviceToken": token}
        for sent in (
            {"device": D2, "auth": both},
            {"device": D1, "auth": both, **NODE},
            {"device": D1, "auth": {"deviceToken": token[:-1]}},
            {"device": D1, "auth": {"token": "bad", "deviceToken": "bad"}},
        ):
            error = self.refused(**sent)
            self.assertEqual(
                error.message, "unauthorized: device token mismatch (rotate/reissue device token)"
            )
            self.assertEqual((error.details or {})["code"], "AUTH_DEVICE_TOKEN_MISMATCH")

    def test_two_first_handshakes_at_once(self) -> None:
        """One device, one pairing, one token."""
        first = self.door.admission.admit(params(device=D1), LOCAL, NONCE)
        second = self.door.admission.admit(params(device=D1), LOCAL, NONCE)
        results = [
            r if isinstance(r, Admitted) else self.successResultOf(r) for r in (first, second)
        ]
        self.assertEqual(results[0], results[1])
        self.assertEqual(len(self.door.devices.paired()), 1)

    def test_a_broken_journal_grants_nothing(self) -> None:
        """The client is told to come back; nobody is paired."""
        self.door.store.stopService()
        result = self.door.admission.admit(params(device=D1), LOCAL, NONCE)
        assert isinstance(result, Deferred)
        error = self.failureResultOf(result, ConnectRefused).value
        self.assertEqual(
            (error.wire_code, error.retry, error.close_code), ("UNAVAILABLE", True, 1013)
        )
        self.assertIsNone(self.door.devices.get(D1.id))


class RemoteTests(DoorCase):
    """Strangers wait for approval, and learn nothing else."""

    def test_a_new_device_is_not_approved(self) -> None:
        """With the details that official clients read."""
        error = self.refused(peer=REMOTE, device=D1, scopes=READ)
        details = dict(error.details or {})
        request_id = details.pop("requestId")
        code = str(details.pop("pairingCode"))
        self.assertRegex(code, CODE)
        self.assertEqual(details.pop("pairingCodeExpiresAtMs"), NOW_MS + 3_600_000)
        details.pop("next")
        self.assertEqual(
            details,
            {
                "code": "PAIRING_REQUIRED",
                "reason": "not-paired",
                "remediationHint": "Approve this device from the pending pairing requests.",
                "deviceId": D1.id,
                "requestedRole": "operator",
                "requestedScopes": READ,
            },
        )
        words = "pairing required: device is not approved yet"
        self.assertEqual((error.message, error.wire_code), (words, "NOT_PAIRED"))
        self.assertEqual(error.reason, f"{words} (requestId: {request_id})")
        again = self.refused(peer=REMOTE, device=D1, scopes=READ).details or {}
        wider = self.refused(peer=REMOTE, device=D1).details or {}
        self.assertEqual((again["requestId"], again["pairingCode"]), (request_id, code))
        self.assertNotEqual(wider["requestId"], request_id)
        self.assertEqual(self.door.devices.paired(), [])

    def test_who_keeps_trying(self) -> None:
        """The terminal UI is told to; a node host is not, and names no scopes."""
        details = self.refused(TUI, REMOTE, device=D1).details or {}
        self.assertEqual(details["recommendedNextStep"], "wait_then_retry")
        self.assertEqual((details["retryable"], details["pauseReconnect"]), (True, False))
        details = self.refused(peer=REMOTE, device=D2, **NODE).details or {}
        self.assertNotIn("recommendedNextStep", details)
        self.assertNotIn("requestedScopes", details)

    def test_a_backend_with_a_device_pairs_like_others(self) -> None:
        """Only here is it the owner's own."""
        self.assertEqual(self.code(BACKEND, REMOTE, device=D1), "PAIRING_REQUIRED")

    def test_a_paired_device_connects_from_elsewhere(self) -> None:
        """Within its grant; more, another role or another platform is asked for."""
        self.come(device=D1, scopes=["operator.write"])
        for auth in (None, {"token": self.come(device=D1, scopes=[]).device_token or ""}):
            admitted = self.come(peer=REMOTE, device=D1, scopes=READ, auth=auth)
            self.assertEqual((list(admitted.scopes), admitted.local), (READ, False))
        for sent, reason in (
            ({"scopes": ALL5}, "scope-upgrade"),
            ({"platform": "windows", "scopes": []}, "metadata-upgrade"),
            (NODE, "role-upgrade"),
        ):
            details = self.refused(peer=REMOTE, device=D1, **sent).details or {}
            self.assertEqual(details["reason"], reason)

    def test_no_condition_of_local_trust_can_be_missing(self) -> None:
        """Each of them alone makes a device a stranger."""
        for peer in (ODD_HOST, evolve(LOCAL, loopback=False), evolve(LOCAL, forwarded=True)):
            self.assertEqual(self.code(peer=peer, device=D1), "PAIRING_REQUIRED", peer)


class BrowserTests(DoorCase):
    """A page pairs silently only when it is ours, here, and somebody vouches for it."""

    def test_our_page_with_the_shared_token(self) -> None:
        """Scopes as asked; later with its own token."""
        first = self.come(UI, PAGE, device=D1, auth={"token": TOKEN, "password": TOKEN})
        self.assertEqual((list(first.scopes), first.method, first.local), (ALL5, "token", False))
        again = self.come(UI, PAGE, device=D1, auth={"deviceToken": first.device_token or ""})
        self.assertEqual((again.method, again.device_token), ("device-token", first.device_token))

    def test_our_page_with_a_code(self) -> None:
        """Never admin; the code works once, the device token from then on."""
        code = self.door.admission.sign_in_code()
        self.assertEqual(code.expires_at_ms, NOW_MS + 600_000)
        sent: dict[str, Any] = {"device": D1, "auth": {"bootstrapToken": code.code}}
        first = self.come(CHAT, PAGE, scopes=[*CODE_SCOPES, "operator.admin"], **sent)
        self.assertEqual((first.scopes, first.method), (CODE_SCOPES, "bootstrap"))
        (paired,) = self.door.devices.paired()
        self.assertEqual(paired.approved_via, "owner")
        self.assertEqual(self.code(CHAT, PAGE, **sent), "AUTH_BOOTSTRAP_TOKEN_INVALID")
        auth = {"deviceToken": first.device_token or ""}
        again = self.come(CHAT, PAGE, device=D1, auth=auth, scopes=CODE_SCOPES)
        self.assertEqual(again, evolve(first, method="device-token"))

    def test_a_known_page_may_sign_in_again(self) -> None:
        """The code is used up as well."""
        self.come(CHAT, PAGE, scopes=CODE_SCOPES, device=D1)
        auth = {"bootstrapToken": self.door.admission.sign_in_code().code}
        self.come(CHAT, PAGE, scopes=CODE_SCOPES, device=D1, auth=auth)
        self.assertEqual(
            self.code(CHAT, PAGE, device=D1, auth=auth), "AUTH_BOOTSTRAP_TOKEN_INVALID"
        )

    def test_a_code_outlives_handshakes_that_fail(self) -> None:
        """Wrong nonce, foreign page, no device, node, remote page, broken journal."""
        code = self.door.admission.sign_in_code().code
        auth = {"bootstrapToken": code}
        for client, peer, sent in (
            (CHAT, PAGE, {"device": D1, "nonce": "other"}),
            (CHAT, FOREIGN, {"device": D1}),
            (CHAT, PAGE, {}),
            (CHAT, REMOTE_PAGE, {"device": D1}),
            (CHAT, PAGE, {"device": D1, "role": "node"}),
        ):
            self.refused(client, peer, auth=auth, **sent)
        store = self.door.store
        store.stopService()
        broken = self.door.admission.admit(params(CHAT, auth=auth, device=D1), PAGE, NONCE)
        assert isinstance(broken, Deferred)
        self.failureResultOf(broken, ConnectRefused)
        store.startService()
        self.assertEqual(self.come(CHAT, PAGE, auth=auth, device=D1).method, "bootstrap")

    def test_a_code_expires(self) -> None:
        """After ten minutes."""
        auth = {"bootstrapToken": self.door.admission.sign_in_code().code}
        self.door.clock.advance(600)
        sent: dict[str, Any] = {"auth": auth, "device": D1, "at_ms": NOW_MS + 600_000}
        error = self.refused(CHAT, PAGE, **sent)
        self.assertEqual((error.details or {})["code"], "AUTH_BOOTSTRAP_TOKEN_INVALID")
        self.assertEqual((error.details or {})["authReason"], "bootstrap_token_invalid")

    def test_nobody_pairs_on_loopback_alone(self) -> None:
        """Not without a credential, not on a gateway without a secret, not from an allowed page."""
        self.assertEqual(self.code(CHAT, PAGE, device=D1, auth={}), "AUTH_TOKEN_MISSING")
        allowed = evolve(PAGE, origin="https://app.example")
        self.door = Door(allowed_origins=("https://app.example",))
        self.assertEqual(self.code(CHAT, allowed, device=D1), "PAIRING_REQUIRED")
        self.assertEqual(self.code(CHAT, REMOTE_PAGE, device=D1), "PAIRING_REQUIRED")
        self.door = Door(mode="none")
        self.assertEqual(self.code(CHAT, PAGE, device=D1, auth={}), "PAIRING_REQUIRED")
        code = self.door.admission.sign_in_code().code
        auth = {"bootstrapToken": code}
        self.assertEqual(self.come(CHAT, PAGE, device=D1, auth=auth).method, "bootstrap")
        self.assertEqual(self.come(CHAT, PAGE, device=D1, auth={}, scopes=READ).method, "none")


def visit(door: Door, sent: ConnectParams, peer: Peer) -> Admitted | None:
    """Come to a door; ``None`` if it stays closed."""
    came = maybeDeferred(door.admission.admit, sent, peer, NONCE)
    results: list[Any] = []
    came.addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].trap(ConnectRefused)
        return None
    admitted: Admitted = results[0]
    return admitted


class NeverWiderTests(DoorCase):
    """Whatever is asked in whatever order: nobody ends with more than was given to them."""

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.tuples(st.booleans(), st.booleans(), ASKS), max_size=8))
    def test_effective_scopes(self, visits: list[tuple[bool, bool, list[str]]]) -> None:
        """Only the owner's token on this machine widens; scopes are within what was asked."""
        door, token, given = Door(), "", set[str]()
        for here, with_own, asked in visits:
            auth = {"deviceToken": token} if with_own else {"token": TOKEN}
            sent = params(device=D1, scopes=asked, auth=auth)
            admitted = visit(door, sent, LOCAL if here else REMOTE)
            if admitted is None:
                continue
            if here and not with_own:
                given |= set(asked) & SCOPES
            self.assertLessEqual(set(admitted.scopes), set(asked) & SCOPES)
            if not here or with_own:
                held = door.devices.get(D1.id)
                assert held is not None
                self.assertEqual(set(held.tokens["operator"].scopes) - given, set())
            token = admitted.device_token or ""
