"""Look at the credentials of one handshake: which of them is good, and which failures count."""

from collections.abc import Callable

from attrs import frozen
from twisted.logger import Logger

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Peer
from openclaw.protocol.connect import ClientInfo, ConnectAuth
from openclaw.protocol.scopes import OPERATOR
from openclaw.security import refusals
from openclaw.security.clients import audience, is_browser
from openclaw.security.devices import Devices
from openclaw.security.grants import live_token
from openclaw.security.identities.refusals import kind_not_accepted
from openclaw.security.limiter import FailureLimiter, Kind, MissingCredentials
from openclaw.security.origins import is_local
from openclaw.security.places import Places
from openclaw.security.policy import TrustPolicy
from openclaw.security.secrets import SharedSecret
from openclaw.security.setup_codes import OneTimeCodes, SetupGrant


@frozen
class Credential:
    """What a client authenticated with.

    :ivar method: ``token``, ``password``, ``device-token``, ``bootstrap`` or ``none``.
    :ivar code: the one-time code, still to be used up.
    :ivar has_own: the device's own token came with it, and is good.
    :ivar setup: what the code is good for, if it is one that sets a device up.
    """

    method: str
    code: str | None = None
    has_own: bool = False
    setup: SetupGrant | None = None

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
    """Check credentials with the failure limiter in front of each of them.

    :param clock: Unix milliseconds.
    :ivar generation: how often the shared secret was changed.
    """

    _log = Logger()

    def __init__(
        self,
        policy: TrustPolicy,
        devices: Devices,
        codes: OneTimeCodes,
        limiter: FailureLimiter,
        missing: MissingCredentials,
        places: Places,
        clock: Callable[[], int],
    ) -> None:
        self._mode = policy.mode
        self._kinds = policy.kinds
        self._secret = None if policy.mode == "none" else SharedSecret(policy.secret)
        self.generation = 0
        self._devices = devices
        self._codes = codes
        self._limiter = limiter
        self._missing = missing
        self._places = places
        self._clock = clock

    def change_secret(self, secret: str) -> None:
        """Take another shared secret; the one before is wrong from now on."""
        self._secret = SharedSecret(secret)
        self.generation += 1

    def check(self, attempt: Attempt) -> Credential:
        """Find the credential that counts; the shared secret before the device's own.

        :raises openclaw.errors.ConnectRefused: none is good.
        """
        if self._mode == "none":
            return self._open(attempt)
        if not self._takes_any(attempt):
            raise kind_not_accepted()
        own, waits = self._own_token(attempt)
        fresh = own != "" and self.is_fresh(attempt.device_id or "", attempt.role, attempt.peer)
        # A device token travels in ``auth.token`` too; there it is no guess at the secret.
        guesses = [text for text in presented_secrets(attempt.auth) if text != own]
        if guesses:
            waits = max(waits, self._limiter.wait_ms(attempt.peer, Kind.SECRET))
            if self.is_secret(guesses, attempt.peer):
                return Credential(self._mode, has_own=fresh)
        if fresh:
            return Credential("device-token")
        if own:  # Too old; no guess, so it does not count as one.
            raise refusals.device_token_mismatch()
        code = _text(attempt.auth.bootstrap_token)
        if code and attempt.device_id is not None:
            return self._by_code(attempt, code)
        raise self._refusal(attempt, bool(guesses), waits)

    def is_secret(self, guesses: list[str], peer: Peer) -> bool:
        """Whether one of these is the shared secret; counts one failure if not.

        :return: ``False`` as well for a client that is locked out.
        """
        if self._secret is None or not self._takes(peer, self._mode):
            return False
        if self._limiter.wait_ms(peer, Kind.SECRET):
            return False
        if any(map(self._secret.matches, guesses)):
            return True
        self._limiter.failed(peer, Kind.SECRET)
        return False

    def nothing_shown(self, peer: Peer, told: ConnectRefused) -> ConnectRefused:
        """What to answer to who brings nothing: what is missing, or after too many to wait."""
        wait_ms = self._missing.noted(peer)
        return refusals.rate_limited(wait_ms) if wait_ms else told

    def bearer_wait_ms(self, token: str, peer: Peer) -> int:
        """How long who brought this bearer, or none, has to wait before the next is looked at."""
        return self._limiter.wait_ms(peer, Kind.SECRET) if token else self._missing.noted(peer)

    def takes_devices(self, peer: Peer) -> bool:
        """Whether tokens of devices, and codes to get one, count from there."""
        return self._takes(peer, "device", "token", "password")

    def _takes(self, peer: Peer, *kinds: str) -> bool:
        """Whether one of these kinds counts; on this machine the owner is never locked out."""
        return self._kinds is None or not self._kinds.isdisjoint(kinds) or is_local(peer)

    def _takes_any(self, attempt: Attempt) -> bool:
        """Whether what came is of a kind that counts; nothing at all is told as nothing."""
        auth, peer = attempt.auth, attempt.peer
        if self._takes(peer, self._mode) or not any(
            map(_text, (auth.token, auth.password, auth.device_token, auth.bootstrap_token))
        ):
            return True
        return attempt.device_id is not None and self.takes_devices(peer)

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
        if not self._takes(attempt.peer, self._mode):  # Then it can be nothing else.
            explicit = explicit or _text(attempt.auth.token)
        wait_ms = self._limiter.wait_ms(attempt.peer, Kind.DEVICE_TOKEN)
        if wait_ms:
            return "", wait_ms if explicit else 0
        for text in (explicit, _text(attempt.auth.token)):
            if text and self._devices.is_token(attempt.device_id, attempt.role, text):
                return text, 0
        if explicit:
            self._note_refusal(attempt, explicit)
            self._limiter.failed(attempt.peer, Kind.DEVICE_TOKEN)
        return "", 0

    def is_fresh(self, device_id: str, role: str, peer: Peer) -> bool:
        """Whether a device's token is young enough for where it comes from."""
        token = self._devices.token_of(device_id, role)
        return token is not None and not self._places.expired(token, peer, self._clock())

    def _note_refusal(self, attempt: Attempt, presented: str) -> None:
        """The client learns only that it does not fit; the owner may want to know more."""
        assert attempt.device_id is not None
        self._log.info(
            "token of {device_id} as {role} refused: {why}",
            device_id=attempt.device_id,
            role=attempt.role,
            why=self._devices.why_not(attempt.device_id, attempt.role, presented),
        )

    def _by_code(self, attempt: Attempt, code: str) -> Credential:
        if wait_ms := self._limiter.wait_ms(attempt.peer, Kind.CODE):
            raise refusals.rate_limited(wait_ms)
        if attempt.role == OPERATOR and self._codes.sign_in.is_good(code):
            return Credential("bootstrap", code)
        if not is_browser(attempt.client, attempt.peer):
            setup = self._codes.setup.grant(code, attempt.device_id or "", attempt.role)
            if setup is not None:
                return Credential("bootstrap", code, setup=setup)
        self._limiter.failed(attempt.peer, Kind.CODE)
        raise refusals.code_invalid()

    def _refusal(self, attempt: Attempt, guessed: bool, wait_ms: int) -> ConnectRefused:
        secret: refusals.Secret = "password" if self._mode == "password" else "token"
        talks_to = audience(attempt.client, attempt.peer)
        if wait_ms:
            return refusals.rate_limited(wait_ms)
        if attempt.device_id is not None and _text(attempt.auth.device_token):
            return refusals.device_token_mismatch()
        if guessed and not self._takes(attempt.peer, self._mode):
            return kind_not_accepted()
        if not guessed:
            return self.nothing_shown(attempt.peer, refusals.secret_missing(secret, talks_to))
        device = self._devices.get(attempt.device_id or "")
        return refusals.secret_mismatch(
            secret, talks_to, live_token(device, attempt.role) is not None
        )
