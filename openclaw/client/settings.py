"""How a client introduces itself: who it is, what it asks for, which secrets it presents."""

import platform
from uuid import uuid4

from attrs import field, frozen

from openclaw import __version__
from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import (
    PROTOCOL,
    ClientId,
    ClientInfo,
    ClientMode,
    ConnectAuth,
    ConnectParams,
    DeviceProof,
)


@frozen
class Credentials:
    """The secrets a client presents; none of them appears in a ``repr``.

    :ivar token: the gateway's shared token.
    :ivar device_token: what the gateway gave this device for its role.
    :ivar bootstrap_token: a one-time code.
    """

    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    device_token: str = field(default="", repr=False)
    bootstrap_token: str = field(default="", repr=False)

    @property
    def signed(self) -> str:
        """The credential a device signs; a password never is."""
        return self.token or self.device_token or self.bootstrap_token

    def on_the_wire(self) -> ConnectAuth:
        """The ``auth`` of connect params."""
        return ConnectAuth(
            token=self.token or UNSET,
            password=self.password or UNSET,
            device_token=self.device_token or UNSET,
            bootstrap_token=self.bootstrap_token or UNSET,
        )


def command_line_client(id: ClientId = "cli", mode: ClientMode = "cli") -> ClientInfo:
    """The client object of our own command line on this machine."""
    return ClientInfo(
        id=id,
        mode=mode,
        version=__version__,
        platform=platform.system().lower() or "unknown",
        instance_id=str(uuid4()),
    )


@frozen
class Introduction:
    """What a client says in ``connect``, the same on every reconnect.

    :ivar scopes: the rights asked for; asking none gets none.
    :ivar commands: what a node offers.
    """

    client: ClientInfo = field(factory=command_line_client)
    credentials: Credentials = Credentials()
    role: str = "operator"
    scopes: tuple[str, ...] = ()
    caps: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def params(self, device: DeviceProof | None) -> ConnectParams:
        """The params of ``connect``."""
        return ConnectParams(
            min_protocol=PROTOCOL,
            max_protocol=PROTOCOL,
            client=self.client,
            role=self.role,
            scopes=list(self.scopes),
            caps=list(self.caps),
            commands=list(self.commands),
            device=UNSET if device is None else device,
            auth=self.credentials.on_the_wire(),
        )
