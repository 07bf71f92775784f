"""Every way a second factor is refused, each with its own code and next step; decides nothing."""

from openclaw.errors import Busy, Forbidden

CODE_INVALID = "MFA_CODE_INVALID"


def _forbidden(words: str, code: str, next_step: str) -> Forbidden:
    return Forbidden(words, {"code": code, "next": next_step})


def not_enrolled() -> Forbidden:
    """There is nothing to check a code against."""
    return _forbidden(
        "no second factor is enrolled",
        "MFA_NOT_ENROLLED",
        "On the gateway's machine run `openclaw mfa enroll`.",
    )


def already_enrolled() -> Forbidden:
    """Whoever replaces the factor has to prove the old one first."""
    return _forbidden(
        "a second factor is enrolled already",
        "MFA_ALREADY_ENROLLED",
        "Run `openclaw mfa disable` with a code of the present one, then enrol the new one.",
    )


def nothing_offered() -> Forbidden:
    """The offer is too old, was replaced, or never made."""
    return _forbidden(
        "there is no enrolment to confirm",
        "MFA_NOT_OFFERED",
        "Run `openclaw mfa enroll` again; an enrolment has to be confirmed within ten minutes.",
    )


def code_invalid() -> Forbidden:
    """Wrong, too old, or used before."""
    return _forbidden(
        "the code is wrong, expired or was used before",
        CODE_INVALID,
        "Wait for the next code of your authenticator app, check that its clock is right, or use "
        "one of your recovery codes.",
    )


def code_required() -> Forbidden:
    """Nothing was sent where a code is needed."""
    return _forbidden(
        "a code of the second factor is needed",
        "MFA_CODE_REQUIRED",
        "Send the code that your authenticator app shows, or one of your recovery codes.",
    )


def rate_limited(wait_ms: int) -> Busy:
    """Too many wrong codes.

    :param wait_ms: milliseconds until the next one is looked at.
    """
    return Busy(
        "too many wrong codes (retry later)",
        {
            "code": "MFA_RATE_LIMITED",
            "next": f"Wait {-(-wait_ms // 1000)} s, then use a fresh code.",
        },
        retry_after_ms=wait_ms,
    )
