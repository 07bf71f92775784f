"""Clients without a socket: what they were sent is in a list."""

from typing import Any

import msgspec

from openclaw.gateway.client import Client
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import ClientInfo

LOCAL = Peer("127.0.0.1", loopback=True)


class Person:
    """One admitted client.

    :ivar slow: what ``congested`` says.
    """

    def __init__(
        self,
        conn_id: str = "c1",
        *,
        scopes: tuple[str, ...] = ("operator.admin",),
        role: str = "operator",
        device_id: str | None = None,
        mode: Any = "ui",
        instance_id: str | None = None,
    ) -> None:
        self.sent: list[bytes] = []
        self.slow = False
        self.client = Client(
            conn_id=conn_id,
            info=ClientInfo(
                id="openclaw-tui",
                version="1",
                platform="linux",
                mode=mode,
                instance_id=UNSET if instance_id is None else instance_id,
            ),
            admitted=Admitted(role=role, scopes=scopes, method="token", device_id=device_id),
            peer=LOCAL,
            caps=frozenset(),
            connected_at_ms=1,
            send=self.sent.append,
            congested=lambda: self.slow,
        )

    def heard(self) -> list[Any]:
        """The frames since the last time."""
        found = [msgspec.json.decode(one) for one in self.sent]
        self.sent.clear()
        return found
