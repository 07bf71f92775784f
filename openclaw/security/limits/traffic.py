"""Limits of plain traffic: every frame and every HTTP request, whatever it asks; none unless set.

Three buckets stand in a row: the connection's, its address's, the whole gateway's. A request that
one of them refuses takes nothing out of the others, so that who asks too much does not use up what
all share.
"""

from collections.abc import Callable

from openclaw.errors import Busy
from openclaw.security.addresses import bucket as canonical
from openclaw.security.limits.buckets import CAPACITY, Bucket, Buckets, Rate, milliseconds
from openclaw.security.limits.refusals import rate_limited

Layer = tuple[str, Bucket, Rate]


class Traffic:
    """Counts what comes in.

    :param seconds: monotonic clock.
    :param gateway: all connections together.
    :param address: one client, as failures and sockets are counted too.
    :param connection: one connection.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        *,
        gateway: Rate | None = None,
        address: Rate | None = None,
        connection: Rate | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        self._seconds = seconds
        self._connection = connection
        self._addresses = None if address is None else Buckets(seconds, address, capacity=capacity)
        self._gateway = None if gateway is None else Bucket(gateway)
        self._gateway_rate = gateway

    @property
    def limited(self) -> bool:
        """Whether there is any limit; where there is none, nobody needs a meter."""
        return not (self._connection is None and self._addresses is None and self._gateway is None)

    def meter(self) -> "Meter":
        """Count one more connection."""
        return Meter(self, None if self._connection is None else Bucket(self._connection))

    def take(self, what: str, address: str, own: Bucket | None) -> Busy | None:
        """Take one out of every bucket, or out of none: then the refusal is returned."""
        now, layers = self._seconds(), self._layers(address, own)
        for name, one, rate in layers:
            wait = one.wait(now)
            if wait:
                return rate_limited(what, str(rate), name, milliseconds(wait))
        for _, one, _ in layers:
            one.take(now)
        return None

    def _layers(self, address: str, own: Bucket | None) -> list[Layer]:
        layers: list[Layer] = []
        if own is not None and self._connection is not None:
            layers.append(("connection", own, self._connection))
        if self._addresses is not None:
            found = self._addresses.of(canonical(address))
            layers.append(("address", found, self._addresses.rate))
        if self._gateway is not None and self._gateway_rate is not None:
            layers.append(("gateway", self._gateway, self._gateway_rate))
        return layers


class Meter:
    """Counts one connection's requests."""

    __slots__ = ("_own", "_traffic")

    def __init__(self, traffic: Traffic, own: Bucket | None) -> None:
        self._traffic = traffic
        self._own = own

    def take(self, what: str, address: str) -> Busy | None:
        """Count one request; what is returned, if anything, is to be answered instead.

        :param what: the method, or the request in other words.
        :param address: the client's, which behind a proxy may change from request to request.
        """
        return self._traffic.take(what, address, self._own)
