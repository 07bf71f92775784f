"""Whose token a text is: found at once, and gone with the token."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.interfaces.security import Approver
from openclaw.protocol.scopes import expand
from openclaw.security.bearers import Bearers
from tests.security.clients import LOCAL, NONCE, Door, KeyedDevice, params

OWNER = Approver("owner", expand(["operator.admin"]))


class BearersTests(SynchronousTestCase):
    def test_each_token_has_its_owner(self) -> None:
        bearers = Bearers()
        bearers.put("a", {"operator": "one", "node": "two"})
        bearers.put("b", {"operator": "three"})
        found = [bearers.owner(text) for text in ("one", "two", "three", "four", "")]
        self.assertEqual(found, [("a", "operator"), ("a", "node"), ("b", "operator"), None, None])

    def test_new_tokens_take_the_place_of_old_ones(self) -> None:
        bearers = Bearers()
        bearers.put("a", {"operator": "one", "node": "two"})
        bearers.put("a", {"operator": "three"})
        found = [bearers.owner(text) for text in ("one", "two", "three")]
        self.assertEqual(found, [None, None, ("a", "operator")])
        bearers.put("a", {})
        bearers.put("never there", {})
        self.assertIsNone(bearers.owner("three"))


class DeviceBearerTests(SynchronousTestCase):
    """The index follows every change of the devices, whether it was made before or after."""

    def setUp(self) -> None:
        self.door = Door()
        self.device = KeyedDevice(1)
        self.pair()

    def pair(self) -> None:
        asked = params("openclaw-tui/ui", device=self.device)
        self.successResultOf(self.door.admission.admit(asked, LOCAL, NONCE))  # type: ignore[arg-type]

    def token(self) -> str:
        own = self.door.devices.get(self.device.id)
        assert own is not None
        return self.door.devices.token(self.device.id, own.tokens["operator"])

    def finds(self, token: str) -> bool:
        found = self.door.devices.bearer_of(token)
        return found is not None and found[0].device_id == self.device.id

    def test_rotated_revoked_removed(self) -> None:
        first = self.token()
        self.assertTrue(self.finds(first))
        approvals = self.door.approvals
        self.successResultOf(approvals.rotate(self.device.id, "operator", None, OWNER))
        second = self.token()
        self.assertEqual((self.finds(first), self.finds(second)), (False, True))
        self.successResultOf(approvals.revoke(self.device.id, "operator", OWNER))
        self.assertFalse(self.finds(second))
        self.successResultOf(approvals.remove(self.device.id, OWNER))
        self.pair()
        self.assertEqual((self.finds(second), self.finds(self.token())), (False, True))

    def test_devices_that_came_before_the_first_look(self) -> None:
        other = KeyedDevice(2)
        asked = params("openclaw-tui/ui", device=other)
        self.successResultOf(self.door.admission.admit(asked, LOCAL, NONCE))  # type: ignore[arg-type]
        self.assertTrue(self.finds(self.token()))
        self.assertFalse(self.finds("x"))
        self.successResultOf(self.door.devices.load())
        self.assertTrue(self.finds(self.token()))
