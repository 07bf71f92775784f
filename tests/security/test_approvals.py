"""Tests of what operators decide: never more than was shown, than is held, than once."""

import random
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from pyotp import TOTP
from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from openclaw.errors import Forbidden, InvalidRequest, StoreError
from openclaw.interfaces.security import Approver, IPairing
from openclaw.protocol.scopes import SCOPES, expand
from openclaw.security.approvals import Approvals
from openclaw.security.mfa.factor import SecondFactor
from openclaw.security.policy import PairingPolicy, PlacePolicy
from tests.security.clients import ALL5, LOCAL, NOW_MS, REMOTE, TOKEN, Door, KeyedDevice
from tests.security.door import D1, D2, NODE, READ, DoorCase

WRITE = ["operator.write"]
SCOPE_LISTS = st.lists(st.sampled_from(sorted(SCOPES)), max_size=4, unique=True)
ADMIN = Approver("owner", expand(["operator.admin"]))


def somebody(*scopes: str, device_id: str | None = None) -> Approver:
    """An operator with these scopes."""
    return Approver(device_id or "somebody", expand(scopes), device_id)


class ApprovalCase(DoorCase):
    """A door, an operator, and what sockets were closed."""

    def setUp(self) -> None:
        """Nobody is paired."""
        super().setUp()
        self.watch(self.door)

    def watch(self, door: Door) -> None:
        """Take note of sockets that would be closed."""
        self.door = door
        self.cut: list[tuple[str, str | None]] = []
        door.approvals.hang_up = lambda device_id, role: self.cut.append((device_id, role))

    def ask(self, **sent: Any) -> str:
        """Ask from afar; the request's id."""
        details = self.refused(peer=REMOTE, **{"device": D1, "scopes": READ, **sent}).details or {}
        return str(details["requestId"])

    def approve(self, request_id: str, approver: Approver = ADMIN, code: str = "") -> Any:
        """Approve; the device."""
        return self.successResultOf(self.door.approvals.approve(request_id, approver, code))

    def denied(self, answer: Deferred[Any]) -> str:
        """The words of a refusal."""
        error = self.failureResultOf(answer, InvalidRequest).value
        self.assertIsInstance(error, InvalidRequest)
        return str(error.message)

    def pair(self, **sent: Any) -> str:
        """Be approved from afar; the device token."""
        self.approve(self.ask(**sent))
        return self.come(peer=REMOTE, **{"device": D1, "scopes": READ, **sent}).device_token or ""

    def scopes(self, role: str = "operator") -> set[str]:
        """What the device holds."""
        device = self.door.devices.get(D1.id)
        assert device is not None
        return set(device.tokens[role].scopes)


