"""Closes the sockets of credentials that are void; what is void is decided elsewhere."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.client import Client

DEVICE_REMOVED = 4001
SECRET_CHANGED = 1008


class Revocation:
    """Finds clients by device and role, or by what they authenticated with.

    They lose their rights and their events at once; the close comes with the end of this reactor
    turn, so that one who revokes itself still gets its answer.
    """

    _log = Logger()

    def __init__(self, broadcaster: Broadcaster, clock: IReactorTime) -> None:
        self._broadcaster = broadcaster
        self._clock = clock

    def device(self, device_id: str, role: str | None = None) -> None:
        """Close the sockets of a device, in one role or in all."""

        def concerned(client: Client) -> bool:
            admitted = client.admitted
            return admitted.device_id == device_id and role in (None, admitted.role)

        self._cut(concerned, DEVICE_REMOVED, "device removed")

    def shared_secret(self) -> None:
        """Close the sockets of everybody who came with the shared secret."""
        self._cut(
            lambda client: client.admitted.method in ("token", "password"),
            SECRET_CHANGED,
            "gateway credentials changed",
        )

    def expired(self, now_ms: int) -> None:
        """Close the sockets of credentials that have ended by themselves: ID tokens, old tokens."""

        def concerned(client: Client) -> bool:
            ends = client.admitted.expires_at_ms
            return ends is not None and ends <= now_ms

        self._cut(concerned, SECRET_CHANGED, "credential expired")

    def _cut(self, concerned: Callable[[Client], bool], code: int, reason: str) -> None:
        for client in [client for client in self._broadcaster if concerned(client)]:
            self._log.info("closing {conn_id}: {reason}", conn_id=client.conn_id, reason=reason)
            client.lose_rights()
            self._broadcaster.leave(client)
            self._clock.callLater(0, client.close, code, reason)
