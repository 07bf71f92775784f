"""Closes sockets of addresses that may not connect, before TLS and before a byte is read."""

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory

Accepts = Callable[[str], bool]


class AcceptingFactory(Factory):
    """Stands before whatever makes the protocols of a port.

    :param accepts: whether sockets from an address are kept.
    :param refused: told of each address that was not.
    """

    noisy = False

    def __init__(
        self, factory: IProtocolFactory, accepts: Accepts, refused: Callable[[str], None]
    ) -> None:
        self._factory = factory
        self._accepts = accepts
        self._refused = refused

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make a protocol; ``None`` makes the port close the socket."""
        address = getattr(addr, "host", "")
        if not self._accepts(address):
            self._refused(address)
            return None
        return None if addr is None else self._factory.buildProtocol(addr)

    def doStart(self) -> None:
        """Start what stands behind."""
        super().doStart()
        self._factory.doStart()

    def doStop(self) -> None:
        """Stop it."""
        self._factory.doStop()
        super().doStop()
