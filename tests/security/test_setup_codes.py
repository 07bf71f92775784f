"""Codes that set a device up: whom they let in, as what, how often, and when not."""

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import StoreError
from openclaw.protocol.scopes import ADMIN, PAIRING, WRITE
from openclaw.security.codes import LIFETIME_MS
from openclaw.security.policy import PairingPolicy, PlacePolicy
from openclaw.security.setup_codes import OPERATOR_GRANT, OneTimeCodes, SetupCodes
from tests.security.clients import ALL5, LOCAL, PAGE, Door
from tests.security.door import CHAT, D1, D2, NODE, READ, TUI, DoorCase
from tests.security.test_pairing_policies import LAN, TAILNET, WAN

AS_NODE: dict[str, Any] = {**NODE, "client": "node-host/node"}
INVALID = "AUTH_BOOTSTRAP_TOKEN_INVALID"


class SetupCase(DoorCase):
    """A door, and codes that its owner makes."""

    def code_for(self, as_operator: bool = True, verified: bool = False) -> dict[str, str]:
        """A fresh one, as a device sends it."""
        made = self.door.admission.setup_code(as_operator, verified)
        return {"bootstrapToken": made.code}


class DeviceTests(SetupCase):
    def test_a_new_device_is_let_in_from_anywhere(self) -> None:
        for peer in (LOCAL, LAN, WAN, TAILNET):
            self.door = Door()
            auth = self.code_for()
            node = self.come(peer=peer, device=D1, auth=auth, **AS_NODE)
            self.assertEqual((node.role, node.scopes, node.method), ("node", (), "bootstrap"))
            self.assertIsNotNone(node.device_token)
            operator = self.come(TUI, peer, device=D1, auth=auth, scopes=READ)
            self.assertEqual(list(operator.scopes), READ)
            again = self.come(
                TUI, peer, device=D1, auth={"deviceToken": operator.device_token}, scopes=READ
            )
            self.assertEqual(again.method, "device-token")
            device = self.door.devices.get(D1.id)
            assert device is not None
            self.assertEqual(device.approved_via, "owner")
            self.assertEqual(len(self.door.requests), 0)

    def test_it_never_grants_administration_or_pairing(self) -> None:
        admitted = self.come(TUI, WAN, device=D1, auth=self.code_for(), scopes=[*ALL5, ADMIN])
        self.assertLessEqual(set(admitted.scopes), {*OPERATOR_GRANT})
        self.assertFalse({ADMIN, PAIRING} & set(admitted.scopes))
        own = {"deviceToken": admitted.device_token}
        self.assertEqual(
            self.code(TUI, WAN, device=D1, auth=own, scopes=[ADMIN]), "PAIRING_REQUIRED"
        )

    def test_a_node_code_makes_no_operator(self) -> None:
        auth = self.code_for(as_operator=False)
        self.assertEqual(self.code(TUI, WAN, device=D1, auth=auth, scopes=READ), INVALID)
        self.come(peer=WAN, device=D1, auth=auth, **AS_NODE)

    def test_each_role_once_and_no_second_device(self) -> None:
        auth = self.code_for()
        self.come(peer=WAN, device=D1, auth=auth, **AS_NODE)
        self.assertEqual(self.code(peer=WAN, device=D2, auth=auth, **AS_NODE), INVALID)
        self.assertEqual(self.code(TUI, WAN, device=D2, auth=auth, scopes=READ), INVALID)
        self.assertEqual(self.code(peer=WAN, device=D1, auth=auth, **AS_NODE), INVALID)
        self.come(TUI, WAN, device=D1, auth=auth, scopes=READ)
        self.assertEqual(self.code(TUI, WAN, device=D1, auth=auth, scopes=READ), INVALID)

    def test_it_needs_a_device_and_no_browser(self) -> None:
        auth = self.code_for()
        self.assertEqual(self.code("cli/cli", WAN, auth=auth), "DEVICE_IDENTITY_REQUIRED")
        self.assertEqual(self.code(CHAT, PAGE, device=D1, auth=auth, scopes=READ), INVALID)
        self.come(peer=WAN, device=D1, auth=auth, **AS_NODE)

    def test_it_ends_after_ten_minutes(self) -> None:
        auth = self.code_for()
        self.door.clock.advance(LIFETIME_MS / 1000)
        sent = {**AS_NODE, "at_ms": self.door.now_ms()}
        self.assertEqual(self.code(peer=WAN, device=D1, auth=auth, **sent), INVALID)

    def test_guesses_are_limited(self) -> None:
        codes = [
            self.code(peer=WAN, device=D1, auth={"bootstrapToken": f"guess-{n}"}, **AS_NODE)
            for n in range(12)
        ]
        self.assertEqual(codes[0], INVALID)
        self.assertEqual(codes[-1], "AUTH_RATE_LIMITED")

    def test_a_device_whose_platform_changed_still_waits(self) -> None:
        """The code says who may come, not that a known device may be another machine."""
        self.come(peer=WAN, device=D1, auth=self.code_for(), **AS_NODE)
        moved = {**AS_NODE, "platform": "windows", "family": "Windows"}
        error = self.refused(peer=WAN, device=D1, auth=self.code_for(), **moved)
        self.assertEqual((error.details or {})["reason"], "metadata-upgrade")

    def test_a_revoked_role_comes_back_only_by_a_fresh_code(self) -> None:
        old = self.code_for()
        self.come(peer=WAN, device=D1, auth=old, **AS_NODE)
        self.successResultOf(self.door.devices.remove(D1.id))
        self.assertEqual(self.code(peer=WAN, device=D1, auth=old, **AS_NODE), INVALID)
        self.come(peer=WAN, device=D1, auth=self.code_for(), **AS_NODE)

    def test_what_could_not_be_stored_can_be_tried_again(self) -> None:
        auth = self.code_for()
        change = self.door.devices.change
        self.patch(self.door.devices, "change", lambda *_: fail(StoreError("no disk")))
        self.refused(peer=WAN, device=D1, auth=auth, **AS_NODE)
        self.patch(self.door.devices, "change", change)
        self.come(peer=WAN, device=D1, auth=auth, **AS_NODE)

    def test_a_changed_secret_makes_it_void_even_while_it_is_stored(self) -> None:
        auth = self.code_for()
        writing: Deferred[None] = Deferred()
        self.patch(self.door.devices, "change", lambda *_: writing)
        sent = {"peer": WAN, "device": D1, "auth": auth, **AS_NODE}
        with self.assertRaises(self.failureException):
            self.come(**sent)  # Still being stored.
        self.door.admission.change_secret("another secret of this gateway")
        writing.errback(StoreError("no disk"))
        self.assertEqual(self.code(**sent), INVALID)


