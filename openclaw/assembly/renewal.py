"""Keeps the tokens of connected devices young, where use renews them."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from openclaw.gateway.client import Client
from openclaw.periodic import Periodic
from openclaw.security.devices import Devices
from openclaw.security.policy import PairingPolicy

MOST_SECONDS = 3600.0


def renewal(
    policy: PairingPolicy, clients: Iterable[Client], devices: Devices, clock: IReactorTime
) -> Periodic | None:
    """Note that connected devices use their tokens; ``None`` where no token grows old by itself.

    Else a device that stays connected would be a stranger when it comes back.

    :param clients: who is connected, whenever it is looked at.
    """
    places = (policy.localhost, policy.lan, policy.tailnet, policy.wan)
    lifetimes = [place.lifetime_seconds for place in places if place.lifetime_seconds is not None]
    if not policy.renew_tokens or not lifetimes:
        return None

    def renew() -> Deferred[None]:
        for client in clients:
            admitted = client.admitted
            if admitted.method == "device-token" and admitted.device_id is not None:
                devices.used(admitted.device_id, admitted.role)
        return succeed(None)

    # Often enough that also a gateway that is killed remembers a recent one.
    return Periodic(renew, clock, min(MOST_SECONDS, min(lifetimes) / 4))
