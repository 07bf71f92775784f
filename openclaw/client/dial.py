"""From an address to a greeted connection: name, TCP, TLS, WebSocket, handshake. Tries once."""

from typing import Any, cast

from attrs import frozen
from twisted.internet.abstract import isIPAddress, isIPv6Address
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
from openclaw.client.errors import (
    ConnectionLost,
    GatewayUnreachable,
    NoAnswer,
    UntrustedCertificate,
)
from openclaw.client.handshake import HANDSHAKE_SECONDS, shake_hands
from openclaw.client.hello import Hello
from openclaw.client.identity import DeviceIdentity
from openclaw.client.link import Link, Listener
from openclaw.client.pins import PinnedCertificates
from openclaw.client.settings import Introduction
from openclaw.client.socket import ClientSocket, SocketFactory


@frozen
class Dialer:
    """Everything that is needed to open a connection, again and again.

    :ivar reactor: connects and tells the time.
    :ivar pins: fingerprints of the certificates that a ``wss://`` gateway may show; without one
        the system's rules hold.
    :ivar allow_plaintext_lan: plain ``ws://`` inside a private network is accepted.
    :ivar seconds: how long each step of the handshake may take.
    """

    address: GatewayAddress
    introduction: Introduction
    reactor: Any
    device: DeviceIdentity | None = None
    pins: tuple[str, ...] = ()
    allow_plaintext_lan: bool = False
    seconds: float = HANDSHAKE_SECONDS

    async def dial(self, listener: Listener) -> tuple[Link, Hello]:
        """Open a connection and introduce ourselves.

        :raises GatewayUnreachable: there is no WebSocket to be had.
        :raises UntrustedCertificate: there is TLS, but with somebody else.
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
        tls = self._tls() if self.address.secure else None
        try:
            socket = cast(ClientSocket, await self._endpoint(tls).connect(factory))
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
            if isinstance(tls, PinnedCertificates) and tls.refused:
                raise UntrustedCertificate(url, tls.refused, pinned=True) from None
            if "certificate verify failed" in lost.reason:
                why = "it is signed by nobody this system knows, or is for another name"
                raise UntrustedCertificate(url, "", pinned=False, why=why) from None
            raise GatewayUnreachable(url, lost.reason or "it is not a WebSocket") from None

    def _endpoint(self, tls: IOpenSSLClientConnectionCreator | None) -> IStreamClientEndpoint:
        plain = HostnameEndpoint(
            self.reactor, self.address.host, self.address.port, timeout=self.seconds
        )
        return plain if tls is None else wrapClientTLS(tls, plain)

    def _tls(self) -> IOpenSSLClientConnectionCreator:
        name = self.address.certificate_name
        if self.pins:
            literal = isIPAddress(name) or isIPv6Address(name)
            return PinnedCertificates(self.pins, "" if literal else name)
        # Imported late: most connections are plain ones to this machine.
        from twisted.internet.ssl import optionsForClientTLS

        return optionsForClientTLS(name)
