"""Runs agents for a gateway: takes runs from its connection, tells it how they go."""

from collections.abc import Callable, Mapping

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.assembly.worker.sink import WorkerSink
from openclaw.client.errors import ClientError, ConnectionLost, RequestFailed
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.client.hello import Hello
from openclaw.deferreds import Tasks, deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import IAgentRuntime, ModelInfo, RunOutcome, RunRequest, Turn
from openclaw.interfaces.tools import Authority, Image
from openclaw.protocol.base import Wire
from openclaw.protocol.schema.workers import (
    WorkerAbort,
    WorkerReadyParams,
    WorkerRequest,
    WorkerTurn,
)

SPARE_SECONDS = 10.0
"""How much longer than the gateway a worker waits for its own agent."""


class WorkerHost:
    """One worker.

    :param client: not yet started.
    :param runtimes: what runs each agent, by the agent's id.
    :param slots: runs at a time.
    :param said: told what the person who started it may want to read.
    """

    _log = Logger()

    def __init__(
        self,
        client: GatewayClient,
        runtimes: Mapping[str, IAgentRuntime],
        slots: int,
        clock: IReactorTime,
        said: Callable[[str], None],
    ) -> None:
        self._client = client
        self._runtimes = runtimes
        self._slots = slots
        self._clock = clock
        self._said = said
        self._stopping = False
        self._tasks = Tasks()
        self._running: dict[str, Deferred[RunOutcome]] = {}
        client.on_hello(self._greeted)
        client.on_event(self._happened)
        client.on_lost(self._lost)

    def start(self) -> Deferred[Hello]:
        """Connect, and again whenever the connection is lost; see :meth:`GatewayClient.start`."""
        return self._client.start()

    @deferred
    async def stop(self) -> None:
        """End what runs and the connection; fires once both are closed."""
        self._stopping = True
        self._cancel_all()
        await self._tasks.drain()
        await self._client.close()

    # -- the connection tells --------------------------------------------------------------------

    def _greeted(self, hello: Hello) -> None:
        self._tasks.spawn("telling what it runs", self._announce())

    async def _announce(self) -> None:
        ready = WorkerReadyParams(backends=sorted(self._runtimes), slots=self._slots)
        try:
            await self._client.request("worker.ready", ready)
        except ClientError as error:
            self._said(f"The gateway takes no workers: {error}")
            return
        names = ", ".join(ready.backends)
        self._said(f"Connected; runs {names}, {self._slots} at a time.")

    def _lost(self, lost: ConnectionLost) -> None:
        """The gateway has given the runs to somebody else, or told that they failed."""
        if not self._stopping:
            self._said(f"The connection is lost: {lost}; trying again.")
        self._cancel_all()

    def _happened(self, event: Event) -> None:
        if event.event == "worker.run.request":
            given = msgspec.convert(event.payload, WorkerRequest)
            self._tasks.spawn("a run", self._run(given))
        elif event.event == "worker.run.abort":
            abort = msgspec.convert(event.payload, WorkerAbort)
            if abort.run in self._running:
                self._running[abort.run].cancel()

    # -- runs ----------------------------------------------------------------------------------

    async def _run(self, given: WorkerRequest) -> None:
        sink = WorkerSink(given.run, lambda method, params: self._tell(given.run, method, params))
        runtime = self._runtimes.get(given.backend)
        if runtime is None:
            sink.fail(f"this worker does not run {given.backend!r}", "invalid")
            return
        running = self._running[given.run] = runtime.run(_request(given), sink)
        try:
            running.addTimeout(given.timeout_seconds + SPARE_SECONDS, self._clock)
            sink.end(await running)
        except ModelError as error:
            sink.fail(error.message, error.kind)
        except (CancelledError, TooLate):
            sink.fail("aborted", "unknown")
        except Exception:  # Whatever an agent does, the gateway hears of the end.
            self._log.failure("a run broke")
            sink.fail("the worker failed", "unknown")
        finally:
            del self._running[given.run]

    def _tell(self, run: str, method: str, params: Wire) -> None:
        answer = self._client.request(method, params, timeout=None)
        answer.addErrback(self._refused, run)

    def _refused(self, failure: Failure, run: str) -> None:
        """The gateway does not want to hear of a run: nobody waits for it."""
        if failure.check(RequestFailed) and run in self._running:
            self._running[run].cancel()

    def _cancel_all(self) -> None:
        for running in list(self._running.values()):
            running.cancel()


def _request(given: WorkerRequest) -> RunRequest:
    return RunRequest(
        run_id=given.run,
        session_key=given.session_key,
        agent_id=given.agent_id,
        model=ModelInfo(given.backend, given.model, given.model),
        turns=[_turn(turn) for turn in given.turns],
        system=given.system,
        timeout_seconds=given.timeout_seconds,
        thinking=given.thinking,
        authority=Authority(owner=given.owner),
    )


def _turn(turn: WorkerTurn) -> Turn:
    images = tuple(Image(mime=one.mime, data=one.data) for one in turn.images)
    return Turn(turn.role, turn.text, images=images)
