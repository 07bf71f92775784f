"""What TLS connections of the port are made with; replaced while connections live on theirs."""

from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from openclaw.config.tls import TlsSettings
from openclaw.errors import ConfigError
from openclaw.security.tls.pairs import Pair
from openclaw.security.tls.suites import restrict

_PROTOCOL = b"http/1.1"
_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    # A resumed session would outlive a rotated certificate and a removed authority.
    | SSL.OP_NO_TICKET
)


@implementer(IOpenSSLServerConnectionCreator)
class ServerContexts:
    """Gives every new connection the context of the moment."""

    def __init__(self, settings: TlsSettings, pair: Pair) -> None:
        self._settings = settings
        self._current = make_context(settings, pair)

    def serverConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:
        """One more connection; Twisted asks."""
        return SSL.Connection(self._current, None)

    def use(self, pair: Pair) -> None:
        """Present ``pair`` to whoever connects from now on; open connections are not touched."""
        self._current = make_context(self._settings, pair)


def make_context(settings: TlsSettings, pair: Pair) -> SSL.Context:
    """Make a context for one pair.

    :raises ConfigError: names what in the settings cannot be used.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    restrict(context, settings.min_version, settings.ciphers)
    context.set_alpn_select_callback(_select_protocol)
    pair.use_in(context)
    if settings.client_certificates != "off":
        _ask_clients(context, settings)
    return context


def _select_protocol(
    connection: SSL.Connection, offered: list[bytes]
) -> bytes | SSL._NoOverlappingProtocols:
    return _PROTOCOL if _PROTOCOL in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _ask_clients(context: SSL.Context, settings: TlsSettings) -> None:
    """Ask for a certificate; one that is shown and does not verify ends the handshake."""
    mode = SSL.VERIFY_PEER | SSL.VERIFY_CLIENT_ONCE
    if settings.client_certificates == "required":
        mode |= SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    context.set_verify(mode, lambda _conn, _cert, _error, _depth, fine: bool(fine))
    context.set_session_id(b"openclaw-gateway")
    path = settings.authorities
    try:
        pem = path.read_bytes() if path else b""
        context.load_verify_locations(str(path))
        authority = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
        context.set_client_ca_list([authority.get_subject()])
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "gateway.tls.caPath") from None
    except (SSL.Error, crypto.Error):
        raise ConfigError(f"{path} holds no certificates (PEM)", "gateway.tls.caPath") from None
