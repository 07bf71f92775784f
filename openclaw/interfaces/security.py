"""Where sockets and HTTP ask who may connect, with which rights, and over which wire."""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

from openclaw.protocol.connect import ConnectAuth, ConnectParams
from openclaw.protocol.schema.devices import PendingDevice, SenderRow


@frozen
class NamedUser:
    """A user whom the listener's other side has signed in.

    :ivar source: who says so: a proxy of ``gateway.trustedProxies``, or Tailscale on its listener.
    """

    source: Literal["trusted-proxy", "tailscale"]
    name: str


@frozen
class ClientCertificate:
    """A certificate that a client has shown, and TLS has verified.

    :ivar names: what it may be called by, the most exact first: its SHA-256 fingerprint,
        ``AB:CD:...``, then ``dn:`` and its subject, then ``cn:`` and its common name.
    :ivar expires_at_ms: Unix milliseconds.
    """

    names: tuple[str, ...]
    expires_at_ms: int


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
    :ivar certificate: what the client itself has shown; ``None`` without one, and always behind a
        proxy.
    :ivar user: whom a proxy has signed in; ``None`` unless the listener believes it.
    """

    address: str
    loopback: bool
    forwarded: bool = False
    attributed: bool = True
    origin: str | None = None
    host: str = ""
    certificate: ClientCertificate | None = None
    user: NamedUser | None = None


@frozen
class Admitted:
    """A connection that may speak.

    :ivar scopes: the effective scopes, in the order asked.
    :ivar method: ``token``, ``password``, ``device-token``, ``bootstrap`` or ``none``; ``oidc``,
        ``certificate``, ``trusted-proxy`` or ``tailscale`` where somebody else vouched.
    :ivar device_id: the proven device, ``None`` for a device-less client.
    :ivar device_token: the token to hand back, if this connection gets one.
    :ivar issued_at_ms: when that token was made, Unix milliseconds.
    :ivar local: the four conditions of local trust hold.
    :ivar expires_at_ms: when the credential ends, and the connection with it, Unix milliseconds.
    :ivar subject: who it is, in the words of whoever vouched; empty where nobody did.
    """

    role: str
    scopes: tuple[str, ...]
    method: str
    device_id: str | None = None
    device_token: str | None = None
    issued_at_ms: int | None = None
    local: bool = False
    expires_at_ms: int | None = None
    subject: str = ""


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
    """One paired device, as ``device.pair.list`` shows it.

    :ivar operator_label: what an operator calls it; empty: its own name.
    :ivar remote_ip: where it was when it was approved.
    """

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
    operator_label: str = ""
    remote_ip: str = ""


@frozen
class Approver:
    """Who decides about pairings and tokens.

    :ivar name: what attempts are counted by: a device, a user, or an address.
    :ivar allowed: every scope it effectively holds, implied ones included.
    :ivar device_id: ``None`` for a device-less client.
    :ivar verified: it has lately shown a second factor.
    :ivar user: whom somebody else has vouched for; empty for who came with a secret of our own.
    """

    name: str
    allowed: frozenset[str]
    device_id: str | None = None
    verified: bool = False
    user: str = ""


@frozen
class CodeUse:
    """What a pairing code is for.

    :ivar kind: ``device`` or ``sender``.
    :ivar key: the request's id, or what :class:`ISenders` calls the sender.
    """

    kind: str
    key: str


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

    def bearer_wait_ms(token: str, peer: Peer) -> int:
        """After a refusal: milliseconds until another one is looked at; 0: at once.

        :param token: what was refused; empty if there was none, which is counted here.
        """

    def sign_in_code() -> SignInCode:
        """Make a fresh one-time code: single use, ten minutes."""

    def setup_code(as_operator: bool, verified: bool) -> SignInCode:
        """Make a code that pairs one device as node, and as operator too if wanted: ten minutes.

        :param verified: whoever asks has lately shown a second factor, so that the code is good
            where a pairing takes one.
        """

    def change_secret(secret: str) -> None:
        """Take another shared secret from now on; the old one and all one-time codes are void."""


class ISharedToken(Interface):
    """The token that the owner's own tools share with the gateway."""

    def rotate() -> Deferred[str]:
        """Make a new one; every connection that came with the old one is closed.

        :return: fires with the file that holds it, once it is durable and counts.
        :raises openclaw.errors.InvalidRequest: through the Deferred: it is kept where the gateway
            does not write, or there is none.
        """


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


class IPairing(Interface):
    """What operators decide about devices and senders.

    Whoever decides needs the right to pair already; these methods look at what else it takes. All
    of them fail with :class:`openclaw.errors.InvalidRequest` in the protocol's words, or with
    :class:`openclaw.errors.StoreError` if nothing could be stored, and then nothing has changed.
    """

    def pending() -> Sequence[PendingDevice]:
        """The devices that wait, oldest first; from now on they count as seen."""

    def approve(request_id: str, approver: Approver, second_factor: str = "") -> Deferred[Device]:
        """Grant exactly what the request shows.

        :return: fires with the device once its grant is durable.
        """

    def reject(request_id: str) -> Deferred[str]:
        """Refuse a request; fires with the device's id."""

    def remove(device_id: str, approver: Approver) -> Deferred[None]:
        """Forget a device, its tokens and its requests; its sockets are closed."""

    def rename(device_id: str, label: str, approver: Approver) -> Deferred[None]:
        """Give a device a name of the operator's."""

    def rotate(
        device_id: str, role: str, scopes: Sequence[str] | None, approver: Approver
    ) -> Deferred[tuple[DeviceToken, str]]:
        """Make the present token void and a new one, never wider; its sockets are closed.

        :param scopes: fewer than now; ``None``: the same.
        :return: fires with the token's facts and its value.
        """

    def revoke(device_id: str, role: str, approver: Approver) -> Deferred[DeviceToken]:
        """Make a token void; its sockets are closed."""


class ICodes(Interface):
    """Finds out who shows a code; every wrong one counts, for the codes and for who typed it."""

    def find(code: str, approver: Approver, kind: str = "", channel: str = "") -> Deferred[CodeUse]:
        """Look among everybody who waits, or among one kind, or one channel's senders.

        :return: fires with what the code is for; it stays good until that is settled. Fails with
            :class:`openclaw.errors.InvalidRequest` if nobody shows it, and with
            :class:`openclaw.errors.Busy` once this approver has tried too often.
        """


class ISenders(Interface):
    """Strangers on chat platforms, let in one by one."""

    def pending(channel: str = "") -> Sequence[SenderRow]:
        """Who waits, oldest first; of one channel or of all."""

    def approve(key: str) -> Deferred[SenderRow]:
        """Let a sender in, named as :class:`ICodes` names it.

        :return: fires once it is durable; fails with :class:`openclaw.errors.InvalidRequest` if
            the sender does not wait (any more).
        """

    def ask(
        channel: str, account: str, sender_id: str, display_name: str = ""
    ) -> Deferred[str | None]:
        """Take note of a stranger who wrote.

        :return: fires with the code to show, the same for as long as it is good; ``None`` if too
            many wait already, and then nothing should be answered.
        """

    def is_approved(channel: str, account: str, sender_id: str) -> bool:
        """Whether this sender was let in."""

    def remove(channel: str, account: str, sender_id: str) -> Deferred[bool]:
        """Let a sender in no longer; fires with whether it was."""
