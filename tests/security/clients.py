"""Clients as they appear at the door: peers, params and real device keys that really sign."""

import base64
import hashlib
import random
from collections.abc import Sequence
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.task import Clock
from zope.interface import implementer

from openclaw.config.access import AccessSettings
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.security import Peer
from openclaw.protocol.base import Raw, Wire, to_plain
from openclaw.protocol.connect import ConnectParams
from openclaw.security.admission import Admission
from openclaw.security.approvals import Approvals
from openclaw.security.devices import Devices
from openclaw.security.identities.sources import Identities
from openclaw.security.pairing_codes import CodeMaker
from openclaw.security.policy import TrustPolicy
from openclaw.security.requests import PendingRequests
from openclaw.storage.memory import MemoryStore

NOW_MS = 1_795_160_000_000
NONCE = "b7cf11bb-3c0d-4a31-9a3f-5bd8a3a8c001"
TOKEN = "the-shared-token-of-this-gateway"
ALL5 = ["operator.admin", "operator.read", "operator.write", "operator.approvals"]
ALL5 += ["operator.pairing"]

LOCAL = Peer("127.0.0.1", loopback=True, host="127.0.0.1:18789")
REMOTE = Peer("10.1.2.3", loopback=True, forwarded=True, host="gateway.example")
PAGE = Peer("127.0.0.1", loopback=True, origin="http://127.0.0.1:18789", host="127.0.0.1:18789")
REMOTE_PAGE = Peer(
    "10.1.2.3", loopback=False, origin="http://10.0.0.5:18789", host="10.0.0.5:18789"
)
OWN = frozenset({"100.101.102.103"})  # Addresses of the gateway's host.


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class KeyedDevice:
    """A device with its own key, which signs as official clients do."""

    def __init__(self, number: int = 1) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
        self.raw = self.key.public_key().public_bytes_raw()
        self.id = hashlib.sha256(self.raw).hexdigest()

    def sign(self, plain: dict[str, Any], nonce: str, at_ms: int, version: int = 3) -> None:
        """Put a signed ``device`` into plain connect params."""
        client, auth = plain["client"], plain["auth"]
        token = auth.get("token") or auth.get("deviceToken") or auth.get("bootstrapToken") or ""
        scopes = ",".join(plain["scopes"])
        fields = [f"v{version}", self.id, client["id"], client["mode"], plain["role"], scopes]
        fields += [str(at_ms), token, nonce]
        if version == 3:
            fields.append(client["platform"].strip().lower())
            fields.append(client.get("deviceFamily", "").strip().lower())
        plain["device"] = {
            "id": self.id,
            "publicKey": b64(self.raw),
            "signature": b64(self.key.sign("|".join(fields).encode())),
            "signedAt": at_ms,
            "nonce": nonce,
        }


def plain_params(
    client: str = "cli/cli",
    *,
    auth: dict[str, str] | None = None,
    scopes: Sequence[str] = ALL5,
    role: str = "operator",
    protocols: tuple[int, int] = (4, 4),
    platform: str = "linux",
    family: str | None = "Linux",
    device: KeyedDevice | None = None,
    nonce: str = NONCE,
    at_ms: int = NOW_MS,
    version: int = 3,
) -> dict[str, Any]:
    """Params of ``connect`` as JSON would hold them; ``auth`` defaults to the right token."""
    name, mode = client.split("/")
    about = {"id": name, "version": "1", "platform": platform, "mode": mode}
    if family is not None:
        about["deviceFamily"] = family
    plain: dict[str, Any] = {
        "minProtocol": protocols[0],
        "maxProtocol": protocols[1],
        "client": about,
        "role": role,
        "scopes": list(scopes),
        "auth": {"token": TOKEN} if auth is None else auth,
    }
    if device is not None:
        device.sign(plain, nonce, at_ms, version)
    return plain


def params(*args: Any, **kwargs: Any) -> ConnectParams:
    """The same, decoded as the gateway does it."""
    return msgspec.convert(plain_params(*args, **kwargs), ConnectParams)


@implementer(IEvents)
class Told:
    """Remembers what operators were told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def wanted(self, event: str, session_key: str = "") -> bool:
        """Everything is."""
        return True

    def publish(self, event: str, payload: Wire | Raw, session_key: str = "") -> None:
        """Take one event, as operators would read it."""
        self.events.append((event, to_plain(payload)))

    def taken(self) -> list[tuple[str, Any]]:
        """The events since the last time."""
        taken, self.events = self.events, []
        return taken


class Door:
    """An admission with everything real around it, and clocks that stand still."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        *,
        seed: int = 1,
        access: AccessSettings | None = None,
        **policy: Any,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(NOW_MS / 1000)
        if store is None:
            store = MemoryStore(self.clock)
            store.startService()
        self.store = store
        self.devices = Devices(store, b"s" * 32, self.now_ms)
        self.devices.load()
        self.events = Told()
        randbytes = random.Random(seed).randbytes
        self.requests = PendingRequests(
            store, CodeMaker(b"c" * 32), self.events, self.now_ms, randbytes
        )
        self.requests.load()
        kinds = None if access is None else access.kinds
        trust = TrustPolicy(**{"secret": TOKEN, "kinds": kinds, **policy})
        self.admission = Admission(
            trust,
            self.devices,
            clock=self.now_ms,
            seconds=self.clock.seconds,
            random_bytes=randbytes,
            events=self.events,
            requests=self.requests,
            is_own=lambda address: str(address) in OWN,
            identities=None if access is None else Identities(access, self.now_ms),
        )
        self.approvals = Approvals(
            self.devices, self.requests, trust.pairing, self.events, self.now_ms, randbytes
        )

    def now_ms(self) -> int:
        """The wall clock in Unix milliseconds."""
        return round(self.clock.seconds() * 1000)
