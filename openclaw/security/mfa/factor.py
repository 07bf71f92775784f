"""The owner's second factor: enrolled, proven, used up, forgotten. Who needs it is elsewhere."""

from collections.abc import Callable

import msgspec
from attrs import frozen
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.second_factor import FactorStatus, ISecondFactor, Offer
from openclaw.interfaces.security import Peer
from openclaw.interfaces.storage import IStore
from openclaw.security.limiter import FailureLimiter, Kind, Seconds
from openclaw.security.mfa import enrolment, refusals, totp
from openclaw.security.mfa.enrolment import Enrolment
from openclaw.security.mfa.recovery import hash_of, is_recovery_code, new_codes
from openclaw.security.secrets import RandomBytes

OFFER_LIFETIME_MS = 600_000
# Three of a million passwords are right at any time. Ten guesses a minute by many names, for
# months, would find one: so all wrong ones together are counted as well.
_WRONG_PER_HOUR = 30
_HOUR_SECONDS = 3600.0


@frozen
class _Offered:
    secret: str
    expires_at_ms: int


@implementer(ISecondFactor)
class SecondFactor:
    """One enrolment for the gateway's owner; lives in memory, survives in the journal.

    :param clock: Unix milliseconds.
    :param seconds: monotonic seconds, for lock-outs.
    :param account: what the authenticator app shows beside our name.
    """

    _log = Logger()

    def __init__(
        self,
        store: IStore,
        *,
        clock: Callable[[], int],
        seconds: Seconds,
        random_bytes: RandomBytes,
        account: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes
        self._account = account
        self._enrolment: Enrolment | None = None
        self._offered: _Offered | None = None
        self._by_name = FailureLimiter(seconds)
        self._in_all = FailureLimiter(
            seconds,
            failures=_WRONG_PER_HOUR,
            window_seconds=_HOUR_SECONDS,
            lock_seconds=_HOUR_SECONDS,
        )

    @deferred
    async def load(self) -> None:
        """Read the journal; fires when codes can be checked."""
        self._enrolment = await self._store.read(enrolment.load)

    def status(self) -> FactorStatus:
        """See :meth:`ISecondFactor.status`."""
        kept = self._enrolment
        if kept is None:
            return FactorStatus()
        return FactorStatus(kept.enrolled_at_ms, len(kept.recovery))

    def offer(self) -> Offer:
        """See :meth:`ISecondFactor.offer`."""
        if self._enrolment is not None:
            raise refusals.already_enrolled()
        secret = totp.new_secret(self._random_bytes)
        self._offered = _Offered(secret, self._clock() + OFFER_LIFETIME_MS)
        return Offer(secret, totp.app_uri(secret, self._account), self._offered.expires_at_ms)

    @deferred
    async def confirm(self, code: str, name: str) -> tuple[str, ...]:
        """See :meth:`ISecondFactor.confirm`."""
        if self._enrolment is not None:
            raise refusals.already_enrolled()
        offered, now_ms = self._offered, self._clock()
        if offered is None or now_ms >= offered.expires_at_ms:
            raise refusals.nothing_offered()
        self._check_patience(name, code)
        step = totp.matching_step(offered.secret, _plain(code), now_ms, -1)
        if step is None:
            raise self._wrong(name)
        codes = new_codes(self._random_bytes)
        made = Enrolment(
            secret=offered.secret,
            enrolled_at_ms=now_ms,
            last_step=step,
            recovery=tuple(map(hash_of, codes)),
        )
        self._offered = None  # Of two confirmations at once only one enrols.
        await self._store.run(enrolment.save, enrolment=made)
        self._enrolment = made
        self._log.info("a second factor was enrolled")
        return codes

    @deferred
    async def verify(self, code: str, name: str) -> None:
        """See :meth:`ISecondFactor.verify`."""
        kept = self._enrolment
        if kept is None:
            raise refusals.not_enrolled()
        if not code.strip():
            raise refusals.code_required()
        self._check_patience(name, code)
        used = self._used(kept, code)
        if used is None:
            raise self._wrong(name)
        # In memory at once, so that of two who send one code only one gets it; whether or not it
        # can be stored, it is spent.
        self._enrolment = used
        await self._store.run(enrolment.save, enrolment=used)

    @deferred
    async def disable(self) -> None:
        """See :meth:`ISecondFactor.disable`."""
        kept, self._enrolment, self._offered = self._enrolment, None, None
        try:
            await self._store.run(enrolment.delete)
        except BaseException:
            self._enrolment = kept
            raise
        self._log.warn("the second factor was removed")

    def _used(self, kept: Enrolment, code: str) -> Enrolment | None:
        """The enrolment after this code was used; ``None`` if it is not good."""
        plain = _plain(code)
        if totp.is_password(plain):
            step = totp.matching_step(kept.secret, plain, self._clock(), kept.last_step)
            return None if step is None else msgspec.structs.replace(kept, last_step=step)
        hashed = hash_of(plain)
        # Hashes of chance: the time of a look-up tells nothing that helps to guess one.
        if hashed not in kept.recovery:
            return None
        left = tuple(one for one in kept.recovery if one != hashed)
        self._log.warn("a recovery code was used, {left} are left", left=len(left))
        return msgspec.structs.replace(kept, recovery=left)

    def _check_patience(self, name: str, code: str) -> None:
        wait_ms = self._by_name.wait_ms(_counted(name), Kind.CODE)
        if not is_recovery_code(code):  # Nobody guesses one of those, and the owner may need it.
            wait_ms = max(wait_ms, self._in_all.wait_ms(_EVERYBODY, Kind.CODE))
        if wait_ms:
            raise refusals.rate_limited(wait_ms)

    def _wrong(self, name: str) -> Exception:
        self._by_name.failed(_counted(name), Kind.CODE)
        self._in_all.failed(_EVERYBODY, Kind.CODE)
        self._log.warn("a wrong second factor from {name}", name=name)
        return refusals.code_invalid()


def _counted(name: str) -> Peer:
    """Someone who is never exempt from the limit, as this machine would be."""
    return Peer(name, loopback=False)


_EVERYBODY = _counted("everybody")


def _plain(code: str) -> str:
    """Apps show passwords with a gap in the middle, and people type it."""
    return "".join(code.split())
