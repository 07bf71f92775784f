"""Remember what refused devices asked for, so that a repeat keeps its request id. Memory only."""

from attrs import frozen

from openclaw.security.secrets import RandomBytes, new_id


@frozen
class Ask:
    """Exactly what a device wants; an approval will bind to this and to nothing else."""

    device_id: str
    reason: str
    role: str
    scopes: frozenset[str]
    platform: str
    device_family: str


class PairingAsks:
    """The newest ask of each device.

    :param limit: devices remembered; the one that asked longest ago goes first.
    """

    def __init__(self, random_bytes: RandomBytes, *, limit: int = 256) -> None:
        self._random_bytes = random_bytes
        self._limit = limit
        self._asks: dict[str, tuple[Ask, str]] = {}

    def __len__(self) -> int:
        return len(self._asks)

    def request_id(self, ask: Ask) -> str:
        """The id of this ask: kept while the device asks the same, new when it asks otherwise."""
        known = self._asks.pop(ask.device_id, None)
        request_id = known[1] if known and known[0] == ask else new_id(self._random_bytes)
        while len(self._asks) >= self._limit:
            del self._asks[next(iter(self._asks))]
        self._asks[ask.device_id] = ask, request_id
        return request_id
