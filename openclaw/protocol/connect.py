"""The handshake's objects: challenge, connect params, hello. Decisions are taken elsewhere."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from openclaw.protocol.base import UNSET, UnsetType, Wire

PROTOCOL = 4
MINIMUM_PROBE_PROTOCOL = 3
MAX_PREAUTH_BYTES = 65_536
MAX_PAYLOAD_BYTES = 26_214_400
MAX_BUFFERED_BYTES = 52_428_800

Text = Annotated[str, Meta(min_length=1)]
ClientId = Literal[
    "webchat-ui",
    "openclaw-control-ui",
    "openclaw-browser-copilot",
    "openclaw-tui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-linux",
    "openclaw-ios",
    "openclaw-watchos",
    "openclaw-android",
    "node-host",
    "openclaw-worker",
    "test",
    "fingerprint",
    "openclaw-probe",
]
ClientMode = Literal["webchat", "cli", "ui", "backend", "node", "worker", "probe", "test"]

BROWSER_CLIENTS = frozenset({"webchat-ui", "openclaw-control-ui", "webchat"})


class Challenge(Wire, frozen=True, kw_only=True):
    """Payload of ``connect.challenge``: what a device signs.

    :ivar ts: Unix milliseconds.
    """

    nonce: str
    ts: int


class ClientInfo(Wire, frozen=True, kw_only=True):
    """Who says it is connecting; every field is a claim."""

    id: ClientId
    version: Text
    platform: Text
    mode: ClientMode
    display_name: str | UnsetType = UNSET
    device_family: str | UnsetType = UNSET
    model_identifier: str | UnsetType = UNSET
    build_id: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    instance_id: str | UnsetType = UNSET


class DeviceProof(Wire, frozen=True, kw_only=True):
    """A device's key and its signature over this connection's challenge.

    :ivar id: lowercase hex SHA-256 of the raw public key.
    :ivar public_key: 32 raw bytes, base64url without padding or standard base64.
    :ivar signed_at: Unix milliseconds.
    """

    id: Text
    public_key: Text
    signature: Text
    signed_at: Annotated[int, Meta(ge=0)]
    nonce: Text


class ConnectAuth(Wire, frozen=True, kw_only=True):
    """The credentials a client presents, any mixture of them."""

    token: str | UnsetType = UNSET
    password: str | UnsetType = UNSET
    device_token: str | UnsetType = UNSET
    bootstrap_token: str | UnsetType = UNSET


class ConnectParams(Wire, frozen=True, kw_only=True):
    """Params of ``connect``; properties we do not know are ignored."""

    min_protocol: int
    max_protocol: int
    client: ClientInfo
    role: str = "operator"
    scopes: list[str] = field(default_factory=list)
    caps: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    permissions: dict[str, Any] = field(default_factory=dict)
    path_env: str | UnsetType = UNSET
    device: DeviceProof | UnsetType = UNSET
    auth: ConnectAuth = ConnectAuth()
    locale: str | UnsetType = UNSET
    user_agent: str | UnsetType = UNSET


class Features(Wire, frozen=True, kw_only=True):
    """What this gateway really serves."""

    methods: list[str]
    events: list[str]
    capabilities: list[str] = field(default_factory=list)


class ServerInfo(Wire, frozen=True, kw_only=True):
    """Which gateway answered."""

    version: str
    conn_id: str
    boot_id: str


class StateVersion(Wire, frozen=True, kw_only=True):
    """Counters that rise with every presence and health change."""

    presence: int
    health: int


class SessionDefaults(Wire, frozen=True, kw_only=True):
    """Where a client starts when it names no session."""

    default_agent_id: str
    main_key: str
    main_session_key: str
    scope: str = "per-sender"


class GrantedAuth(Wire, frozen=True, kw_only=True):
    """What the connection was granted.

    :ivar issued_at_ms: when ``device_token`` was made.
    """

    role: str
    scopes: list[str]
    method: str | UnsetType = UNSET
    device_token: str | UnsetType = UNSET
    issued_at_ms: int | UnsetType = UNSET


class Policy(Wire, frozen=True, kw_only=True):
    """Limits and timers of this connection; bytes and milliseconds."""

    max_payload: int = MAX_PAYLOAD_BYTES
    max_buffered_bytes: int = MAX_BUFFERED_BYTES
    tick_interval_ms: int = 30_000
