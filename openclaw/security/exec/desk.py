"""The desk where dangerous things wait for a person; shows nothing and sends nothing itself."""

from collections.abc import Callable

from attrs import evolve
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import ApprovalNotFound, Busy
from openclaw.interfaces.approvals import Consent, Danger, IApprovals, Verdict
from openclaw.interfaces.audit import IAudit
from openclaw.interfaces.storage import IStore
from openclaw.security.exec import rows
from openclaw.security.exec.binding import check_size, command_line, digest_of

SECONDS = 120.0
LONGEST_SECONDS = 600.0
MOST_PENDING = 100
MOST_OF_A_SESSION = 10


@implementer(IApprovals)
class ApprovalDesk(Service):
    """Holds the questions that wait; the journal holds all of them."""

    def __init__(
        self,
        store: IStore,
        audit: IAudit,
        clock: IReactorTime,
        now_ms: Callable[[], int],
        make_id: Callable[[], str],
    ) -> None:
        self.setName("approvals")
        self._told: list[Callable[[Consent], None]] = []
        self._store = store
        self._audit = audit
        self._clock = clock
        self._now_ms = now_ms
        self._make_id = make_id
        self._tasks = Tasks()
        self._pending: dict[str, Consent] = {}
        self._asking: dict[str, str] = {}
        self._ended: dict[str, Consent] = {}
        self._waiting: dict[str, list[Deferred[Consent]]] = {}
        self._timers: dict[str, IDelayedCall] = {}

    @deferred
    async def load(self) -> None:
        """Read what waited when the gateway stopped; fires when it waits again."""
        for consent in await self._store.run(rows.read_pending, now=self._now_ms()):
            self._hold(consent)

    def stopService(self) -> Deferred[None]:
        """Stop the clocks; what waits is on disk."""
        super().stopService()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        return self._tasks.cancel()

    def tell(self, told: Callable[[Consent], None]) -> None:
        """Call it with every question that is asked, and again when it has ended."""
        self._told.append(told)

    # -- IApprovals ----------------------------------------------------------------------------

    @deferred
    async def ask(self, danger: Danger) -> Verdict:
        """See :meth:`IApprovals.ask`."""
        consent = await self.request(danger)
        try:
            decided = await self.wait(consent.id)
        except CancelledError:
            self._tasks.spawn("withdrawing an approval", self._end(consent.id, "expired", ""))
            raise
        if decided.state == "allowed" and await self.consume(consent.id, danger):
            return "allow-once"
        return "deny" if decided.state == "denied" else "expired"

    @deferred
    async def request(self, danger: Danger, seconds: float | None = None) -> Consent:
        """See :meth:`IApprovals.request`."""
        check_size(danger)
        self._check_room(danger.session_key)
        now, lasts = self._now_ms(), min(max(seconds or SECONDS, 1.0), LONGEST_SECONDS)
        consent = Consent(
            id=self._make_id(),
            danger=danger,
            digest=digest_of(danger),
            created_at_ms=now,
            expires_at_ms=now + int(lasts * 1000),
        )
        self._asking[consent.id] = danger.session_key
        try:
            await self._store.run(rows.save, consent=consent)
        finally:
            del self._asking[consent.id]
        self._hold(consent)
        self._note("exec.approval.requested", consent)
        self._tell(consent)
        return consent

    def wait(self, consent_id: str) -> Deferred[Consent]:
        """See :meth:`IApprovals.wait`."""
        return self._wait(consent_id)

    @deferred
    async def _wait(self, consent_id: str) -> Consent:
        if consent_id in self._ended:
            return self._ended[consent_id]
        if consent_id not in self._pending:
            raise _unknown(consent_id)
        waiting: Deferred[Consent] = Deferred()
        self._waiting.setdefault(consent_id, []).append(waiting)
        return await waiting

    @deferred
    async def resolve(self, consent_id: str, allow: bool, decided_by: str) -> Consent:
        """See :meth:`IApprovals.resolve`."""
        if consent_id not in self._pending:
            raise _unknown(consent_id)
        ended = await self._end(consent_id, "allowed" if allow else "denied", decided_by)
        if ended is None:
            raise _unknown(consent_id)
        return ended

    def consume(self, consent_id: str, danger: Danger) -> Deferred[bool]:
        """See :meth:`IApprovals.consume`."""
        return self._store.run(
            rows.use, consent_id=consent_id, digest=digest_of(danger), now=self._now_ms()
        )

    def pending(self) -> list[Consent]:
        """See :meth:`IApprovals.pending`."""
        return list(self._pending.values())

    # -- inside --------------------------------------------------------------------------------

    def _check_room(self, session_key: str) -> None:
        """A flood of questions gets answers that nobody has thought about."""
        sessions = [one.danger.session_key for one in self._pending.values()]
        sessions += self._asking.values()
        if len(sessions) >= MOST_PENDING or sessions.count(session_key) >= MOST_OF_A_SESSION:
            raise Busy("too many approvals wait already: decide about those first")

    def _hold(self, consent: Consent) -> None:
        self._pending[consent.id] = consent
        left = max(0, consent.expires_at_ms - self._now_ms()) / 1000
        self._timers[consent.id] = self._clock.callLater(left, self._expire, consent.id)

    def _expire(self, consent_id: str) -> None:
        del self._timers[consent_id]
        self._tasks.spawn("an approval's end", self._end(consent_id, "expired", ""))

    async def _end(self, consent_id: str, state: str, by: str) -> Consent | None:
        """Write an end, and tell it; ``None`` if it had ended before, or expires right now."""
        if state == "expired":
            await self._store.run(rows.expire, consent_id=consent_id)
        elif not await self._store.run(
            rows.decide, consent_id=consent_id, state=state, by=by, now=self._now_ms()
        ):
            return None
        consent = self._pending.pop(consent_id, None)
        if consent is None:
            return None
        timer = self._timers.pop(consent_id, None)
        if timer is not None:
            timer.cancel()
        ended = evolve(consent, state=state, decided_by=by)
        self._remember(ended)
        self._note("exec.approval.resolved", ended)
        self._tell(ended)
        for waiting in self._waiting.pop(consent_id, []):
            if not waiting.called:
                waiting.callback(ended)
        return ended

    def _remember(self, ended: Consent) -> None:
        """Whoever waits a moment too late is still told."""
        self._ended[ended.id] = ended
        while len(self._ended) > MOST_PENDING:
            del self._ended[next(iter(self._ended))]

    def _tell(self, consent: Consent) -> None:
        for told in self._told:
            told(consent)

    def _note(self, kind: str, consent: Consent) -> None:
        danger = consent.danger
        self._audit.note(
            kind,
            consent.id,
            command=danger.command[:200],
            node=danger.node[:200],
            session=danger.session_key,
            state=consent.state,
            by=consent.decided_by,
            digest=consent.digest,
        )


def words(consent: Consent) -> str:
    """A question for people, in full."""
    danger = consent.danger
    where = "" if danger.node == "gateway" else f" on {danger.node}"
    return f"{command_line(danger)}{where}"


def _unknown(consent_id: str) -> ApprovalNotFound:
    return ApprovalNotFound(f"unknown or expired approval id: {consent_id[:64]!r}")
