"""Every worker that is connected, what it works on, and who gets the next run."""

from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.runtimes.worker.job import Job, WorkerLost
from openclaw.deferreds import deferred
from openclaw.errors import InvalidRequest, ModelError
from openclaw.interfaces.agents import RunOutcome
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.interfaces.workers import IWorkerLink, IWorkers
from openclaw.protocol.schema.workers import WorkerAbort

NOBODY_SECONDS = 10.0
"""How long a run waits where no worker is connected; one that was lost comes back sooner."""

CONFIRM_SECONDS = 15.0
"""How long a worker may take to confirm an abort before its place is free all the same."""

ABORT = "worker.run.abort"


class NoWorker(Exception):
    """Nobody is there who could run it."""


@define(eq=False)
class Worker:
    """One connected worker.

    :ivar jobs: what it works on, by name.
    :ivar sessions: whose runs it had; it knows them.
    """

    link: IWorkerLink
    backends: frozenset[str]
    slots: int
    jobs: dict[str, Job] = field(factory=dict)
    aborting: dict[str, IDelayedCall] = field(factory=dict)
    sessions: set[str] = field(factory=set)

    @property
    def busy(self) -> int:
        """How many runs it has, aborted ones that are not confirmed gone included."""
        return len(self.jobs) + len(self.aborting)


@implementer(IWorkers)
class Workers:
    """Gives runs to workers, least busy first."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._workers: dict[str, Worker] = {}
        self._waiting: list[Deferred[None]] = []

    # -- runs ask --------------------------------------------------------------------------------

    @deferred
    async def free(self, backend: str, session_key: str) -> Worker:
        """Give the least busy worker for an agent, waiting for one if all are busy.

        :return: fails with :class:`NoWorker` if nobody who runs this agent is connected, and
            nobody comes soon.
        """
        patience = self._clock.seconds() + NOBODY_SECONDS
        while True:
            able = [one for one in self._workers.values() if backend in one.backends]
            if able:
                patience = self._clock.seconds() + NOBODY_SECONDS
            free = [one for one in able if one.busy < one.slots]
            if free:
                return min(free, key=lambda one: (one.busy, session_key not in one.sessions))
            if not able and self._clock.seconds() >= patience:
                raise NoWorker
            await self._change(None if able else patience - self._clock.seconds())

    def begin(self, worker: Worker, job: Job, session_key: str) -> None:
        """Note that a worker was given a run."""
        worker.jobs[job.name] = job
        worker.sessions.add(session_key)

    def abort(self, worker: Worker, job: Job) -> None:
        """Nobody waits for a run any more; its place is free once the worker has confirmed."""
        if worker.jobs.pop(job.name, None) is None:
            return
        worker.aborting[job.name] = self._clock.callLater(
            CONFIRM_SECONDS, self._confirmed, worker, job.name
        )
        worker.link.tell(ABORT, WorkerAbort(run=job.name))

    # -- IWorkers ----------------------------------------------------------------------------------

    def ready(self, link: IWorkerLink, backends: Sequence[str], slots: int) -> bool:
        """See :meth:`IWorkers.ready`."""
        known = self._workers.get(link.conn_id)
        if known is None:
            self._workers[link.conn_id] = Worker(link, frozenset(backends), slots)
        else:
            known.backends, known.slots = frozenset(backends), slots
        self._log.info(
            "worker {conn} runs {backends}, {slots} at a time",
            conn=link.conn_id,
            backends=", ".join(backends),
            slots=slots,
        )
        self._changed()
        return known is None

    def gone(self, conn_id: str) -> None:
        """See :meth:`IWorkers.gone`."""
        worker = self._workers.pop(conn_id, None)
        if worker is None:
            return
        self._log.warn(
            "worker {conn} is gone, with {count} runs", conn=conn_id, count=len(worker.jobs)
        )
        for name in list(worker.aborting):
            self._confirmed(worker, name)
        jobs, worker.jobs = worker.jobs, {}
        for job in jobs.values():
            job.fail(WorkerLost())
        self._changed()

    def delta(self, conn_id: str, run: str, text: str, thinking: str) -> None:
        """See :meth:`IWorkers.delta`."""
        job = self._job(conn_id, run)
        if job is not None:
            job.delta(text, thinking)

    def tool_started(self, conn_id: str, run: str, call: ToolCall) -> None:
        """See :meth:`IWorkers.tool_started`."""
        job = self._job(conn_id, run)
        if job is not None:
            job.tool_started(call)

    def tool_ended(self, conn_id: str, run: str, call: ToolCall, result: ToolResult) -> None:
        """See :meth:`IWorkers.tool_ended`."""
        job = self._job(conn_id, run)
        if job is not None:
            job.tool_ended(call, result)

    def ended(self, conn_id: str, run: str, outcome: RunOutcome) -> None:
        """See :meth:`IWorkers.ended`."""
        self._over(conn_id, run, lambda job: job.end(outcome))

    def failed(self, conn_id: str, run: str, words: str, kind: str) -> None:
        """See :meth:`IWorkers.failed`."""
        self._over(conn_id, run, lambda job: job.fail(ModelError(words, kind=kind)))

    # -- inside ----------------------------------------------------------------------------------

    def _job(self, conn_id: str, run: str) -> Job | None:
        """Find a run of a connection; ``None`` if it was aborted."""
        worker = self._workers.get(conn_id)
        if worker is not None and run in worker.aborting:
            return None
        if worker is None or run not in worker.jobs:
            raise InvalidRequest("this run is not this connection's, or has ended")
        return worker.jobs[run]

    def _over(self, conn_id: str, run: str, end: Callable[[Job], None]) -> None:
        job = self._job(conn_id, run)
        worker = self._workers[conn_id]
        if job is None:
            self._confirmed(worker, run)
            return
        del worker.jobs[run]
        end(job)
        self._changed()

    def _confirmed(self, worker: Worker, run: str) -> None:
        late = worker.aborting.pop(run)
        if late.active():
            late.cancel()
        self._changed()

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    async def _change(self, seconds: float | None) -> None:
        """Wait until something is different, at most so long."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        if seconds is not None:
            waiting.addTimeout(seconds, self._clock, lambda _, __: None)
        await waiting
