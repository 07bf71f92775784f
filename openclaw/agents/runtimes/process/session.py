"""One session's process: its runs one after the other, each aborted one confirmed gone first."""

from collections.abc import Callable
from contextlib import suppress

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from openclaw.agents.runtimes.process.child import Spawn
from openclaw.agents.runtimes.process.handover import Knowledge
from openclaw.agents.runtimes.process.peer import Gone, Peer, Refused, Silent
from openclaw.agents.runtimes.process.supervisor import Alarm, Supervisor
from openclaw.agents.runtimes.process.telling import Failed, Telling
from openclaw.agents.runtimes.process.wire import images_of
from openclaw.agents.runtimes.refusal import kind_of
from openclaw.deferreds import Tasks, deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import IRunSink, RunOutcome, RunRequest

ABORT_SECONDS = 5.0
TRIES = 2


@frozen(kw_only=True)
class SessionNeeds:
    """What the processes of all sessions have in common.

    :ivar hide: takes secrets out of the agent's words.
    :ivar idle_seconds: how long a process is kept that nobody uses.
    :ivar alarmed: told when a process crashes too often.
    """

    clock: IReactorTime
    hide: Callable[[str], str]
    idle_seconds: float
    alarmed: Callable[[Alarm], None]


class SessionProcess:
    """A process that knows one session, and no other.

    :param name: for people.
    :param idle: told once nobody has used it for the time it is kept.
    """

    def __init__(
        self, name: str, spawn: Spawn, needs: SessionNeeds, idle: Callable[["SessionProcess"], None]
    ) -> None:
        self.supervisor = Supervisor(name, spawn, needs.clock, needs.alarmed)
        self.last_used = needs.clock.seconds()
        self._needs = needs
        self._idle = idle
        self._lock = DeferredLock()
        self._tasks = Tasks()
        self._knowledge = Knowledge()
        self._peer: Peer | None = None
        self._model = self._thinking = ""
        self._runs = 0
        self._stopped = False
        self._rest: IDelayedCall | None = None

    @property
    def busy(self) -> bool:
        """Whether a run uses it, or waits for it, or is not confirmed gone."""
        return self._runs > 0 or bool(self._lock.locked)

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """Answer one request; see :meth:`IAgentRuntime.run`."""
        self._stay()
        self._runs += 1
        try:
            return await self._run_alone(request, sink)
        finally:
            self._runs -= 1
            self._leave()

    def stop(self, grace_seconds: float) -> Deferred[None]:
        """End the process; fires once it is gone."""
        self._stopped = True
        self._stay()
        return self.supervisor.stop(grace_seconds)

    async def _run_alone(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        await self._lock.acquire()
        try:
            outcome = await self._tries(request, sink)
        except CancelledError:
            # Whoever cancelled does not wait for this; the session's next run does.
            self._tasks.spawn("ending an aborted run", self._abort())
            raise
        except BaseException:
            self._lock.release()
            raise
        self._lock.release()
        return outcome

    async def _tries(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        for left in reversed(range(TRIES)):
            telling = Telling(sink, self._needs.hide)
            try:
                return await self._ask(request, sink, telling)
            except Gone as gone:
                self._knowledge.forget()
                if telling.shown or not left or self.supervisor.down:
                    raise self._failed(request, f"the agent's process {gone}", "stream") from None
            except Silent as silence:
                self._knowledge.forget()
                self.supervisor.hangs()
                raise self._failed(request, f"the agent hangs: {silence}", "timeout") from None
            except (Failed, Refused) as failure:
                self._knowledge.forget()
                raise self._failed(request, str(failure), _kind(str(failure))) from None
        raise AssertionError("the last try returns or raises")

    async def _ask(self, request: RunRequest, sink: IRunSink, telling: Telling) -> RunOutcome:
        peer = await self._ready()
        await peer.when_idle()
        await self._choose(peer, request)
        afresh = not self._knowledge.follows(request.turns)
        if afresh:
            await peer.ask("new_session")
        message = self._knowledge.message(request.turns, request.system, afresh)
        images = images_of(request.turns[-1].images) if request.turns else []
        # From here on it may say something that is not in what it knows.
        self._knowledge.forget()
        peer.on_event = telling.event
        peer.on_lost = lambda why: telling.fail(Gone(why))
        try:
            await peer.ask("prompt", message=message, **({"images": images} if images else {}))
            sink.model_started(request.model.provider, request.model.id)
            outcome = await telling.ended
        finally:
            peer.on_event = peer.on_lost = _deaf
        self._knowledge.learned(request.turns, request.system, outcome.text)
        return outcome

    async def _ready(self) -> Peer:
        """Give the process, new or known, that is ready for a prompt."""
        peer = await self.supervisor.peer()
        if peer is not self._peer:
            self._peer = peer
            self._knowledge.forget()
            self._model = self._thinking = ""
            with suppress(Refused):  # An agent that does not know the word does not do it.
                # One who decides what is tried again is enough.
                await peer.ask("set_auto_retry", enabled=False)
        return peer

    async def _choose(self, peer: Peer, request: RunRequest) -> None:
        provider, slash, model = request.model.id.partition("/")
        if slash and request.model.id != self._model:
            await peer.ask("set_model", provider=provider, modelId=model)
            self._model = request.model.id
        if request.thinking and request.thinking != self._thinking:
            await peer.ask("set_thinking_level", level=request.thinking)
            self._thinking = request.thinking

    async def _abort(self) -> None:
        """End what the process still works on, whatever it takes, then let the next run in."""
        try:
            self._knowledge.forget()
            peer = self._peer
            if peer is not None and not peer.idle:
                await self._abort_prompt(peer)
        finally:
            self._lock.release()
            self._leave()

    async def _abort_prompt(self, peer: Peer) -> None:
        asked = peer.ask("abort").addErrback(lambda _: None)
        try:
            await peer.when_idle().addTimeout(ABORT_SECONDS, self._needs.clock)
        except TooLate:
            self.supervisor.hangs()
            await peer.when_gone()
        except Gone:
            pass
        finally:
            asked.cancel()

    def _failed(self, request: RunRequest, words: str, kind: str) -> ModelError:
        provider = request.model.provider
        return ModelError(
            f"{provider}: {self._needs.hide(words)}",
            kind=kind,
            provider=provider,
            model=request.model.id,
        )

    def _stay(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None and rest.active():
            rest.cancel()

    def _leave(self) -> None:
        """Nobody uses it now; after a while nobody will miss it."""
        self.last_used = self._needs.clock.seconds()
        self._stay()
        if not (self.busy or self._stopped):
            self._rest = self._needs.clock.callLater(self._needs.idle_seconds, self._idle, self)


def _deaf(event: object) -> None:
    """Nobody waits for what the process says."""


def _kind(words: str) -> str:
    """What kind of failure a provider's words mean; many begin with the HTTP status."""
    status = words[:3]
    return kind_of(int(status)) if status.isdigit() and words[3:4] in ("", " ") else "unknown"
