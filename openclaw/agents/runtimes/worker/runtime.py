"""The runtime of agents on other hosts: a run goes to a worker, to another if that one is lost."""

from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError
from zope.interface import implementer

from openclaw.agents.runtimes.worker.job import Job, WorkerLost
from openclaw.agents.runtimes.worker.workers import NoWorker, Worker, Workers
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    MOST_TURNS,
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
    Turn,
)
from openclaw.protocol.schema.workers import WorkerImage, WorkerRequest, WorkerTurn

TRIES = 3
REQUEST = "worker.run.request"


@implementer(IAgentRuntime)
class WorkerRuntime:
    """One agent that workers run.

    :param backend: its id in the configuration.
    :param make_id: makes names of tries that nobody can guess.
    """

    name = "worker"
    most_turns = MOST_TURNS

    def __init__(
        self,
        backend: str,
        models: Sequence[ModelInfo],
        workers: Workers,
        make_id: Callable[[], str],
    ) -> None:
        self._backend = backend
        self._models = models
        self._workers = workers
        self._make_id = make_id

    def models(self) -> Sequence[ModelInfo]:
        """The models that are listed for it."""
        return self._models

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """See :meth:`IAgentRuntime.run`."""
        for left in reversed(range(TRIES)):
            worker = await self._worker(request)
            job = Job(self._make_id(), request.model, sink)
            try:
                return await self._give(worker, job, request)
            except WorkerLost:
                if job.shown or not left:
                    words = "the worker was lost while it answered"
                    raise self._failed(request, words, "network") from None
            except ModelError as error:
                raise self._failed(request, error.message, error.kind) from None
        raise AssertionError("the last try returns or raises")

    async def _worker(self, request: RunRequest) -> Worker:
        try:
            return await self._workers.free(self._backend, request.session_key)
        except NoWorker:
            words = (
                f"no worker that runs {self._backend!r} is connected; start one with: "
                f"openclaw worker run --backend {self._backend}"
            )
            raise self._failed(request, words, "network") from None

    async def _give(self, worker: Worker, job: Job, request: RunRequest) -> RunOutcome:
        self._workers.begin(worker, job, request.session_key)
        payload = _on_the_wire(job.name, self._backend, request)
        if not worker.link.tell(REQUEST, payload):
            self._workers.abort(worker, job)
            raise ModelError("the conversation is too large to be sent to a worker", kind="invalid")
        try:
            return await job.ended
        except CancelledError:
            self._workers.abort(worker, job)
            raise

    def _failed(self, request: RunRequest, words: str, kind: str) -> ModelError:
        provider = request.model.provider
        return ModelError(
            words if words.startswith(f"{provider}: ") else f"{provider}: {words}",
            kind=kind,
            provider=provider,
            model=request.model.id,
        )


def _on_the_wire(name: str, backend: str, request: RunRequest) -> WorkerRequest:
    return WorkerRequest(
        run=name,
        backend=backend,
        agent_id=request.agent_id,
        session_key=request.session_key,
        model=request.model.id,
        turns=[_turn(turn) for turn in request.turns],
        system=request.system,
        timeout_seconds=request.timeout_seconds,
        thinking=request.thinking,
        owner=request.authority.owner,
    )


def _turn(turn: Turn) -> WorkerTurn:
    images = [WorkerImage(mime=one.mime, data=one.data) for one in turn.images]
    return WorkerTurn(role=turn.role, text=turn.text, images=images)
