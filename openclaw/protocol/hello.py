"""``hello-ok``: what a client is told once it is admitted."""

from typing import Any, Literal

from openclaw.protocol.base import Wire
from openclaw.protocol.connect import (
    PROTOCOL,
    Features,
    GrantedAuth,
    Policy,
    ServerInfo,
)
from openclaw.protocol.schema.system import Snapshot

CAPABILITIES = ("published-model-catalog",)
"""What clients ask for by name before they use it; each is true of this gateway."""


class HelloOk(Wire, frozen=True, kw_only=True):
    """Payload of the answer to ``connect``."""

    server: ServerInfo
    features: Any
    snapshot: Snapshot
    auth: GrantedAuth
    policy: Policy
    type: Literal["hello-ok"] = "hello-ok"
    protocol: int = PROTOCOL


__all__ = ["CAPABILITIES", "Features", "HelloOk"]
