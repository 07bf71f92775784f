"""The methods of workers, a role of its own; a part of the one table of methods."""

from openclaw.protocol.method import Method
from openclaw.protocol.schema import workers
from openclaw.protocol.schema.common import Ok
from openclaw.protocol.scopes import WORKER_RUN as _WORKER

TABLE = (
    Method(
        "worker.ready",
        workers.WorkerReadyParams,
        Ok,
        _WORKER,
        "A worker takes runs from now on.",
    ),
    Method(
        "worker.run.delta",
        workers.WorkerDeltaParams,
        Ok,
        _WORKER,
        "More of an answer, from the worker that was given the run.",
    ),
    Method(
        "worker.run.item",
        workers.WorkerItemParams,
        Ok,
        _WORKER,
        "A worker's agent uses a tool of its own.",
    ),
    Method("worker.run.end", workers.WorkerEndParams, Ok, _WORKER, "A worker's run is done."),
    Method(
        "worker.run.fail",
        workers.WorkerFailParams,
        Ok,
        _WORKER,
        "A worker's run has no answer, or was aborted and is gone.",
    ),
)
