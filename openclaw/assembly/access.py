"""Makes what decides about devices and senders: paired ones, waiting ones, codes, decisions."""

import os
import socket
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from openclaw.config.schema.pairing import Pairing, Place
from openclaw.config.settings import Settings
from openclaw.deferreds import deferred
from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.revocation import Revocation
from openclaw.interfaces.audit import IAudit
from openclaw.interfaces.second_factor import ISecondFactor
from openclaw.interfaces.storage import IStore
from openclaw.security.addresses import Address
from openclaw.security.approvals import Approvals
from openclaw.security.audit.events import AuditedEvents
from openclaw.security.code_desk import CodeDesk
from openclaw.security.devices import Devices
from openclaw.security.pairing_codes import CodeMaker, Guesses
from openclaw.security.policy import PairingPolicy, PlacePolicy
from openclaw.security.requests import PendingRequests
from openclaw.security.sender_codes import SenderCodes


@frozen(kw_only=True)
class Access:
    """Who was let in, who waits, and who decides.

    :ivar policy: when a device must be approved.
    """

    policy: PairingPolicy
    devices: Devices
    requests: PendingRequests
    approvals: Approvals
    senders: SenderCodes
    codes: CodeDesk

    @deferred
    async def load(self) -> None:
        """Read the journal; fires when clients can be judged."""
        await self.devices.load()
        await self.requests.load()
        await self.senders.load()


def make_access(
    settings: Settings,
    store: IStore,
    secret: bytes,
    broadcaster: Broadcaster,
    factor: ISecondFactor,
    audit: IAudit,
    now_ms: Callable[[], int],
    clock: IReactorTime,
) -> Access:
    """Make it.

    :param secret: tokens and codes are derived from it.
    """
    policy = pairing_policy(settings.config.gateway.pairing)
    maker = CodeMaker(secret)
    devices = Devices(store, secret, now_ms)
    events = AuditedEvents(broadcaster, audit)
    requests = PendingRequests(store, maker, events, now_ms, os.urandom)
    approvals = Approvals(devices, requests, policy, events, now_ms, os.urandom, factor)
    approvals.hang_up = Revocation(broadcaster, clock).device
    senders = SenderCodes(store, maker, now_ms)
    return Access(
        policy=policy,
        devices=devices,
        requests=requests,
        approvals=approvals,
        senders=senders,
        codes=CodeDesk({"device": requests, "sender": senders}, Guesses(clock.seconds)),
    )


def pairing_policy(configured: Pairing) -> PairingPolicy:
    """What the configuration says, as plain values."""
    policies = configured.policies
    return PairingPolicy(
        mode=configured.mode,
        localhost=_place(policies.localhost),
        lan=_place(policies.lan),
        tailnet=_place(policies.tailnet),
        wan=_place(policies.wan),
        own_tailnet=policies.localhost.own_tailnet,
        renew_tokens=configured.renew_tokens,
    )


def _place(configured: Place) -> PlacePolicy:
    lifetime = configured.token_lifetime
    return PlacePolicy(
        auto_approve=configured.auto_approve,
        require_token=configured.require_token,
        lifetime_seconds=None if lifetime is None else float(lifetime),
        mfa=configured.mfa,
    )


def is_own_address(address: Address) -> bool:
    """Whether an address is one of this host: only then a socket can be bound to it."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
