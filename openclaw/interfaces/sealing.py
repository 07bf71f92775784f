"""Where methods learn about the sealing of the journal, and have its key changed."""

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface


@frozen(kw_only=True)
class SealingState:
    """How the journal is sealed.

    :ivar key_id: names the key in use; tells nothing of it.
    :ivar source: where the keys are kept.
    :ivar rotating: rows that an older key sealed are being written again.
    :ivar rows: how many of them have been, since that began.
    """

    algorithm: str
    key_id: str
    source: str
    rotating: bool
    rows: int


class ISealing(Interface):
    """The sealing of a journal that is sealed."""

    def state() -> SealingState:
        """Tell how it is sealed."""

    def rotate() -> Deferred[SealingState]:
        """Make a new key; fires once it seals, while the old rows are still to be written again.

        :raises openclaw.errors.InvalidRequest: through the Deferred: one is running, or the keys
            are kept where the gateway cannot write.
        """
