"""Where the domain meets the one outbound HTTP client; nothing below this line opens a socket."""

from collections.abc import Callable, Collection, Mapping

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


class OutboundError(Exception):
    """A request that got no answer, or not the whole of it.

    The message is for people: it names host and port, never a path, a query or a header.

    :ivar kind: ``refused`` (the guard said no), ``connect`` (no connection carried the request, so
        it may be sent again), ``timeout`` (the peer fell silent), ``lost`` (the connection broke)
        or ``too_large``.
    """

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


class IOutboundGuard(Interface):
    """Says which addresses requests may go to that nobody wrote into the configuration."""

    def resolve(url: str) -> Deferred[tuple[str, ...]]:
        """Let ``url`` pass, and say where it leads.

        :param url: with any of the schemes ``https``, ``http``, ``wss``, ``ws``, ``tls``, ``tcp``.
        :return: fires with the literal addresses to connect to, best first and never none; names
            are looked up once, here. Fails with :class:`OutboundError`: of kind ``refused`` if the
            gateway must not ask there, ``connect`` if there is no such host.
        """


class IOutboundResponse(Interface):
    """The head of an answer, and the way to its body; exactly one of the three ways is taken."""

    status: int = Attribute("HTTP status code; redirects are not followed.")

    def header(name: str) -> str:
        """The first header of that name, or an empty text."""

    def deliver(on_data: Callable[[bytes], None]) -> Deferred[None]:
        """Hand the body on as it arrives, in pieces of any size.

        :param on_data: what it raises ends the delivery, closes the connection and comes out of
            the Deferred.
        :return: fires when the body is complete; fails with :class:`OutboundError` if it breaks
            off or falls silent. Cancelling it closes the connection at once; after that
            ``on_data`` hears nothing more.
        """

    def read(limit: int) -> Deferred[bytes]:
        """Collect the body.

        :param limit: bytes; a longer body is an :class:`OutboundError` of kind ``too_large``.
        :return: fires with all of it; fails and is cancelled as ``deliver`` is.
        """

    def release() -> None:
        """Want nothing more.

        A body that is nearly finished may end, so that its connection can be used again; one that
        is not loses its connection.
        """


class IOutboundHTTP(Interface):
    """The only HTTP client of the gateway."""

    def request(
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        connect_seconds: float | None = None,
        idle_seconds: float = 120.0,
        trusted: bool = False,
    ) -> Deferred[IOutboundResponse]:
        """Send one request.

        :param connect_seconds: how long name look-up, connection and TLS may take; absent:
            ``connections.pool.connectionTimeout``.
        :param idle_seconds: how long the peer may be silent, before its answer and within it.
        :param trusted: the address is the operator's own (from the configuration), so the guard
            is not asked.
        :return: fires with the head of the answer; fails with :class:`OutboundError`. Cancelling
            it closes the connection at once.
        """


class IDownloads(Interface):
    """Fetches files from addresses that messages and platforms name."""

    def open(
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Collection[str] = (),
        trusted: Collection[str] = (),
        seconds: float = 300.0,
    ) -> Deferred[IOutboundResponse]:
        """Begin to fetch one file, following up to five redirects.

        :param headers: for the first origin alone: a redirect elsewhere goes without them.
        :param hosts: the only hosts that may be asked: names, or ``.example.com`` for all names
            below it; none given: any public host.
        :param trusted: origins of the operator's own, ``https://host:port``: they may be private,
            need not be on the list, and the guard is not asked there, until the chain has left
            them. Give them only where the platform, not a person, chose ``url``.
        :param seconds: for all of it, the body included; besides, 30 s of silence end it.
        :return: fires with the last answer, whatever its status. Its ``read`` bounds what is kept.
            Fails with :class:`OutboundError`; cancelling it closes the connection at once.
        """


class ISocketListener(Interface):
    """Hears what happens on a WebSocket or TCP connection of ours."""

    def opened(socket: "IOutboundSocket") -> None:
        """The connection is up; called once, before anything else."""

    def received(data: str | bytes) -> None:
        """A whole message came (text or binary), or some bytes of a TCP stream."""

    def closed(code: int, reason: str) -> None:
        """The connection is gone; called once, and nothing after it.

        :param code: the close code of a WebSocket; 1006 where it broke, and always for TCP.
        """


class IOutboundSocket(Interface):
    """A connection that is up."""

    def send(data: str | bytes) -> None:
        """Send a message (text frames for ``str``), or bytes of a TCP stream."""

    def close(code: int = 1000, reason: str = "") -> None:
        """Close in order; if the peer does not answer within a few seconds, cut."""

    def abort() -> None:
        """Cut at once."""


class IOutboundSockets(Interface):
    """The only way of the gateway to open WebSockets and TCP connections to others."""

    def websocket(
        url: str,
        listener: ISocketListener,
        *,
        headers: Mapping[str, str],
        connect_seconds: float | None = None,
        ping_seconds: float = 0.0,
        pong_seconds: float = 15.0,
        max_message: int = 16 << 20,
        trusted: bool = False,
    ) -> Deferred[IOutboundSocket]:
        """Open a WebSocket.

        :param connect_seconds: how long all of it may take, until it is open; absent:
            ``connections.pool.connectionTimeout``.
        :param ping_seconds: send pings that often, and count the connection as broken if one is not
            answered within ``pong_seconds``; 0 for none.
        :param max_message: bytes; a longer one closes the connection with 1009.
        :param trusted: the address is the operator's own, so the guard is not asked.
        :return: fires when it is open, after the listener's ``opened``; fails with
            :class:`OutboundError`, and then the listener hears nothing. Cancelling it gives up.
        """

    def tcp(
        host: str,
        port: int,
        listener: ISocketListener,
        *,
        tls: bool,
        connect_seconds: float | None = None,
        trusted: bool = False,
    ) -> Deferred[IOutboundSocket]:
        """Open a TCP connection, with TLS (names checked, pins obeyed) or without.

        :return: as of ``websocket``; with TLS once that is agreed.
        """