class ApproveTests(ApprovalCase):
    """From a request to a grant."""

    def test_it_keeps_its_word(self) -> None:
        """The interface."""
        verifyObject(IPairing, self.door.approvals)

    def test_a_device_gets_what_was_shown(self) -> None:
        """Also if it comes back with a wider wish; both handles are gone, operators are told."""
        request_id = self.ask()
        (row,) = self.door.approvals.pending()
        self.assertEqual(
            (row.request_id, row.scopes, row.remote_ip), (request_id, READ, "10.1.2.3")
        )
        device = self.approve(request_id)
        self.assertEqual((device.approved_via, device.remote_ip), ("owner", "10.1.2.3"))
        self.assertEqual(self.scopes(), set(READ))
        names = [name for name, _ in self.door.events.taken()]
        self.assertEqual(names, ["device.pair.requested", "device.pair.resolved"])
        self.assertEqual(list(self.come(peer=REMOTE, device=D1, scopes=READ).scopes), READ)
        self.assertEqual(self.code(peer=REMOTE, device=D1, scopes=WRITE), "PAIRING_REQUIRED")
        again = self.door.approvals.approve(request_id, ADMIN)
        self.assertEqual(self.denied(again), "unknown requestId")

    def test_what_an_approver_must_hold(self) -> None:
        """In the words of the protocol; what was refused still waits."""
        for sent, approver, words in (
            ({"scopes": ALL5}, somebody("operator.pairing"), "missing scope: operator.admin"),
            (NODE, somebody("operator.pairing"), "device pairing approval denied"),
            (
                NODE,
                somebody(*sorted(SCOPES - {"operator.admin"})),
                "device pairing approval denied",
            ),
            ({"scopes": READ}, somebody("operator.pairing"), "missing scope: operator.read"),
            (
                {"scopes": ["operator.talk.secrets"]},
                somebody("operator.pairing", "operator.write"),
                "missing scope: operator.talk.secrets",
            ),
        ):
            request_id = self.ask(**sent)
            answer = self.door.approvals.approve(request_id, approver)
            self.assertEqual(self.denied(answer), words, sent)
            self.assertEqual(self.door.approvals.pending()[-1].request_id, request_id)
        for sent, approver in (
            ({"scopes": READ}, somebody("operator.pairing", "operator.write")),
            ({"device": D2, **NODE}, somebody("operator.admin")),
        ):
            self.approve(self.ask(**sent), approver)

    def test_upgrades_add_what_they_show(self) -> None:
        """Scopes, a role, a platform: one at a time, and nothing on the side."""
        first = self.pair()
        self.approve(self.ask(scopes=WRITE))
        self.assertEqual(self.scopes(), {*READ, *WRITE})
        error = self.refused(peer=REMOTE, device=D1, scopes=READ, auth={"deviceToken": first})
        self.assertEqual((error.details or {})["code"], "AUTH_DEVICE_TOKEN_MISMATCH")
        self.approve(self.ask(**NODE))
        self.assertEqual((self.scopes("node"), self.scopes()), (set(), {*READ, *WRITE}))
        moved: dict[str, Any] = {"platform": "darwin", "family": "Mac", "scopes": ALL5}
        request_id = self.ask(**moved)
        (row,) = self.door.approvals.pending()
        self.assertEqual((row.reason, set(row.scopes)), ("metadata-upgrade", {*READ, *WRITE}))
        self.approve(request_id)
        self.assertEqual(self.scopes(), {*READ, *WRITE})
        details = self.refused(peer=REMOTE, device=D1, **moved).details or {}
        self.assertEqual(details["reason"], "scope-upgrade")

    def test_a_changed_platform_is_confirmed_by_who_holds_its_rights(self) -> None:
        """Whoever re-approves a device vouches for all that it may do."""
        self.approve(self.ask(scopes=["operator.admin"]))
        request_id = self.ask(platform="windows", scopes=READ)
        answer = self.door.approvals.approve(request_id, somebody("operator.pairing", *READ))
        self.assertEqual(self.denied(answer), "missing scope: operator.admin")

    def test_a_journal_that_fails_leaves_everything_as_it_was(self) -> None:
        """The request waits, nobody is paired, and the next try works."""
        request_id = self.ask()
        self.door.store.stopService()
        self.failureResultOf(self.door.approvals.approve(request_id, ADMIN), StoreError)
        self.assertIsNone(self.door.devices.get(D1.id))
        self.assertEqual([row.request_id for row in self.door.approvals.pending()], [request_id])

    def test_two_who_approve_at_once(self) -> None:
        """One of them does."""
        request_id = self.ask()
        self.approve(request_id)
        self.assertEqual(
            self.denied(self.door.approvals.approve(request_id, ADMIN)), "unknown requestId"
        )
        self.assertEqual(self.denied(self.door.approvals.reject(request_id)), "unknown requestId")


