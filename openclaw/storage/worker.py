"""A database thread: takes jobs in batches, hands results to the reactor; knows no SQL."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from openclaw.storage.batches import Call, Outcome

MOST_PER_BATCH = 256

Job = tuple[Deferred[Any], Call]


class ThreadEngine(Protocol):
    """What a thread needs of an engine; all of it is called in the thread."""

    def open(self) -> None:
        """Get ready; a failure ends the thread."""

    def run(self, calls: list[Call]) -> list[Outcome]:
        """Run a batch; an exception means that all of it is lost."""

    def probe(self) -> None:
        """Raise if a batch would be lost now; asked now and then after one was."""

    def size_bytes(self) -> int:
        """Return the size on disk."""

    def close(self) -> None:
        """Let go of everything; never raises."""


@frozen
class Report:
    """What one batch came to; crosses to the reactor thread in one piece.

    :ivar jobs: the batch; empty after opening and after a probe.
    :ivar outcomes: one per job, unless ``error`` is set.
    :ivar error: why all of the batch is lost.
    """

    jobs: list[Job]
    outcomes: list[Outcome]
    error: BaseException | None
    size_bytes: int


class DatabaseThread:
    """Run jobs of the reactor thread on an engine, in their order.

    :param on_open: called in the reactor thread, with the exception if opening failed.
    :param on_report: called in the reactor thread, once per batch.
    :param probe_seconds: how long to wait for a job before a probe, while the last batch was lost.
    """

    def __init__(
        self,
        name: str,
        engine: ThreadEngine,
        reactor: IReactorFromThreads,
        on_open: Callable[[BaseException | None], None],
        on_report: Callable[[Report], None],
        probe_seconds: float,
    ) -> None:
        self._engine = engine
        self._reactor = reactor
        self._on_open = on_open
        self._on_report = on_report
        self._probe_seconds = probe_seconds
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lost = False
        self._ended: Deferred[None] = Deferred()
        # A daemon, so that a process whose reactor died is not kept alive by an idle thread.
        self._thread = Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; the engine is opened in it."""
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Queue one job. Only from the reactor thread."""
        self._jobs.put(job)

    def stop(self) -> Deferred[None]:
        """Do what is queued, then end; fires once the engine is closed and the thread is gone."""
        self._jobs.put(None)
        return self._ended

    def abandoned(self) -> list[Job]:
        """Return what is still queued after opening failed."""
        left = []
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                left.append(job)
        return left

    def _main(self) -> None:
        try:
            self._engine.open()
        except BaseException as error:  # Whatever it is, the reactor thread must hear of it.
            self._reactor.callFromThread(self._on_open, error)
        else:
            self._reactor.callFromThread(self._on_open, None)
            self._tell(Report([], [], None, self._engine.size_bytes()))
            self._work()
            self._engine.close()
        self._reactor.callFromThread(self._end)

    def _end(self) -> None:
        self._thread.join()  # Its last act was to call us.
        self._ended.callback(None)

    def _work(self) -> None:
        more = True
        while more:
            try:
                jobs, more = self._next()
            except Empty:
                self._run([])
            else:
                if jobs:
                    self._run(jobs)

    def _run(self, jobs: list[Job]) -> None:
        outcomes: list[Outcome] = []
        error: BaseException | None = None
        try:
            if jobs:
                outcomes = self._engine.run([call for _, call in jobs])
            else:
                self._engine.probe()
        except BaseException as problem:  # A bad disk today must not cost the writes of tomorrow.
            error = problem
        self._lost = error is not None
        self._tell(Report(jobs, outcomes, error, self._engine.size_bytes()))

    def _tell(self, report: Report) -> None:
        self._reactor.callFromThread(self._on_report, report)

    def _next(self) -> tuple[list[Job], bool]:
        """Wait for a job; return it with what else is queued, and whether to go on after it."""
        first = self._jobs.get(timeout=self._probe_seconds if self._lost else None)
        batch: list[Job] = []
        job = first
        while job is not None:
            batch.append(job)
            if len(batch) == MOST_PER_BATCH or self._jobs.empty():
                return batch, True
            job = self._jobs.get()
        return batch, False
