"""Who asks, once the gate has let them in."""

from attrs import frozen

from openclaw.interfaces.security import Admitted, Peer
from openclaw.interfaces.tools import Authority
from openclaw.protocol.scopes import ADMIN, expand


@frozen
class Caller:
    """Somebody who may ask.

    :ivar admitted: what they were granted.
    :ivar peer: where they are.
    """

    admitted: Admitted
    peer: Peer

    @property
    def allowed(self) -> frozenset[str]:
        """Every scope they effectively hold."""
        return expand(self.admitted.scopes)

    @property
    def owner(self) -> bool:
        """Whether they are the owner, as a client with the same rights is on a socket."""
        return ADMIN in self.allowed

    @property
    def authority(self) -> Authority:
        """On whose behalf they act."""
        return Authority(owner=self.owner, scopes=self.allowed)
