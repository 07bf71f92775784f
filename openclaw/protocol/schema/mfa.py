"""The owner's second factor: enrolled, proven, removed."""

from typing import Annotated

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire

Code = Annotated[str, Meta(min_length=1, max_length=64)]


class MfaOffer(Wire, frozen=True, kw_only=True):
    """Result of ``mfa.enroll``: what an authenticator app is given; void unless confirmed.

    :ivar secret: base32.
    :ivar uri: the same as an ``otpauth://`` address, for a QR code.
    """

    secret: str
    uri: str
    expires_at_ms: int


class MfaConfirmParams(Wire, frozen=True, kw_only=True):
    """Params of ``mfa.confirm``: the first code that the app shows."""

    code: Code


class MfaConfirmed(Wire, frozen=True, kw_only=True):
    """Result of ``mfa.confirm``.

    :ivar recovery_codes: shown this once; each is good once, without the app.
    """

    recovery_codes: list[str]


class MfaVerifyParams(Wire, frozen=True, kw_only=True):
    """Params of ``mfa.verify``: a code of the app, or a recovery code."""

    code: Code


class MfaVerified(Wire, frozen=True, kw_only=True):
    """Result of ``mfa.verify``.

    :ivar verified_until_ms: until then no other code is asked of this device, or of this connection
        if it has none.
    """

    verified_until_ms: int
    recovery_codes_left: int


class MfaDisableParams(Wire, frozen=True, kw_only=True):
    """Params of ``mfa.disable``.

    :ivar code: of the factor that is removed; not needed where the configuration switched it off.
    """

    code: Code | UnsetType = UNSET


class MfaStatus(Wire, frozen=True, kw_only=True):
    """Result of ``mfa.status``.

    :ivar enabled: whether the configuration lets it be asked for.
    :ivar required_for: the methods that ask for it.
    :ivar verified_until_ms: absent if the caller would be asked for a code now.
    """

    enabled: bool
    enrolled: bool
    enrolled_at_ms: int | UnsetType = UNSET
    recovery_codes_left: int
    required_for: list[str]
    verified_until_ms: int | UnsetType = UNSET
