"""Composes ``hello-ok``; what is the same for every client is encoded once."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from msgspec import UNSET

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client
from openclaw.gateway.presence import Presence
from openclaw.protocol import scopes
from openclaw.protocol.base import Raw, encode
from openclaw.protocol.connect import (
    Features,
    GrantedAuth,
    Policy,
    ServerInfo,
    SessionDefaults,
)
from openclaw.protocol.events import EVENTS
from openclaw.protocol.hello import CAPABILITIES, HelloOk
from openclaw.protocol.schema.system import Snapshot


@frozen(kw_only=True)
class About:
    """What never changes while the process lives.

    :ivar boot_id: names this start of the process.
    :ivar started_at_ms: Unix milliseconds.
    :ivar auth_mode: ``password`` is told to clients, as the original does; nothing else is.
    """

    version: str
    boot_id: str
    started_at_ms: int
    config_hash: str
    auth_mode: str
    session_defaults: SessionDefaults
    policy: Policy


class Greeting:
    """Makes the hello of each client."""

    def __init__(
        self,
        about: About,
        methods: list[str],
        presence: Presence,
        broadcaster: Broadcaster,
        health: Callable[[], Raw],
        now_ms: Callable[[], int],
    ) -> None:
        self._about = about
        self._presence = presence
        self._broadcaster = broadcaster
        self._health = health
        self._now_ms = now_ms
        self._features = Raw(
            encode(
                Features(methods=methods, events=sorted(EVENTS), capabilities=list(CAPABILITIES))
            )
        )
        self._session_defaults = Raw(encode(about.session_defaults))
        self._no_presence = Raw(b"[]")

    def hello(self, client: Client) -> HelloOk:
        """The payload of the answer to ``connect``."""
        about = self._about
        return HelloOk(
            server=ServerInfo(version=about.version, conn_id=client.conn_id, boot_id=about.boot_id),
            features=self._features,
            snapshot=self._snapshot(client),
            auth=_granted(client),
            policy=about.policy,
        )

    def _snapshot(self, client: Client) -> Snapshot:
        """The state at this instant; a node, and whoever may not read, sees no presence."""
        presence: Any = self._no_presence
        if scopes.READ in client.allowed:
            presence = self._presence.text()
        return Snapshot(
            presence=presence,
            health=self._health(),
            state_version=self._broadcaster.state_version(),
            uptime_ms=self._now_ms() - self._about.started_at_ms,
            session_defaults=self._session_defaults,
            auth_mode="password" if self._about.auth_mode == "password" else UNSET,
            applied_config_hash=self._about.config_hash,
        )


def _granted(client: Client) -> GrantedAuth:
    admitted = client.admitted
    return GrantedAuth(
        role=admitted.role,
        scopes=list(admitted.scopes),
        method=admitted.method,
        device_token=UNSET if admitted.device_token is None else admitted.device_token,
        issued_at_ms=UNSET if admitted.issued_at_ms is None else admitted.issued_at_ms,
    )
