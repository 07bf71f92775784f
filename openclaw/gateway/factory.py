"""Makes connections; Autobahn's options are set here, once."""

from collections.abc import Callable

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime

from openclaw.gateway.connection import GatewayConnection
from openclaw.gateway.door import Door, PeerOf
from openclaw.protocol.connect import MAX_PREAUTH_BYTES


class Timers:
    """Autobahn's time-outs on the clock we are given; its own live on the installed reactor."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def call_later(
        self, seconds: float, call: Callable[..., object], *args: object
    ) -> IDelayedCall:
        """As the batched timer that Autobahn makes for itself."""
        return self._clock.callLater(seconds, call, *args)


class GatewayFactory(WebSocketServerFactory):
    """One factory for every socket of a port.

    :param peer_of: reads who connects to this port; the door's own way if not given.
    """

    noisy = False
    protocol = GatewayConnection

    def __init__(self, door: Door, reactor: IReactorTime, peer_of: PeerOf | None = None) -> None:
        super().__init__(reactor=reactor, server="openclaw-gateway")
        self._door = door
        self._peer_of = peer_of or door.peer_of
        self._batched_timer = Timers(reactor)
        self.setProtocolOptions(
            # Until a client is admitted; then the connection raises its own limits.
            maxFramePayloadSize=MAX_PREAUTH_BYTES,
            maxMessagePayloadSize=MAX_PREAUTH_BYTES,
            # Violations end with a close frame that says why.
            failByDrop=False,
            openHandshakeTimeout=door.handshake_seconds,
            closeHandshakeTimeout=5,
            tcpNoDelay=True,
            # Origins are judged in the handshake, where the answer can say what is wrong.
            allowedOrigins=["*"],
            webStatus=False,
        )
        self._options = {
            name: getattr(self, name)
            for name in (*self.protocol.CONFIG_ATTRS_COMMON, *self.protocol.CONFIG_ATTRS_SERVER)
        }

    def buildProtocol(self, addr: IAddress | None) -> GatewayConnection:
        """One more connection, with the options Autobahn would have copied one by one."""
        connection = self.protocol()
        connection.factory = self
        connection.door = self._door
        connection.peer_of = self._peer_of
        connection.__dict__.update(self._options)
        return connection
