"""The ``gateway`` section: where it listens, whom it lets in, what it serves; keys only."""

from typing import Annotated, Any, Literal

from msgspec import field

from openclaw.config.schema.fields import (
    Secret,
    Section,
    at_least,
    later,
    now,
    port_number,
)
from openclaw.config.schema.pairing import Pairing
from openclaw.config.units import Seconds

AuthMode = Literal["none", "token", "password", "pairing", "trusted-proxy"]
Dialect = Literal["native", "seed-connect", "seed-data"]
DIALECTS: tuple[Dialect, ...] = ("native", "seed-connect", "seed-data")


class TrustedProxy(Section, frozen=True, kw_only=True):
    """Users that a proxy has signed in (``mode: "trusted-proxy"``)."""

    user_header: Annotated[
        str, now("The header in which one of ``gateway.trustedProxies`` names the user.")
    ]
    allow_users: Annotated[
        tuple[str, ...], now("The users that may come in; absent: all that the proxy lets through.")
    ] = ()
    required_headers: Annotated[tuple[str, ...], now("Headers that must be there as well.")] = ()


class Tailscale(Section, frozen=True, kw_only=True):
    """Exposure by Tailscale; ``tailscale serve`` itself is yours to run."""

    mode: Annotated[
        Literal["off", "serve", "funnel"],
        now(
            "``serve`` or ``funnel``: listen on ``port``, loopback only, for ``tailscale serve``; "
            "only there its identity headers are believed, and nobody is local."
        ),
    ] = "off"
    port: Annotated[int, port_number("The port to point ``tailscale serve`` to.")] = 18788
    reset_on_exit: Annotated[bool, later("The gateway does not run Tailscale's tools.")] = False


class Auth(Section, frozen=True, kw_only=True):
    """How a client proves itself."""

    mode: Annotated[
        AuthMode | None,
        now(
            "``token`` (default): the shared token; ``password``: a shared password; ``pairing``: "
            "paired devices, the token is optional; ``trusted-proxy``: users that a proxy has "
            "signed in (``trustedProxy``); ``none``: loopback only."
        ),
    ] = None
    type: Annotated[AuthMode | None, now("Another spelling of ``mode``.")] = None
    token: Annotated[
        Secret | None,
        now("Shared token; made in ``<state-dir>/gateway/gateway-token`` when absent."),
    ] = None
    password: Annotated[Secret | None, now("Shared password.")] = None
    admin_channels: Annotated[
        tuple[str, ...],
        now("People on channels whose word is the owner's, by immutable ids: ``telegram:123``."),
    ] = field(default=(), name="admin_channels")
    rate_limit: Annotated[Any, later("Limits of failed authentication.")] = None
    allow_tailscale: Annotated[Any, later("Identity by Tailscale.")] = None
    trusted_proxy: Annotated[TrustedProxy | None, now("Users that a proxy has signed in.")] = None
    identity_scopes: Annotated[
        dict[str, tuple[str, ...]],
        now(
            "Scopes by the name of a user whom the proxy or Tailscale has signed in; other users "
            "of the proxy get all but ``admin`` and speech, of Tailscale none."
        ),
    ] = field(default_factory=dict)


class RateLimit(Section, frozen=True, kw_only=True, rename=None):
    """How much work one remote device or sender may start."""

    requests_per_minute: Annotated[
        int, at_least(1, "Requests that start work, per device or sender and minute.")
    ] = 60
    burst: Annotated[int, at_least(1, "How many of them may come at once.")] = 10


class ControlUi(Section, frozen=True, kw_only=True):
    """The web page that the gateway serves at ``/``."""

    root: Annotated[
        str | None,
        now("Folder of a built Control UI; without it ``/`` leads to ``/chat/``."),
    ] = None
    allowed_origins: Annotated[
        tuple[str, ...], now("Origins besides our own whose pages may open a socket.")
    ] = ()
    base_path: Annotated[str, later("Path below which the page is served.")] = ""
    enabled: Annotated[bool, later("Whether the page is served.")] = True


class Endpoint(Section, frozen=True, kw_only=True):
    """One HTTP endpoint."""

    enabled: Annotated[
        bool | None,
        now("``false``: not served; else it is, wherever a gateway token or password is set."),
    ] = None
    max_body_bytes: Annotated[int, at_least(1024, "Largest request, in bytes.")] = 1_048_576


class Endpoints(Section, frozen=True, kw_only=True):
    """The OpenAI-compatible endpoints."""

    chat_completions: Annotated[Endpoint, now("``POST /v1/chat/completions``.")] = Endpoint()
    responses: Annotated[Endpoint, now("``POST /v1/responses``.")] = Endpoint()


class Http(Section, frozen=True, kw_only=True):
    """What is served over plain HTTP besides health and the web chat."""

    endpoints: Annotated[Endpoints, now("OpenAI-compatible endpoints.")] = Endpoints()
    security_headers: Annotated[Any, later("Extra response headers.")] = None


class Remote(Section, frozen=True, kw_only=True):
    """Where the command line finds a gateway on another host (``gateway.mode: "remote"``)."""

    url: Annotated[str | None, now("Its address, ``wss://host:18789``.")] = None
    token: Annotated[Secret | None, now("Its token; never this gateway's own.")] = None
    password: Annotated[Secret | None, now("Its password.")] = None
    tls_fingerprint: Annotated[
        str | None,
        now(
            "SHA-256 fingerprint of the certificate to expect; another one is refused before "
            "anything is sent. Several, with commas between, while certificates change."
        ),
    ] = None
    ssh: Annotated[
        str | None,
        now(
            "``user@host``: reach it through an SSH tunnel to that host; ``url`` is then the "
            "address as seen from there, ``ws://127.0.0.1:18789`` unless set."
        ),
    ] = None
    transport: Annotated[str | None, later("``ssh`` or ``direct``.")] = None