class SecondFactorTests(ApprovalCase):
    """Places that ask for a second factor (#88)."""

    def setUp(self) -> None:
        """An owner with an authenticator app, and a house that asks for it."""
        super().setUp()
        policy = PairingPolicy(lan=PlacePolicy(mfa=True, auto_approve=True))
        self.watch(Door(pairing=policy))
        door = self.door
        self.factor = SecondFactor(
            door.store,
            clock=door.now_ms,
            seconds=door.clock.seconds,
            random_bytes=random.Random(3).randbytes,
            account="test",
        )
        approvals = Approvals(
            door.devices,
            door.requests,
            policy,
            door.events,
            door.now_ms,
            random.Random(4).randbytes,
            self.factor,
        )
        door.approvals = approvals

    def enroll(self) -> str:
        """Enrol an app; its secret."""
        offer = self.factor.offer()
        self.successResultOf(self.factor.confirm(self.password(offer.secret), "owner"))
        self.door.clock.advance(60)
        return offer.secret

    def password(self, secret: str) -> str:
        """What the app shows now."""
        return TOTP(secret).at(self.door.now_ms() // 1000)

    def forbidden(self, request_id: str, code: str = "", who: Approver = ADMIN) -> Any:
        """The code of a refusal."""
        answer = self.door.approvals.approve(request_id, who, code)
        error = self.failureResultOf(answer, Forbidden).value
        return error.details["code"], error.details.get("enrolled")

    def test_without_enrolment_nobody_is_approved(self) -> None:
        """And ``autoApprove`` does not help."""
        request_id = self.ask()
        self.assertEqual(self.forbidden(request_id), ("MFA_REQUIRED", False))
        self.assertEqual(self.forbidden(request_id, "123456"), ("MFA_REQUIRED", False))

    def test_a_fresh_code_is_needed(self) -> None:
        """None, a wrong one, a used one are refused; who has lately shown one need not again."""
        secret = self.enroll()
        sent = {"at_ms": self.door.now_ms()}
        request_id, other = self.ask(**sent), self.ask(device=D2, **sent)
        self.assertEqual(self.forbidden(request_id), ("MFA_REQUIRED", True))
        self.assertEqual(self.forbidden(request_id, "000000")[0], "MFA_CODE_INVALID")
        code = self.password(secret)
        self.approve(request_id, code=code)
        self.assertEqual(self.forbidden(other, code)[0], "MFA_CODE_INVALID")
        self.approve(other, evolve(ADMIN, verified=True))

    def test_rights_come_first(self) -> None:
        """A code is not used up for somebody who may not approve anyway."""
        secret = self.enroll()
        request_id = self.ask(scopes=ALL5, at_ms=self.door.now_ms())
        code = self.password(secret)
        answer = self.door.approvals.approve(request_id, somebody("operator.pairing"), code)
        self.assertEqual(self.denied(answer), "missing scope: operator.admin")
        self.approve(request_id, code=code)

    def test_other_places_do_not_ask(self) -> None:
        """This machine pairs as ever."""
        self.assertEqual(self.come(peer=LOCAL, device=D1).method, "token")


class TokenTests(ApprovalCase):
    """Rotate, revoke, remove, rename."""

    def test_rotation_makes_the_old_token_void(self) -> None:
        """The sockets of that role are closed; the device fetches the new one."""
        old = self.pair()
        self.door.clock.advance(1)
        token, value = self.successResultOf(
            self.door.approvals.rotate(D1.id, "operator", None, ADMIN)
        )
        self.assertEqual((token.scopes, token.rotated_at_ms), (tuple(READ), NOW_MS + 1000))
        self.assertEqual(self.cut, [(D1.id, "operator")])
        for text, code in ((old, "AUTH_DEVICE_TOKEN_MISMATCH"), (value, None)):
            auth = {"deviceToken": text}
            if code:
                self.assertEqual(self.code(peer=REMOTE, device=D1, scopes=READ, auth=auth), code)
            else:
                self.come(peer=REMOTE, device=D1, scopes=READ, auth=auth)
        self.assertEqual(self.come(peer=REMOTE, device=D1, scopes=READ).device_token, value)

    def test_who_may_not_rotate(self) -> None:
        """All get the same words: unknown, wider, not held, of others, another role."""
        self.pair(scopes=[*READ, *WRITE])
        self.pair(**NODE)
        other = somebody("operator.pairing", *WRITE, device_id=D2.id)
        for device_id, role, scopes, approver in (
            ("ab" * 32, "operator", None, ADMIN),
            (D1.id, "worker", None, ADMIN),
            (D1.id, "operator", ["operator.admin"], ADMIN),
            (D1.id, "operator", ["nonsense"], ADMIN),
            (D1.id, "operator", None, somebody("operator.pairing")),
            (D1.id, "operator", None, other),
            (D1.id, "node", None, somebody("operator.pairing", *WRITE)),
        ):
            answer = self.door.approvals.rotate(device_id, role, scopes, approver)
            self.assertEqual(self.denied(answer), "device token rotation denied")
        self.assertEqual((self.cut, self.scopes()), ([], {*READ, *WRITE}))
        own = somebody("operator.pairing", *WRITE, device_id=D1.id)
        self.successResultOf(self.door.approvals.rotate(D1.id, "operator", READ, own))
        self.assertEqual(self.scopes(), set(READ))

    def test_revoking_takes_the_role_away(self) -> None:
        """It is a repair then, and nothing of the old grant comes back with it."""
        token = self.pair(scopes=[*READ, "operator.admin"])
        revoked = self.successResultOf(self.door.approvals.revoke(D1.id, "operator", ADMIN))
        self.assertEqual((revoked.revoked_at_ms, self.cut), (NOW_MS, [(D1.id, "operator")]))
        auth = {"deviceToken": token}
        self.assertEqual(
            self.code(peer=REMOTE, device=D1, scopes=READ, auth=auth), "AUTH_DEVICE_TOKEN_MISMATCH"
        )
        details = self.refused(device=D1, scopes=READ).details or {}
        self.assertEqual(
            (details["reason"], details["approvedRoles"]), ("role-upgrade", ["operator"])
        )
        self.assertNotIn("approvedScopes", details)
        (row,) = self.door.approvals.pending()
        self.assertTrue(row.is_repair)
        self.approve(row.request_id)
        self.assertEqual(self.scopes(), set(READ))
        again = self.successResultOf(self.door.approvals.revoke(D1.id, "operator", ADMIN))
        self.assertEqual(
            self.successResultOf(self.door.approvals.revoke(D1.id, "operator", ADMIN)), again
        )

    def test_who_may_not_revoke(self) -> None:
        """Unknown devices and roles, devices of others, nodes without admin."""
        self.pair()
        self.pair(**NODE)
        for device_id, role, approver in (
            ("ab" * 32, "operator", ADMIN),
            (D1.id, "worker", ADMIN),
            (D1.id, "operator", somebody("operator.pairing", device_id=D2.id)),
            (D1.id, "node", somebody("operator.pairing")),
        ):
            answer = self.door.approvals.revoke(device_id, role, approver)
            self.assertEqual(self.denied(answer), "device token revocation denied")
        self.assertEqual(self.cut, [])

    def test_removing_forgets_everything(self) -> None:
        """Device, tokens and requests, in memory and on disk; a new pairing has a new token."""
        token = self.pair()
        request_id = self.ask(scopes=ALL5)
        self.successResultOf(self.door.approvals.remove(D1.id, ADMIN))
        self.assertEqual(self.cut, [(D1.id, None)])
        self.assertEqual((self.door.devices.paired(), self.door.approvals.pending()), ([], []))
        ends = [payload for name, payload in self.door.events.taken() if name.endswith("resolved")]
        self.assertEqual((ends[-1]["requestId"], ends[-1]["reason"]), (request_id, "removed"))
        again = Door(self.door.store, seed=5)
        self.assertEqual((again.devices.paired(), len(again.requests)), ([], 0))
        auth = {"deviceToken": token}
        self.assertEqual(
            self.code(peer=REMOTE, device=D1, scopes=READ, auth=auth), "AUTH_DEVICE_TOKEN_MISMATCH"
        )
        self.assertNotEqual(self.pair(), token)

    def test_who_may_not_remove_or_rename(self) -> None:
        """A device without admin manages itself; the owner's own tools manage all."""
        self.pair()
        approvals, other = self.door.approvals, somebody("operator.pairing", device_id=D2.id)
        for answer, words in (
            (approvals.remove(D1.id, other), "device pairing removal denied"),
            (approvals.rename(D1.id, "x", other), "device pairing rename denied"),
            (approvals.remove("ab" * 32, ADMIN), "unknown deviceId"),
            (approvals.rename("ab" * 32, "x", ADMIN), "unknown deviceId"),
            (approvals.rename(D1.id, " ", ADMIN), "label required"),
        ):
            self.assertEqual(self.denied(answer), words)
        self.door.events.taken()
        self.successResultOf(approvals.rename(D1.id, "Lab node", somebody("operator.pairing")))
        self.assertEqual(self.door.events.taken(), [("device.pair.changed", {})])
        device = Door(self.door.store).devices.get(D1.id)
        assert device is not None
        self.assertEqual((device.operator_label, self.cut), ("Lab node", []))

    def test_why_a_token_is_void_is_for_the_log(self) -> None:
        """The client hears one thing; the owner can tell them apart."""
        token = self.pair()
        devices = self.door.devices
        self.assertEqual(devices.why_not(D1.id, "operator", "x" * 43), "mismatch")
        self.assertEqual(devices.why_not(D2.id, "operator", token), "unknown device or role")
        self.successResultOf(self.door.approvals.revoke(D1.id, "operator", ADMIN))
        self.assertEqual(devices.why_not(D1.id, "operator", token), "revoked")
        self.assertEqual(devices.why_not(D1.id, "operator", "x" * 43), "revoked, and another token")


class NeverWiderTests(ApprovalCase):
    """S7 and S8, with grants by chance."""

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(asked=SCOPE_LISTS, held=SCOPE_LISTS, wanted=st.none() | SCOPE_LISTS, turner=SCOPE_LISTS)
    def test_grants_are_within_what_the_granting_hold(
        self, asked: list[str], held: list[str], wanted: list[str] | None, turner: list[str]
    ) -> None:
        """Approval: within the request and the approver. Rotation: within token and turner."""
        door = Door()
        self.door = door
        request_id = self.ask(scopes=asked)
        approved = door.approvals.approve(request_id, somebody(*held))
        results: list[Any] = []
        approved.addBoth(results.append)
        device = door.devices.get(D1.id)
        self.assertEqual(device is not None, set(asked) <= expand(held))
        if device is None:
            return
        before = set(device.tokens["operator"].scopes)
        self.assertEqual(before, set(asked))
        door.approvals.rotate(D1.id, "operator", wanted, somebody(*turner)).addBoth(results.append)
        after = door.devices.get(D1.id)
        assert after is not None
        token = after.tokens["operator"]
        self.assertLessEqual(set(token.scopes), expand(before))
        if token.rotated_at_ms is not None:
            self.assertLessEqual(set(token.scopes), expand(turner))
        else:
            self.assertEqual(set(token.scopes), before)


class RefusalsTests(ApprovalCase):
    """What a stranger can bring about."""

    def test_a_storm_leaves_paired_devices_alone(self) -> None:
        """They are admitted at once while others are written, and when too many come."""
        self.pair()
        door = self.door
        for number in range(40):
            self.ask(device=KeyedDevice(1000 + number))
        self.assertEqual(len(door.requests), 16)
        self.assertEqual(self.come(peer=REMOTE, device=D1, scopes=READ).method, "token")
        self.assertNotIn(TOKEN, repr(door.events.taken()))


class VouchedTests(DoorCase):
    """Users whom a proxy or a provider names, and who may let devices in."""

    def setUp(self) -> None:
        super().setUp()
        self.come(device=D1, scopes=["operator.admin"])

    def test_having_no_device_makes_nobody_the_owner(self) -> None:
        """They decide about requests, not about devices that are not theirs."""
        user = Approver("bob", expand(["operator.pairing", "operator.read"]), user="bob")
        approvals = self.door.approvals
        for work in (
            lambda: approvals.remove(D1.id, user),
            lambda: approvals.rename(D1.id, "mine", user),
            lambda: approvals.revoke(D1.id, "operator", user),
            lambda: approvals.rotate(D1.id, "operator", ["operator.read"], user),
        ):
            self.failureResultOf(work(), InvalidRequest)
        device = self.door.devices.get(D1.id)
        assert device is not None
        self.assertIsNone(device.tokens["operator"].revoked_at_ms)
        root = Approver("root", expand(["operator.admin"]), user="root")
        self.successResultOf(approvals.remove(D1.id, root))

    def test_their_own_device_is_theirs(self) -> None:
        user = Approver("bob", expand(["operator.pairing"]), D1.id, user="bob")
        self.successResultOf(self.door.approvals.rename(D1.id, "mine", user))
