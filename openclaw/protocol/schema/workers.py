"""Workers: other hosts that run agents for this gateway; what they are given, what they tell."""

from typing import Annotated, Literal

from msgspec import Meta, field

from openclaw.protocol.base import Wire

Name = Annotated[str, Meta(min_length=1, max_length=200)]
RunName = Annotated[str, Meta(min_length=1, max_length=200)]


class WorkerReadyParams(Wire, frozen=True, kw_only=True):
    """Params of ``worker.ready``.

    :ivar backends: the agents it runs, by the ids of ``agents.defaults.cliBackends``.
    :ivar slots: how many runs at a time.
    """

    backends: Annotated[list[Name], Meta(max_length=50)]
    slots: Annotated[int, Meta(ge=1, le=1000)] = 4


class WorkerDeltaParams(Wire, frozen=True, kw_only=True):
    """Params of ``worker.run.delta``: more of an answer, or of what a model thinks.

    :ivar run: the name in ``worker.run.request``.
    """

    run: RunName
    text: str = ""
    thinking: str = ""


class WorkerItemParams(Wire, frozen=True, kw_only=True):
    """Params of ``worker.run.item``: the agent uses a tool of its own, or has used it.

    :ivar arguments: JSON text; with the start only.
    :ivar title: a few words for people; with the end only.
    :ivar text: what it said, for the transcript; with the end only.
    """

    run: RunName
    call_id: str
    name: str
    phase: Literal["start", "end"]
    arguments: str = "{}"
    is_error: bool = False
    title: str = ""
    text: str = ""


class WorkerUsage(Wire, frozen=True, kw_only=True):
    """Tokens of a run.

    :ivar input: without those read from a cache.
    """

    input: Annotated[int, Meta(ge=0)] = 0
    output: Annotated[int, Meta(ge=0)] = 0
    cache_read: Annotated[int, Meta(ge=0)] = 0
    cache_write: Annotated[int, Meta(ge=0)] = 0


class WorkerEndParams(Wire, frozen=True, kw_only=True):
    """Params of ``worker.run.end``: the whole answer."""

    run: RunName
    text: str
    stop_reason: Name = "stop"
    usage: WorkerUsage = WorkerUsage()


class WorkerFailParams(Wire, frozen=True, kw_only=True):
    """Params of ``worker.run.fail``: there is no answer.

    :ivar message: for people.
    :ivar kind: as in ``chat`` events' ``errorKind``.
    """

    run: RunName
    message: Annotated[str, Meta(min_length=1, max_length=10_000)]
    kind: Name = "unknown"


class WorkerImage(Wire, frozen=True, kw_only=True):
    """A picture.

    :ivar data: the bytes, in base64.
    """

    mime: str
    data: str


class WorkerTurn(Wire, frozen=True, kw_only=True):
    """One message of a conversation."""

    role: str
    text: str
    images: list[WorkerImage] = field(default_factory=list)


class WorkerRequest(Wire, frozen=True, kw_only=True):
    """Payload of ``worker.run.request``: a run for the one worker that gets it.

    :ivar run: a name of this try; results are taken under it, from this connection only.
    :ivar model: the model's id, as the agent names it.
    :ivar turns: oldest first; the last is to be answered.
    :ivar timeout_seconds: how long it may take as a whole.
    :ivar owner: whether the gateway's owner asks.
    """

    run: str
    backend: str
    agent_id: str
    session_key: str
    model: str
    turns: list[WorkerTurn]
    system: str
    timeout_seconds: float
    thinking: str
    owner: bool


class WorkerAbort(Wire, frozen=True, kw_only=True):
    """Payload of ``worker.run.abort``: nobody waits for this run any more."""

    run: str