class Tls(Section, frozen=True, kw_only=True):
    """Encryption of the gateway's own port."""

    enabled: Annotated[bool, now("Whether the port speaks TLS, and nothing else.")] = False
    cert: Annotated[
        str | None,
        now("Certificate file (PEM), its chain below it; read again when it changes."),
    ] = None
    key: Annotated[str | None, now("Private key file (PEM).")] = None
    cert_path: Annotated[str | None, now("Another spelling of ``cert``.")] = None
    key_path: Annotated[str | None, now("Another spelling of ``key``.")] = None
    ca_path: Annotated[
        str | None,
        now("Whom client certificates must be signed by (PEM); self-signed ones may stand in it."),
    ] = None
    client_certificates: Annotated[
        Literal["off", "optional", "required"] | None,
        now(
            "Whether clients are asked for a certificate; ``optional`` when ``caPath`` is set. "
            "With ``required`` nobody connects without one."
        ),
    ] = None
    auto_generate: Annotated[
        bool, now("Make a self-signed certificate at the first start when none is configured.")
    ] = True


class Policy(Section, frozen=True, kw_only=True):
    """What ``hello-ok`` tells clients about limits."""

    tick_interval_ms: Annotated[int, at_least(10, "Milliseconds between ``tick`` events.")] = 30_000
    max_payload: Annotated[
        int, at_least(65_536, "Largest message a client may send, in bytes.")
    ] = 26_214_400
    max_buffered_bytes: Annotated[
        int, at_least(65_536, "Unsent bytes after which a slow client is dropped.")
    ] = 52_428_800


class Gateway(Section, frozen=True, kw_only=True):
    """The listening side."""

    mode: Annotated[
        Literal["local", "remote"],
        now("``local``: a gateway runs here; ``remote``: the command line talks to another one."),
    ] = "local"
    host: Annotated[
        str | None,
        now("Address to listen on; any but a loopback one needs authentication."),
    ] = None
    port: Annotated[int, port_number("Port of WebSocket and HTTP; 0 takes any free one.")] = 18789
    bind: Annotated[
        str | None,
        now(
            "``loopback`` (default), ``lan`` (all addresses), ``custom`` (``customBindHost``), "
            "``auto`` (loopback), ``tailnet`` (loopback until it is served), or an address."
        ),
    ] = None
    custom_bind_host: Annotated[str | None, now("Address for ``bind: custom``.")] = None
    auth: Annotated[Auth, now("Authentication.")] = Auth()
    trusted_proxies: Annotated[
        tuple[str, ...],
        now("Addresses or networks whose ``X-Forwarded-For`` is believed."),
    ] = ()
    allowed_origins: Annotated[tuple[str, ...], now("Added to ``controlUi.allowedOrigins``.")] = ()
    control_ui: Annotated[ControlUi, now("The page at ``/``.")] = ControlUi()
    http: Annotated[Http, now("HTTP endpoints.")] = Http()
    dialects: Annotated[
        tuple[Dialect, ...],
        now("Frame dialects that are understood; ``native`` alone is as strict as the original."),
    ] = DIALECTS
    policy: Annotated[Policy, now("Limits announced to clients.")] = Policy()
    rate_limit: Annotated[RateLimit, now("Work limits of remote devices and chat senders.")] = (
        field(default=RateLimit(), name="rate_limit")
    )
    handshake_timeout: Annotated[
        Seconds, now("Time from connection to a complete ``connect``.")
    ] = Seconds(15)
    remote: Annotated[Remote, now("Another gateway to talk to.")] = Remote()
    tls: Annotated[Tls, now("Encryption of the port.")] = Tls()
    allow_plaintext: Annotated[
        bool,
        now(
            "Listen on an address that is not loopback without TLS and without a declared proxy; "
            "for networks where nobody can listen in, such as a container's or a VPN's."
        ),
    ] = False
    pairing: Annotated[Pairing, now("Which devices wait for an operator.")] = Pairing()
    clustering: Annotated[Any, later("Several gateways as one.")] = None
    health: Annotated[Any, later("Thresholds of the health checks.")] = None
    node_capabilities: Annotated[Any, later("Which node serves which capability.")] = None
    singleton: Annotated[bool, now("One gateway per state directory; always so.")] = True
    constraints: Annotated[Any, later("Promises about being the only one.")] = None
    nodes: Annotated[Any, later("Pairing and commands of nodes.")] = None
    tailscale: Annotated[Tailscale, now("Exposure by Tailscale.")] = Tailscale()
    reload: Annotated[Any, later("What happens when this file changes.")] = None
    roles: Annotated[Any, later("Named operator roles.")] = None
    tools: Annotated[Any, later("Tools over HTTP.")] = None
    push: Annotated[Any, later("Push notifications.")] = None
    terminal: Annotated[Any, later("The original's terminal; there is none here.")] = None
    cli_agents: Annotated[Any, later("Agents that are command lines.")] = None
    public_origin: Annotated[str | None, later("The gateway's address from outside.")] = None
    allow_real_ip_fallback: Annotated[bool, later("Whether ``X-Real-IP`` is believed.")] = False
