"""What tests of sockets share: a gateway, ways to open sockets, and nothing left behind."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.gateway import wire
from tests.gateway.rig import Rig, Socket, answers

Closed = tuple[int | None, str]


class ConnectionCase(SynchronousTestCase):
    """A gateway, and no timer left when its sockets are gone."""

    def make(self, *args: Any, **how: Any) -> Rig:
        rig = Rig(*args, **how)
        self.sockets: list[Socket] = []
        return rig

    def setUp(self) -> None:
        self.rig = self.make()

    def dial(self, **headers: str) -> Socket:
        socket = self.rig.dial(**headers)
        self.sockets.append(socket)
        return socket

    def connect(self, *args: Any, **sent: Any) -> Socket:
        socket = self.rig.connect(*args, **sent)
        self.sockets.append(socket)
        return socket

    def tearDown(self) -> None:
        for socket in self.sockets:
            socket.lose()
        self.rig.turn()
        self.assertEqual(self.rig.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.rig.waiting), 0)
        self.assertEqual(list(self.rig.door.sockets()), [])
        self.assertEqual(len(self.rig.broadcaster), 0)

    def ending(self, socket: Socket) -> tuple[list[Any], Closed | None]:
        """What was said since the last time, and how the gateway closed."""
        self.rig.turn()
        seen = socket.taken()
        said = answers(seen)
        if seen and seen[-1].opcode == wire.CLOSE:
            return said, (seen[-1].code, seen[-1].reason)
        return said, None
