"""Credentials that are void close their sockets: at once, all of them, and no others."""

from typing import Any

from openclaw.gateway.revocation import Revocation
from openclaw.protocol.base import Raw
from openclaw.security.grants import with_role
from tests.gateway import wire
from tests.gateway.rig import Socket
from tests.gateway.sockets import ConnectionCase
from tests.security.clients import TOKEN
from tests.security.door import D1, D2, NODE


class RevocationTests(ConnectionCase):
    """Clients of two devices, and one without."""

    def setUp(self) -> None:
        """Everybody is connected, and nothing is unread."""
        super().setUp()
        self.revocation = Revocation(self.rig.broadcaster, self.rig.clock)
        self.operator = self.connect("cli/cli", device=D1)
        self.node = self.node_of_the_same_device()
        self.other = self.connect("cli/cli", device=D2)
        self.plain = self.connect("cli/cli")
        self.rig.turn()
        for socket in self.sockets:
            socket.taken()

    def node_of_the_same_device(self) -> Socket:
        """A second role, as an operator would approve it."""
        security = self.rig.security
        security.devices.change(
            D1.id,
            lambda device: device and with_role(device, "node", (), 1, 1),
        )
        return self.connect(device=D1, **NODE)

    def closes(self) -> dict[str, Any]:
        """How each socket was closed, if it was."""
        named = {
            "operator": self.operator,
            "node": self.node,
            "other": self.other,
            "plain": self.plain,
        }
        return {name: closed for name, one in named.items() if (closed := self.ending(one)[1])}

    def test_one_role_of_a_device(self) -> None:
        """Its other role stays."""
        self.revocation.device(D1.id, "operator")
        self.assertEqual(self.closes(), {"operator": (4001, "device removed")})

    def test_a_whole_device(self) -> None:
        """In every role."""
        self.revocation.device(D1.id)
        gone = (4001, "device removed")
        self.assertEqual(self.closes(), {"operator": gone, "node": gone})

    def test_a_changed_secret(self) -> None:
        """Who came with it goes; who has a token of its own may stay."""
        device = self.rig.security.devices.get(D2.id)
        assert device is not None
        token = self.rig.security.devices.token(D2.id, device.tokens["operator"])
        own = self.connect("cli/cli", device=D2, auth={"deviceToken": token})
        self.revocation.shared_secret()
        closed = (1008, "gateway credentials changed")
        self.assertEqual(
            self.closes(), dict.fromkeys(("operator", "node", "other", "plain"), closed)
        )
        self.assertIsNone(self.ending(own)[1])
        self.assertNotIn(TOKEN, str(own.taken()))

    def test_nothing_is_served_in_between(self) -> None:
        """Neither a request that is on its way, nor an event; the answer to the last one is."""
        self.revocation.device(D1.id, "operator")
        self.operator.feed(wire.frame(wire.TEXT, wire.request("late", "last-heartbeat")))
        self.rig.broadcaster.publish("tick", Raw(b'{"ts":1}'))
        said, closed = self.ending(self.operator)
        self.assertEqual(
            [frame["error"]["message"] for frame in said], ["missing scope: operator.read"]
        )
        self.assertEqual(closed, (4001, "device removed"))

    def test_a_peer_that_does_nothing_is_cut(self) -> None:
        """It neither reads nor answers the close; nothing it sends is heard meanwhile."""
        producer: Any = self.operator.transport.producer
        producer.pauseProducing()
        self.revocation.device(D1.id, "operator")
        _, closed = self.ending(self.operator)
        self.assertEqual(closed, (4001, "device removed"))
        self.operator.feed(wire.frame(wire.TEXT, wire.request("late", "health")))
        self.assertEqual(self.ending(self.operator), ([], None))
        self.rig.clock.advance(5)
        self.assertTrue(self.operator.transport.gone)
        self.assertFalse(self.other.transport.gone)
