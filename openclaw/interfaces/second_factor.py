"""Where methods and pairing ask for the owner's second factor; how it is checked is elsewhere."""

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface


@frozen
class Offer:
    """A second factor that waits to be confirmed; replaces an older offer.

    :ivar secret: base32, for apps that read no picture.
    :ivar uri: ``otpauth://`` address, as authenticator apps read it from a QR code.
    :ivar expires_at_ms: Unix milliseconds after which it is void.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    expires_at_ms: int


@frozen
class FactorStatus:
    """What may be known of the second factor.

    :ivar enrolled_at_ms: Unix milliseconds, ``None`` if nothing is enrolled.
    :ivar recovery_codes_left: how many were not used yet.
    """

    enrolled_at_ms: int | None = None
    recovery_codes_left: int = 0


class ISecondFactor(Interface):
    """The owner's second factor: codes of an authenticator app, and recovery codes.

    Whoever calls these methods has authenticated already. All of them fail with
    :class:`openclaw.errors.Forbidden`, whose ``details`` hold a ``code`` and a ``next`` step, with
    :class:`openclaw.errors.Busy` after too many wrong codes, or with
    :class:`openclaw.errors.StoreError` if nothing could be stored, and then nothing was accepted.
    """

    def status() -> FactorStatus:
        """Tell what is enrolled."""

    def offer() -> Offer:
        """Make a secret for an authenticator app.

        :raises openclaw.errors.Forbidden: one is enrolled already.
        """

    def confirm(code: str, name: str) -> Deferred[tuple[str, ...]]:
        """Enrol the offered secret, proven by its first code.

        :return: fires with the recovery codes, which are shown this once, when they are durable.
        """

    def verify(code: str, name: str) -> Deferred[None]:
        """Check a code, of the app or for recovery, and use it up: no code is good twice.

        :param name: whom wrong codes are counted for: a device, or an address.
        :return: fires if the code was good, once that it was used is durable; fails if not.
        """

    def disable() -> Deferred[None]:
        """Forget the secret and the recovery codes; who may is decided by the caller."""
