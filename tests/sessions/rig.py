"""Conversations and runs over a real journal, with a model and listeners of the test's making."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from openclaw.agents.runs import STORE_AGAIN_SECONDS, Runs
from openclaw.agents.runtimes.commands import is_command
from openclaw.errors import StoreError
from openclaw.interfaces.agents import (
    MOST_TURNS,
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
    Usage,
)
from openclaw.interfaces.conversations import Input, InputKind, IReplies, NewInput, Receipt
from openclaw.interfaces.events import IEvents
from openclaw.interfaces.storage import IStore, StoreHealth
from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.chat import History, HistoryParams
from openclaw.protocol.schema.sessions import SessionRow
from openclaw.sessions.conversations import Conversations
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.merging import Mode
from openclaw.storage.memory import MemoryStore

T = TypeVar("T")
MAIN = "agent:main:main"
START_SECONDS = 1_800_000_000
MODEL = ModelInfo(provider="mock", id="mock-1", name="Mock", context_window=8000)
OTHER = ModelInfo(provider="mock", id="mock-2", name="Other", context_window=4000)
COMMANDS = ModelInfo(provider="embedded", id="assistant", name="Assistant")


@implementer(IEvents)
class Heard:
    """Keeps every event; ``on_event`` sees each as it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.unwanted: set[str] = set()
        self.on_event: Callable[[str, Any], None] = lambda event, payload: None

    def wanted(self, event: str, session_key: str = "") -> bool:
        """Everything a test does not say otherwise of."""
        return event not in self.unwanted

    def publish(self, event: str, payload: Any, session_key: str = "") -> None:
        """Keep it, as clients would read it."""
        plain = to_plain(payload)
        self.events.append((event, plain))
        self.on_event(event, plain)

    def of(self, event: str, run_id: str = "") -> list[Any]:
        """Every payload of one event, of one run or of all."""
        return [
            payload
            for name, payload in self.events
            if name == event and run_id in ("", payload.get("runId"))
        ]

    def states(self, run_id: str = "") -> list[str]:
        """The states of the ``chat`` events of one run or of all."""
        return [payload["state"] for payload in self.of("chat", run_id)]


@define(eq=False)
class Call:
    """One run as the runtime sees it."""

    request: RunRequest
    sink: IRunSink
    done: Deferred[RunOutcome]
    cancelled: int = 0

    def finish(self, text: str, usage: Usage | None = None) -> None:
        """End it well."""
        self.done.callback(RunOutcome(text, usage=usage or Usage()))

    def answer(self, *deltas: str, usage: Usage | None = None) -> None:
        """Say all of it, and end it well."""
        self.sink.model_started(MODEL.provider, MODEL.id)
        for delta in deltas:
            self.sink.delta(delta)
        self.finish("".join(deltas), usage)

    @property
    def said(self) -> list[tuple[str, str]]:
        """The conversation the model was shown."""
        return [(turn.role, turn.text) for turn in self.request.turns]


