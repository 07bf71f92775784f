"""The first frame of a connection: which dialect it opens, and what it asks. Decides nothing."""

from typing import Annotated, Any, Literal

import msgspec
from attrs import frozen
from msgspec import Meta, field

from openclaw.errors import ConnectRefused, FrameError, InvalidRequest
from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.connect import ClientInfo, ConnectAuth, ConnectParams
from openclaw.protocol.frames import decode_request
from openclaw.protocol.validation import convert_params, decode_params

Dialect = Literal["native", "seed-connect", "seed-data"]
DIALECTS: tuple[Dialect, ...] = ("native", "seed-connect", "seed-data")


class SeedParams(Wire, frozen=True, kw_only=True):
    """What the older dialects say when they connect; ``device_id`` is a label, not an identity."""

    device_id: Annotated[str, Meta(max_length=200)] = ""
    auth: ConnectAuth = ConnectAuth()
    challenge: str | UnsetType = UNSET
    role: str = "operator"
    scopes: list[str] | UnsetType = UNSET
    capabilities: list[str] = field(default_factory=list)
    node_type: str | UnsetType = UNSET
    version: str = "unknown"


@frozen
class Opening:
    """A first frame that asks to connect.

    :ivar request_id: the id to answer with; ``None`` if the dialect sent none.
    :ivar params: the ask in native terms, whatever dialect it came in.
    :ivar asked_scopes: false if a seed client named no scopes, so defaults apply.
    """

    dialect: Dialect
    request_id: str | None
    params: ConnectParams
    asked_scopes: bool = True


class NotAnOpening(Exception):
    """The first frame is none: close without an answer.

    :ivar close_code: 1000 for text that is not JSON, 1008 otherwise.
    """

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(reason)
        self.close_code = close_code
        self.reason = reason


class BadOpening(Exception):
    """The first frame is a request, but not one that can open a connection: answer, then close."""

    def __init__(self, request_id: str, refusal: ConnectRefused) -> None:
        super().__init__(refusal.message)
        self.request_id = request_id
        self.refusal = refusal


_connect_decoder = msgspec.json.Decoder(ConnectParams)


def read_opening(text: bytes, allowed: frozenset[Dialect]) -> Opening:
    """Read a connection's first frame.

    :param allowed: the dialects that may be spoken.
    :raises NotAnOpening: there is nothing to answer.
    :raises BadOpening: there is.
    """
    try:
        request = decode_request(text)
    except FrameError as error:
        if not error.is_json:
            raise NotAnOpening(1000, "") from None
        return _seed_opening(text, allowed)
    if request.method != "connect":
        raise BadOpening(
            request.id, ConnectRefused("invalid handshake: first request must be connect")
        )
    try:
        params = decode_params(
            "connect", _connect_decoder, b"{}" if request.params is UNSET else request.params
        )
    except InvalidRequest as error:
        raise BadOpening(request.id, ConnectRefused(error.message)) from None
    return Opening("native", request.id, params)


def _seed_opening(text: bytes, allowed: frozenset[Dialect]) -> Opening:
    """Read a first frame that is JSON, but not native."""
    try:
        frame = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):  # A number or a depth beyond us.
        raise NotAnOpening(1008, "invalid request frame") from None
    dialect, body = _seed_dialect(frame)
    if dialect is None or dialect not in allowed:
        raise NotAnOpening(1008, "invalid request frame")
    request_id = frame.get("id")
    if not isinstance(request_id, str):
        request_id = None
    try:
        seed = convert_params("connect", body, SeedParams)
    except InvalidRequest as error:
        raise BadOpening(request_id or "connect", ConnectRefused(error.message)) from None
    return Opening(dialect, request_id, _as_native(seed), seed.scopes is not UNSET)


def _seed_dialect(frame: Any) -> tuple[Dialect | None, Any]:
    if isinstance(frame, dict):
        if frame.get("type") == "connect" and isinstance(frame.get("params"), dict):
            return "seed-connect", frame["params"]
        if (
            frame.get("type") == "req"
            and frame.get("method") == "connect"
            and "params" not in frame
            and isinstance(frame.get("data"), dict)
        ):
            return "seed-data", frame["data"]
    return None, None


def _as_native(seed: SeedParams) -> ConnectParams:
    """Say the same in native terms; whatever a device claims here proves nothing."""
    node = seed.role == "node"
    return ConnectParams(
        min_protocol=4,
        max_protocol=4,
        client=ClientInfo(
            id="node-host" if node else "gateway-client",
            version=seed.version,
            platform=seed.node_type if seed.node_type else "unknown",
            mode="node" if node else "backend",
            display_name=seed.device_id or UNSET,
        ),
        role=seed.role,
        scopes=[] if seed.scopes is UNSET else seed.scopes,
        commands=seed.capabilities if node else [],
        caps=[] if node else seed.capabilities,
        auth=seed.auth,
    )
