"""Look at the credentials of one handshake: which of them is good, and which failures count."""

from attrs import frozen

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Peer
from openclaw.protocol.connect import ClientInfo, ConnectAuth
from openclaw.protocol.scopes import OPERATOR
from openclaw.security import refusals
from openclaw.security.clients import audience, is_browser
from openclaw.security.codes import SignInCodes
from openclaw.security.devices import Devices
from openclaw.security.grants import live_token
from openclaw.security.limiter import FailureLimiter, Kind
from openclaw.security.policy import TrustPolicy
from openclaw.security.secrets import SharedSecret


@frozen
class Credential:
    """What a client authenticated with.

    :ivar method: ``token``, ``password``, ``device-token``, ``bootstrap`` or ``none``.
    :ivar code: the one-time code, still to be used up.
    """

    method: str
    code: str | None = None

    @property
    def is_shared(self) -> bool:
        """Whether it is the secret that the owner's own tools have."""
        return self.method in ("token", "password")


@frozen
class Attempt:
    """Everything that a decision about credentials looks at.

    :ivar device_id: the device whose key was proven, ``None`` without one.
    """

    auth: ConnectAuth
    client: ClientInfo
    role: str
    peer: Peer
    device_id: str | None


def presented_secrets(auth: ConnectAuth) -> tuple[str, ...]:
    """What the client offers as the shared secret; either field may hold it, blanks and all."""
    fields = (auth.token, auth.password)
    return tuple(dict.fromkeys(text for text in fields if isinstance(text, str) and text))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class Credentials:
    """Check credentials with the failure limiter in front of each of them."""

    def __init__(
        self,
        policy: TrustPolicy,
        devices: Devices,
        codes: SignInCodes,
        limiter: FailureLimiter,
    ) -> None:
        self._mode = policy.mode
        self._secret = None if policy.mode == "none" else SharedSecret(policy.secret)
        self._devices = devices
        self._codes = codes
        self._limiter = limiter

    def check(self, attempt: Attempt) -> Credential:
        """Find the credential that counts; the shared secret before the device's own.

        :raises openclaw.errors.ConnectRefused: none is good.
        """
        if self._mode == "none":
            return self._open(attempt)
        own, waits = self._own_token(attempt)
        # A device token travels in ``auth.token`` too; there it is no guess at the secret.
        guesses = [text for text in presented_secrets(attempt.auth) if text != own]
        if guesses:
            waits = max(waits, self._limiter.wait_ms(attempt.peer, Kind.SECRET))
            if self.is_secret(guesses, attempt.peer):
                return Credential(self._mode)
        if own:
            return Credential("device-token")
        code = _text(attempt.auth.bootstrap_token)
        if code and attempt.device_id is not None:
            return self._by_code(attempt, code)
        raise self._refusal(attempt, bool(guesses), waits)

    def is_secret(self, guesses: list[str], peer: Peer) -> bool:
        """Whether one of these is the shared secret; counts one failure if not.

        :return: ``False`` as well for a client that is locked out.
        """
        if self._secret is None or self._limiter.wait_ms(peer, Kind.SECRET):
            return False
        if any(map(self._secret.matches, guesses)):
            return True
        self._limiter.failed(peer, Kind.SECRET)
        return False

    def _open(self, attempt: Attempt) -> Credential:
        """A gateway without a secret ignores wrong ones; a page still brings its code."""
        code = _text(attempt.auth.bootstrap_token)
        if code and attempt.device_id is not None and is_browser(attempt.client, attempt.peer):
            return self._by_code(attempt, code)
        return Credential("none")

    def _own_token(self, attempt: Attempt) -> tuple[str, int]:
        """The presented text that is this device's token, and how long to wait if locked out."""
        if attempt.device_id is None:
            return "", 0
        explicit = _text(attempt.auth.device_token)
        wait_ms = self._limiter.wait_ms(attempt.peer, Kind.DEVICE_TOKEN)
        if wait_ms:
            return "", wait_ms if explicit else 0
        for text in (explicit, _text(attempt.auth.token)):
            if text and self._devices.is_token(attempt.device_id, attempt.role, text):
                return text, 0
        if explicit:
            self._limiter.failed(attempt.peer, Kind.DEVICE_TOKEN)
        return "", 0

    def _by_code(self, attempt: Attempt, code: str) -> Credential:
        if wait_ms := self._limiter.wait_ms(attempt.peer, Kind.CODE):
            raise refusals.rate_limited(wait_ms)
        if attempt.role == OPERATOR and self._codes.is_good(code):
            return Credential("bootstrap", code)
        self._limiter.failed(attempt.peer, Kind.CODE)
        raise refusals.code_invalid()

    def _refusal(self, attempt: Attempt, guessed: bool, wait_ms: int) -> ConnectRefused:
        secret: refusals.Secret = "password" if self._mode == "password" else "token"
        talks_to = audience(attempt.client, attempt.peer)
        if wait_ms:
            return refusals.rate_limited(wait_ms)
        if attempt.device_id is not None and _text(attempt.auth.device_token):
            return refusals.device_token_mismatch()
        if not guessed:
            return refusals.secret_missing(secret, talks_to)
        device = self._devices.get(attempt.device_id or "")
        return refusals.secret_mismatch(
            secret, talks_to, live_token(device, attempt.role) is not None
        )
