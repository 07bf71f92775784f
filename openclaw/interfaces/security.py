"""Where sockets and HTTP ask who may connect, with which rights, and over which wire."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

from openclaw.protocol.connect import ConnectAuth, ConnectParams


@frozen
class Peer:
    """What the wire tells about the other side, before any credential is looked at.

    :ivar address: canonical IP address (v4-mapped folded) of the client, behind trusted proxies
        the one they report.
    :ivar loopback: the *socket's* peer is a loopback address.
    :ivar forwarded: a forwarding header was present.
    :ivar attributed: forwarded headers, if any, came from a trusted proxy.
    :ivar origin: the ``Origin`` header; ``None`` if absent, which no browser does.
    :ivar host: the ``Host`` header as sent, lowercased; empty if absent.
    """

    address: str
    loopback: bool
    forwarded: bool = False
    attributed: bool = True
    origin: str | None = None
    host: str = ""


@frozen
class Admitted:
    """A connection that may speak.

    :ivar scopes: the effective scopes, in the order asked.
    :ivar method: ``token``, ``password``, ``device-token``, ``bootstrap`` or ``none``.
    :ivar device_id: the proven device, ``None`` for a device-less client.
    :ivar device_token: the token to hand back, if this connection gets one.
    :ivar issued_at_ms: when that token was made, Unix milliseconds.
    :ivar local: the four conditions of local trust hold.
    """

    role: str
    scopes: tuple[str, ...]
    method: str
    device_id: str | None = None
    device_token: str | None = None
    issued_at_ms: int | None = None
    local: bool = False


@frozen
class DeviceToken:
    """What is known of a device's token for one role; never the token itself."""

    role: str
    scopes: tuple[str, ...]
    created_at_ms: int
    generation: int = 0
    rotated_at_ms: int | None = None
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None


@frozen
class Device:
    """One paired device, as ``device.pair.list`` shows it."""

    device_id: str
    public_key: str
    display_name: str
    platform: str
    device_family: str
    client_id: str
    client_mode: str
    approved_via: str
    created_at_ms: int
    approved_at_ms: int
    last_seen_at_ms: int
    last_seen_reason: str
    tokens: Mapping[str, DeviceToken] = field(factory=dict)


@frozen
class SignInCode:
    """A one-time code that signs a browser in.

    :ivar expires_at_ms: Unix milliseconds.
    """

    code: str
    expires_at_ms: int


class IAdmission(Interface):
    """Decides who may speak; the only place that does."""

    def refuses_upgrade(peer: Peer) -> tuple[int, str] | None:
        """What can be refused before a WebSocket exists.

        :return: HTTP status and a JSON body, or ``None`` to go on.
        """

    def admit(params: ConnectParams, peer: Peer, nonce: str) -> Admitted | Deferred[Admitted]:
        """Decide on one handshake.

        :param nonce: the nonce of this connection's own challenge.
        :return: the grant at once where nothing has to be stored, else a Deferred that fires when
            the new pairing is durable.
        :raises openclaw.errors.ConnectRefused: directly or through the Deferred.
        """

    def admit_seed(
        auth: ConnectAuth, role: str, asked: Sequence[str] | None, peer: Peer
    ) -> Admitted:
        """Decide on the handshake of one of the older dialects, where no device proves itself.

        :param asked: the scopes it named; ``None`` if it named none.
        :raises openclaw.errors.ConnectRefused: as :meth:`admit`.
        """

    def bearer(token: str, peer: Peer) -> Admitted | None:
        """Check an HTTP ``Authorization: Bearer`` credential; ``None`` if it is not good."""

    def sign_in_code() -> SignInCode:
        """Make a fresh one-time code: single use, ten minutes."""


class IDevices(Interface):
    """The paired devices; lives in memory, survives in the journal."""

    def paired() -> Sequence[Device]:
        """Every paired device, oldest first."""

    def get(device_id: str) -> Device | None:
        """One device."""

    def load() -> Deferred[None]:
        """Read the journal; fires when admission can work."""

    def seen(device_id: str, reason: str) -> None:
        """Note that a device came or went; written lazily, never on the handshake's path."""

    def flush() -> Deferred[None]:
        """Write what ``seen`` noted; fires when it is durable."""
