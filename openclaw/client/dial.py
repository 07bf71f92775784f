"""From an address to a greeted connection: name, TCP, TLS, WebSocket, handshake. Tries once."""

from typing import Any, cast

from attrs import field, frozen
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    DNSLookupError,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint

from openclaw.client.address import GatewayAddress
from openclaw.client.errors import ConnectionLost, GatewayUnreachable, NoAnswer
from openclaw.client.handshake import HANDSHAKE_SECONDS, shake_hands
from openclaw.client.hello import Hello
from openclaw.client.identity import DeviceIdentity
from openclaw.client.link import Link, Listener
from openclaw.client.settings import Introduction
from openclaw.client.socket import ClientSocket, SocketFactory


@frozen
class Dialer:
    """Everything that is needed to open a connection, again and again.

    :ivar reactor: connects and tells the time.
    :ivar tls: checks the certificate of a ``wss://`` gateway; the system's rules if ``None``.
        This is where pinned certificates come in.
    :ivar allow_plaintext_lan: plain ``ws://`` inside a private network is accepted.
    :ivar seconds: how long each step of the handshake may take.
    """

    address: GatewayAddress
    introduction: Introduction
    reactor: Any
    device: DeviceIdentity | None = None
    tls: IOpenSSLClientConnectionCreator | None = field(default=None, repr=False)
    allow_plaintext_lan: bool = False
    seconds: float = HANDSHAKE_SECONDS

    async def dial(self, listener: Listener) -> tuple[Link, Hello]:
        """Open a connection and introduce ourselves.

        :raises GatewayUnreachable: there is no WebSocket to be had.
        :raises UnsafeAddress: there is one, where nothing may be sent in the clear.
        :raises ConnectRefusedByGateway: the gateway said no.
        :raises NoAnswer: it took too long.
        :raises ConnectionLost: it broke off.
        """
        link = await self._open(listener)
        try:
            hello = await shake_hands(
                link, self.introduction, self.device, self.reactor, self.seconds
            )
        except Exception:  # Whatever it was, cancellation included: leave no socket behind.
            link.close()
            raise
        link.watch(hello.tick_seconds)
        return link, hello

    async def _open(self, listener: Listener) -> Link:
        factory = SocketFactory(self.address, listener, self.reactor, self.allow_plaintext_lan)
        url = self.address.url
        try:
            socket = cast(ClientSocket, await self._endpoint().connect(factory))
        except ConnectionRefusedError:
            raise GatewayUnreachable(url, "connection refused", nobody_listens=True) from None
        except DNSLookupError:
            raise GatewayUnreachable(url, f"unknown host {self.address.host}") from None
        except ConnectingCancelledError:
            raise
        except ConnectError as error:
            raise GatewayUnreachable(url, str(error)) from None
        try:
            return await socket.opened.addTimeout(self.seconds, self.reactor)
        except TooLate:
            raise NoAnswer("the WebSocket upgrade", self.seconds) from None
        except ConnectionLost as lost:
            raise GatewayUnreachable(url, lost.reason or "it is not a WebSocket") from None

    def _endpoint(self) -> IStreamClientEndpoint:
        plain = HostnameEndpoint(
            self.reactor, self.address.host, self.address.port, timeout=self.seconds
        )
        if not self.address.secure:
            return plain
        return wrapClientTLS(self.tls or _system_tls(self.address.host), plain)


def _system_tls(host: str) -> IOpenSSLClientConnectionCreator:
    # Imported late: most connections are plain ones to this machine.
    from twisted.internet.ssl import optionsForClientTLS

    return optionsForClientTLS(host)
