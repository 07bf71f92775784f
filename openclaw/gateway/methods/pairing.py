"""Codes that operators type: whoever shows one, sender or device, is let in."""

from collections.abc import Mapping

from attrs import frozen

from openclaw.deferreds import deferred
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.methods.devices import DeviceMethods
from openclaw.interfaces.security import ISenders
from openclaw.protocol.base import UnsetType
from openclaw.protocol.schema.devices import (
    PairingApproved,
    PairingApproveParams,
    PairingList,
    PairingListParams,
)


@frozen(kw_only=True)
class PairingMethods:
    """Senders and devices that wait to be let in."""

    senders: ISenders
    devices: DeviceMethods

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"pairing.list": self._list, "pairing.approve": self._approve}

    def _list(self, client: Client, params: PairingListParams) -> PairingList:
        channel = _text(params.channel)
        devices = [] if channel else list(self.devices.pairing.pending())
        return PairingList(senders=list(self.senders.pending(channel)), devices=devices)

    @deferred
    async def _approve(self, client: Client, params: PairingApproveParams) -> PairingApproved:
        channel, approver = _text(params.channel), self.devices.approver(client)
        kind = "sender" if channel else ""
        found = await self.devices.codes.find(params.code, approver, kind, channel)
        if found.kind == "sender":
            return PairingApproved(sender=await self.senders.approve(found.key))
        factor = _text(params.second_factor)
        device = await self.devices.pairing.approve(found.key, approver, factor)
        return PairingApproved(device=self.devices.paired(device))


def _text(value: str | UnsetType) -> str:
    return "" if isinstance(value, UnsetType) else value
