"""What a gateway grants in its hello, for clients to look at; nothing is decided here."""

from typing import Any

from attrs import field, frozen

from openclaw.client.errors import ClientError


@frozen
class Hello:
    """What the gateway granted.

    :ivar payload: the whole ``hello-ok``.
    """

    payload: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, payload: object) -> "Hello":
        """Take what ``connect`` was answered with.

        :raises ClientError: it is something else.
        """
        if not isinstance(payload, dict) or payload.get("type") != "hello-ok":
            raise ClientError("connect was answered with something that is not hello-ok")
        return cls(payload)

    @property
    def server_version(self) -> str:
        """The gateway's release."""
        return str(self._part("server").get("version", ""))

    @property
    def connection_id(self) -> str:
        """The gateway's name for this connection."""
        return str(self._part("server").get("connId", ""))

    @property
    def methods(self) -> frozenset[str]:
        """What the gateway serves."""
        return frozenset(self._part("features").get("methods", ()))

    @property
    def scopes(self) -> tuple[str, ...]:
        """The rights that were granted."""
        return tuple(self._part("auth").get("scopes", ()))

    @property
    def device_token(self) -> str:
        """The token of this device and role; empty if none was issued."""
        return str(self._part("auth").get("deviceToken", ""))

    @property
    def snapshot(self) -> dict[str, Any]:
        """Presence, health and their versions at the moment of the hello."""
        return self._part("snapshot")

    @property
    def tick_seconds(self) -> float:
        """How often the gateway promises to be heard."""
        return float(self._part("policy").get("tickIntervalMs", 30_000)) / 1000

    def _part(self, name: str) -> dict[str, Any]:
        part = self.payload.get(name)
        return part if isinstance(part, dict) else {}