@implementer(IAgentRuntime)
class ScriptedRuntime:
    """Does what the test tells it to, run by run.

    :ivar on_run: called with each run as it starts.
    """

    name = "scripted"
    most_turns = MOST_TURNS

    def __init__(self, *served: ModelInfo) -> None:
        self.served = served
        self.calls: list[Call] = []
        self.on_run: Callable[[Call], None] = lambda call: None

    def models(self) -> Sequence[ModelInfo]:
        """What it serves."""
        return self.served

    def run(self, request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Start a run that lasts until the test ends it."""

        def cancelled(_: object) -> None:
            call.cancelled += 1

        call = Call(request, sink, Deferred(cancelled))
        self.calls.append(call)
        self.on_run(call)
        return call.done


@implementer(IReplies)
class Replies:
    """Writes down what goes back; survives the worlds of one test as a platform would.

    :ivar given: (run id, text) of every reply taken.
    :ivar told: everything else, in order.
    :ivar watched: what became of inputs in their lanes, in order.
    :ivar failing: what the next replies fail with.
    """

    def __init__(self) -> None:
        self.given: list[tuple[str, str]] = []
        self.told: list[tuple[str, str]] = []
        self.watched: list[tuple[str, str]] = []
        self.failing: Exception | None = None

    def waits(self, entry: Input) -> None:
        """See :meth:`IReplies.waits`."""
        self.watched.append(("waits", entry.run_id))

    def begun(self, entry: Input) -> None:
        """See :meth:`IReplies.begun`."""
        self.watched.append(("begun", entry.run_id))

    def left(self, entry: Input) -> None:
        """See :meth:`IReplies.left`."""
        self.watched.append(("left", entry.run_id))

    def started(self, entry: Input) -> bool:
        """See :meth:`IReplies.started`."""
        self.told.append(("started", entry.run_id))
        return True

    def grew(self, entry: Input, text: str) -> None:
        """See :meth:`IReplies.grew`."""
        self.told.append(("grew", text))

    def settle(self, entry: Input) -> Deferred[None]:
        """See :meth:`IReplies.settle`."""
        self.told.append(("settle", entry.run_id))
        return succeed(None)

    def silent(self, entry: Input) -> None:
        """See :meth:`IReplies.silent`."""
        self.told.append(("silent", entry.run_id))

    def reply(self, entry: Input, text: str) -> Deferred[None]:
        """See :meth:`IReplies.reply`."""
        if self.failing is not None:
            return fail(self.failing)
        self.given.append((entry.run_id, text))
        return succeed(None)


@define
class OneRuntime:
    """Every model is served by one runtime."""

    runtime: ScriptedRuntime

    def resolve(self, ref: str = "", agent_id: str = "") -> ModelInfo:
        """The model of a reference."""
        return OTHER if ref == OTHER.ref else MODEL

    def runtime_for(self, model: ModelInfo) -> IAgentRuntime:
        """The one there is."""
        return self.runtime


@implementer(IStore)
class HeldStore:
    """A journal whose answers the test may hold back or refuse.

    :ivar held: what waits to be told, while ``holding``; functions themselves run at once.
    :ivar failing: names of functions that fail and leave nothing behind.
    :ivar dead: nothing happens any more, as after the end of a process.
    """

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner
        self.holding = False
        self.held: list[tuple[Deferred[Any], Deferred[Any]]] = []
        self.failing: set[str] = set()
        self.dead = False
        self.ran: list[str] = []

    def run(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run now, tell now or later."""
        return self._do(self.inner.run, function, arguments)

    def read(self, function: Callable[..., T], /, **arguments: Any) -> Deferred[T]:
        """Run now, tell now or later."""
        return self._do(self.inner.read, function, arguments)

    def health(self) -> StoreHealth:
        """The real one's."""
        return self.inner.health()

    def release(self, number: int = -1) -> None:
        """Tell what was held back: all of it, or the oldest ``number`` answers."""
        number = len(self.held) if number < 0 else number
        now, self.held = self.held[:number], self.held[number:]
        for waiting, result in now:
            result.chainDeferred(waiting)

    def _do(self, how: Any, function: Any, arguments: dict[str, Any]) -> Deferred[Any]:
        if self.dead:
            return Deferred()
        self.ran.append(function.__name__)
        failing = function.__name__ in self.failing
        result = fail(StoreError("disk full")) if failing else how(function, **arguments)
        if not self.holding:
            return result
        waiting: Deferred[Any] = Deferred()
        self.held.append((waiting, result))
        return waiting


_ids: Iterator[int] = count(1)


def make_id() -> str:
    """An id no other object of these tests has."""
    return f"id-{next(_ids)}"


@define(eq=False)
class World:
    """One process: conversations, runs, what they told, and what the model was asked."""

    inner: MemoryStore
    clock: Clock = field(factory=Clock)
    capacity: int = 100
    timeout_seconds: float = 600.0
    heard: Heard = field(factory=Heard, init=False)
    runtime: ScriptedRuntime = field(factory=lambda: ScriptedRuntime(MODEL), init=False)
    commands: ScriptedRuntime = field(factory=lambda: ScriptedRuntime(COMMANDS), init=False)
    counted: list[str] = field(factory=list, init=False)
    replies: Replies = field(factory=Replies)
    mode: Mode = "followup"
    store: HeldStore = field(init=False)
    keys: SessionKeys = field(factory=SessionKeys, init=False)
    index: SessionIndex = field(init=False)
    runs: Runs = field(init=False)
    conversations: Conversations = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = HeldStore(self.inner)
        models = OneRuntime(self.runtime)
        self.index = SessionIndex(self.keys, models.resolve, self.now_ms)
        self.runs = Runs(
            models,
            self.commands,
            self.heard,
            self.clock,
            self.now_ms,
            make_id,
            self.timeout_seconds,
            self.counted.append,
            self.replies,
        )
        self.conversations = Conversations(
            self.store,
            self.runs,
            self.heard,
            self.index,
            self.keys,
            self.clock,
            self.now_ms,
            make_id,
            self.replies,
            self.capacity,
            lambda entry: self.mode,
            is_command,
        )
        self.runs.conversations = self.conversations

    def now_ms(self) -> int:
        """Unix milliseconds of the test's clock."""
        return int((START_SECONDS + self.clock.seconds()) * 1000)

    def accept(
        self, run_id: str, text: str = "", key: str = MAIN, kind: InputKind = "chat", **more: Any
    ) -> Deferred[Receipt]:
        """Hand an input in."""
        new = NewInput(run_id=run_id, kind=kind, session_key=key, text=text or run_id, **more)
        return self.conversations.accept(new)

    def turn(self) -> None:
        """Let the reactor turn."""
        self.clock.advance(0)

    def give_up_storing(self) -> None:
        """Let every further try to store an end go by."""
        for seconds in STORE_AGAIN_SECONDS:
            self.clock.advance(seconds)

    @property
    def call(self) -> Call:
        """The latest run of the model."""
        return self.runtime.calls[-1]

    def crash(self) -> "World":
        """End this process as a kill would, and make the next one; it has to be started."""
        self.store.dead = True
        for _, result in self.store.held:
            result.addErrback(lambda _: None)
        return World(
            self.inner,
            capacity=self.capacity,
            timeout_seconds=self.timeout_seconds,
            replies=self.replies,
            mode=self.mode,
        )


def answers_itself(call: Call) -> None:
    """A model that answers every input at once, naming it."""
    call.answer(f"re {call.request.turns[-1].text}")


class WorldCase(SynchronousTestCase):
    """One process over a journal in memory, started."""

    def setUp(self) -> None:
        self.journal = MemoryStore(Clock())
        self.journal.startService()
        self.addCleanup(self.journal.stopService)
        self.world = self.start(World(self.journal))

    def start(self, world: World) -> World:
        """Start a process."""
        self.successResultOf(world.conversations.load())
        world.conversations.open()
        return world

    def restart(self, world: World | None = None) -> World:
        """Kill a process, start the next."""
        self.world = self.start((world or self.world).crash())
        return self.world

    def say(self, run_id: str, text: str = "", key: str = MAIN) -> Receipt:
        """Hand an input in and let it start."""
        receipt = self.successResultOf(self.world.accept(run_id, text, key))
        self.world.turn()
        return receipt

    def row(self, key: str = MAIN) -> SessionRow:
        """A session that exists, as clients see it."""
        row = self.world.conversations.row(key)
        assert row is not None
        return row

    def transcript(self, key: str = MAIN, world: World | None = None) -> list[tuple[str, str]]:
        """What a client reads: role and text, or the error for an answer that has none."""
        return [(one["role"], _words(one)) for one in self.messages(key, world)]

    def messages(self, key: str = MAIN, world: World | None = None) -> list[Any]:
        """Messages as a client reads them."""
        conversations = (world or self.world).conversations
        history = self.successResultOf(
            conversations.history(HistoryParams(session_key=key, limit=10_000))
        )
        assert isinstance(history, History)
        plain: list[Any] = to_plain(history)["messages"]
        return plain


def _words(message: dict[str, Any]) -> str:
    content = message["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    return text or f"error: {message.get('errorMessage', '')}"