class PolicyTests(SetupCase):
    def test_it_is_the_approval_where_every_device_is_approved(self) -> None:
        self.door = Door(pairing=PairingPolicy(mode="strict"))
        self.come(device=D1, auth=self.code_for(), **AS_NODE)

    def test_where_pairing_takes_a_second_factor_so_does_the_code(self) -> None:
        """Else it would be the way around."""
        self.door = Door(pairing=PairingPolicy(wan=PlacePolicy(mfa=True)))
        auth = self.code_for(verified=False)
        self.assertEqual(self.code(peer=WAN, device=D1, auth=auth, **AS_NODE), "PAIRING_REQUIRED")
        self.come(peer=LAN, device=D2, auth=auth, **AS_NODE)  # There it takes none.
        self.come(peer=WAN, device=D1, auth=self.code_for(verified=True), **AS_NODE)

    def test_it_ends_with_the_tokens_lifetime_like_any_other(self) -> None:
        self.door = Door(pairing=PairingPolicy(wan=PlacePolicy(lifetime_seconds=60)))
        token = self.come(peer=WAN, device=D1, auth=self.code_for(), **AS_NODE).device_token
        self.door.clock.advance(61)
        sent = {**AS_NODE, "at_ms": self.door.now_ms()}
        self.assertEqual(
            self.code(peer=WAN, device=D1, auth={"deviceToken": token}, **sent),
            "AUTH_DEVICE_TOKEN_MISMATCH",
        )


class CodeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.made = 0

    def random(self, count: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(count, "big")

    def codes(self, **limits: int) -> SetupCodes:
        return SetupCodes(lambda: int(self.clock.seconds() * 1000), self.random, **limits)

    def test_the_oldest_goes_beyond_the_limit(self) -> None:
        codes = self.codes(limit=2)
        made = [codes.make(True, False).code for _ in range(3)]
        self.assertEqual([codes.grant(one, "d", "node") is not None for one in made], [0, 1, 1])

    def test_giving_back_gives_nothing_else_back(self) -> None:
        """A role that was used meanwhile stays used, and the code stays its device's."""
        codes = self.codes()
        code = codes.make(True, False).code
        node = codes.use(code, "d1", "node")
        assert node is not None and codes.use(code, "d1", "operator") is not None
        node()
        self.assertIsNone(codes.grant(code, "d1", "operator"))
        self.assertIsNone(codes.grant(code, "d2", "node"))
        self.assertIsNotNone(codes.grant(code, "d1", "node"))

    def test_of_two_at_once_one_gets_it(self) -> None:
        codes = self.codes()
        code = codes.make(True, False).code
        got = [codes.use(code, device, "node") for device in ("d1", "d2", "d1")]
        self.assertEqual([one is not None for one in got], [True, False, False])

    def test_what_is_void_is_not_given_back(self) -> None:
        codes = OneTimeCodes(lambda: 0, self.random)
        link, setup = codes.sign_in.make().code, codes.setup.make(True, False).code
        undo = [codes.use_sign_in(link), codes.use_setup(setup, "d1", "node")]
        codes.forget_all()
        for one in undo:
            assert one is not None
            one()
        self.assertFalse(codes.sign_in.is_good(link))
        self.assertIsNone(codes.setup.grant(setup, "d1", "node"))

    def test_what_it_grants_is_known(self) -> None:
        grant = self.codes()
        made = grant.grant(grant.make(False, True).code, "d", "node")
        assert made is not None
        self.assertEqual((made.roles, made.scopes, made.verified), ({"node"}, (), True))
        self.assertIn(WRITE, OPERATOR_GRANT)
