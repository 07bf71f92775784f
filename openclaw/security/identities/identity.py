"""Who somebody is, by another's word, and what the configuration grants for it; plain values."""

from typing import Literal

from attrs import frozen

from openclaw.protocol.scopes import APPROVALS, PAIRING, QUESTIONS, READ, WRITE

Method = Literal["oidc", "certificate", "trusted-proxy", "tailscale"]
Cause = Literal[
    "malformed",
    "algorithm",
    "key",
    "signature",
    "issuer",
    "audience",
    "expired",
    "not-yet",
    "subject",
    "role",
]
# What a user gets whom a trusted proxy lets through and the configuration does not name.
USUAL = (READ, WRITE, APPROVALS, QUESTIONS, PAIRING)


@frozen
class Identity:
    """Somebody who needs no shared secret.

    :ivar subject: who, in the other's words; for the log.
    :ivar scopes: the grant; a request never gets more.
    :ivar device_id: the paired device that it stands for; then its grant is the device's own.
    :ivar expires_at_ms: when the proof ends, Unix milliseconds; ``None``: with the connection.
    """

    method: Method
    subject: str
    scopes: tuple[str, ...] = ()
    device_id: str | None = None
    expires_at_ms: int | None = None


class IdentityRefused(Exception):
    """A proof that is not good.

    :ivar method: of what kind.
    :ivar cause: why; for anything but a token always ``subject``.
    :ivar is_guess: whether it may be an attempt to forge one, and not an accident.
    """

    def __init__(self, method: Method, cause: Cause) -> None:
        super().__init__(f"{method}: {cause}")
        self.method = method
        self.cause = cause
        self.is_guess = cause in ("malformed", "algorithm", "key", "signature")
