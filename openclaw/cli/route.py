"""The way to the gateway: straight to its address, or through a tunnel that is kept up."""

from typing import Any

from attrs import evolve

from openclaw.cli.discovery import Target
from openclaw.cli.given import Given
from openclaw.cli.problems import Problem
from openclaw.client.address import GatewayAddress


class Route:
    """Leads to one gateway for as long as a command runs."""

    def __init__(self, target: Target, given: Given) -> None:
        self._target = target
        self._given = given
        self._tunnel: Any = None

    def open(self) -> GatewayAddress:
        """Tell where to connect now; makes the tunnel, if there has to be one and it is not up.

        :raises Problem: there is no way.
        """
        there, ssh = self._target.address, self._target.ssh
        if ssh is None:
            return there
        if not (there.secure or there.local or self._given.allow_plaintext_lan):
            raise Problem(
                f"Not connecting: plain ws:// to {there.host} would go on from {ssh} unencrypted.",
                "Use wss://, or a tunnel to the gateway's own machine.",
                code="UNSAFE_ADDRESS",
            )
        # Imported late: most commands need no tunnel.
        from openclaw.cli.tunnel import Tunnel

        if self._tunnel is None:
            self._tunnel = Tunnel(ssh, there, self._given.environ)
        port = self._tunnel.open(self._given.timeout_seconds)
        return evolve(there, host="127.0.0.1", port=port, name=there.certificate_name)

    def close(self) -> None:
        """Take the tunnel down."""
        if self._tunnel is not None:
            self._tunnel.close()
