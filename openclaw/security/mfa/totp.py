"""Time-based one-time passwords (RFC 6238) as authenticator apps make them; remembers nothing."""

from base64 import b32encode

from pyotp import TOTP

from openclaw.security.secrets import RandomBytes, same_secret

STEP_SECONDS = 30
SKEW_STEPS = 1
DIGITS = 6
ISSUER = "OpenClaw"
_SECRET_BYTES = 20  # As long as the hash, which RFC 4226 recommends and every app understands.


def new_secret(random_bytes: RandomBytes) -> str:
    """Make a secret, base32."""
    return b32encode(random_bytes(_SECRET_BYTES)).decode("ascii")


def app_uri(secret: str, account: str) -> str:
    """The address that an authenticator app reads from a QR code.

    :param account: shown in the app beside the issuer.
    """
    return TOTP(secret, name=account, issuer=ISSUER).provisioning_uri()


def is_password(text: str) -> bool:
    """Whether a text looks like a one-time password; blanks are taken out before."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def matching_step(secret: str, password: str, now_ms: int, last_step: int) -> int | None:
    """Find the time step that a password was made in, one step early or late at most.

    :param now_ms: Unix milliseconds.
    :param last_step: the step of the password used last: it and all before it are void.
    :return: ``None`` if the password is wrong, or used.
    """
    totp = TOTP(secret)
    now_step = now_ms // 1000 // STEP_SECONDS
    found = None
    # Every step is compared, so that the time tells nothing of which one matched.
    for step in range(max(now_step - SKEW_STEPS, 0), now_step + SKEW_STEPS + 1):
        right = same_secret(password, totp.generate_otp(step))
        if right and step > last_step and found is None:
            found = step
    return found
