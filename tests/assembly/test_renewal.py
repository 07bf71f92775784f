"""A device that stays connected longer than its token lives comes back as itself."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.renewal import MOST_SECONDS, renewal
from openclaw.interfaces.security import Admitted
from openclaw.security.policy import PairingPolicy, PlacePolicy
from tests.gateway.people import Person
from tests.security.clients import LOCAL, NONCE, REMOTE, TOKEN, Door, params
from tests.security.door import D1, READ

DAY = 86_400
POLICY = PairingPolicy(lan=PlacePolicy(lifetime_seconds=2 * DAY), renew_tokens=True)


class RenewalTests(SynchronousTestCase):
    def come(self, door: Door, auth: dict[str, str], far: bool = True) -> Admitted:
        """Connect."""
        sent = params(device=D1, scopes=READ, auth=auth, at_ms=door.now_ms())
        peer = evolve(REMOTE, loopback=False, forwarded=False) if far else LOCAL
        result = door.admission.admit(sent, peer, NONCE)
        return result if isinstance(result, Admitted) else self.successResultOf(result)

    def test_being_connected_is_use(self) -> None:
        door = Door(pairing=POLICY)
        token = self.come(door, {"token": TOKEN}, far=False).device_token
        assert token is not None
        person = Person(device_id=D1.id)
        person.client.admitted = self.come(door, {"deviceToken": token})
        self.assertIsNone(person.client.admitted.expires_at_ms)
        service = renewal(POLICY, [person.client], door.devices, door.clock)
        assert service is not None
        service.startService()
        door.clock.pump([MOST_SECONDS] * (24 * 5))
        self.assertEqual(self.come(door, {"deviceToken": token}).method, "device-token")
        service.stopService()
        self.assertEqual(door.clock.getDelayedCalls(), [])

    def test_nobody_is_renewed_unless_configured(self) -> None:
        door = Door()
        for policy in (PairingPolicy(), evolve(POLICY, renew_tokens=False)):
            self.assertIsNone(renewal(policy, [], door.devices, door.clock))
        self.assertIsNone(renewal(PairingPolicy(renew_tokens=True), [], door.devices, door.clock))
