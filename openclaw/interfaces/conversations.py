"""Where clients, runs and the journal meet: inputs, transcripts, lanes, sessions."""

from collections.abc import Callable, Sequence
from typing import Literal

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

from openclaw.interfaces.agents import Sampling, Turn, Usage
from openclaw.interfaces.messages import Origin
from openclaw.interfaces.tools import Image, ToolCall, ToolSpec
from openclaw.protocol.base import Raw, Wire
from openclaw.protocol.schema.agents import AgentFinal
from openclaw.protocol.schema.chat import History, HistoryDelta, HistoryParams, Message
from openclaw.protocol.schema.sessions import (
    PatchParams,
    SessionDefaults,
    SessionRow,
    SessionsListParams,
)

InputKind = Literal["chat", "agent", "heartbeat"]


@frozen(kw_only=True)
class Wishes:
    """What a program asks for besides an answer to a text.

    :ivar turns: the whole conversation as the program tells it, this input last; the model is shown
        it instead of the session's own. Empty: the session's own.
    :ivar images: pictures that go with the text.
    :ivar tools: tools of the program's own: a run whose model asks for one ends with stop reason
        ``tool_calls`` and the calls in its record.
    :ivar tool_choice: see :attr:`openclaw.interfaces.agents.RunRequest.tool_choice`.
    :ivar max_tokens: most tokens of the answer; 0 for the model's own.
    """

    turns: tuple[Turn, ...] = ()
    images: tuple[Image, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = ""
    max_tokens: int = 0
    sampling: Sampling = field(factory=Sampling)


@frozen(kw_only=True)
class NewInput:
    """Something a person or a program says to a session.

    :ivar run_id: names the run, and makes a repeat of the same input harmless.
    :ivar timeout_seconds: how long its run may take; ``None`` for the configured time.
    :ivar system: extra words for the model, not part of the transcript.
    :ivar origin: where its answer goes besides the transcript; ``None`` for nowhere.
    :ivar owner: whether the owner asked; tools and commands that only they may use go by it.
    :ivar scopes: operator scopes of the client that asked.
    :ivar wishes: ``None`` if there are none, which is so for people.
    :ivar commanded_by: who gave it, if it is a command about a run or an approval: a device, a
        connection, ``channel:sender``. Such an input waits behind no run and joins none. Only the
        doors by which people speak may set it: what a model or a program says is no such command.
    """

    run_id: str
    kind: InputKind
    session_key: str
    text: str
    timeout_seconds: float | None = None
    system: str = ""
    origin: Origin | None = None
    owner: bool = False
    scopes: tuple[str, ...] = ()
    wishes: Wishes | None = None
    commanded_by: str = ""


@frozen(kw_only=True)
class Input:
    """An input that is on disk.

    :ivar message_seq: its place in the transcript.
    :ivar attempt: which attempt at running it this is, from 1.
    """

    run_id: str
    kind: InputKind
    session_key: str
    session_id: str
    agent_id: str
    text: str
    message_seq: int
    accepted_at_ms: int
    attempt: int = 1
    timeout_seconds: float | None = None
    system: str = ""
    origin: Origin | None = None
    owner: bool = False
    scopes: tuple[str, ...] = ()
    wishes: Wishes | None = None
    commanded_by: str = ""


class RunRecord(Wire, frozen=True, kw_only=True):
    """How a run ended, as the journal keeps it for repeats and for ``agent.wait``.

    :ivar error: the words of the failure, empty if there was none.
    :ivar reply: what goes back to where the input came from; empty for nothing.
    :ivar error_kind: see :attr:`openclaw.errors.ModelError.kind`; empty if there was no error.
    :ivar calls: tools of the asking program that it has to use before there can be an answer.
    """

    final: AgentFinal
    started_at: int
    ended_at: int
    error: str = ""
    stop_reason: str = ""
    reply: str = ""
    error_kind: str = ""
    calls: tuple[ToolCall, ...] = ()


@frozen(kw_only=True)
class Receipt:
    """What became of an input that was handed in.

    :ivar state: ``new``: this call stored it; ``in_flight``: an earlier call did and its run has
        not ended; ``done``: it has, and ``record`` says how.
    """

    state: Literal["new", "in_flight", "done"]
    input: Input
    record: RunRecord | None = None


@frozen(kw_only=True)
class Ending:
    """How a run ended.

    :ivar text: what had been answered; partial unless ``state`` is ``done``.
    :ivar error: in words for the user; empty if nothing went wrong.
    :ivar failover_reason: see :class:`openclaw.errors.ModelError`; told, and not kept.
    :ivar steps: what was done with tools on the way.
    :ivar calls: see :attr:`RunRecord.calls`.
    :ivar thinking: see :attr:`openclaw.interfaces.agents.Turn.thinking`.
    """

    state: Literal["done", "failed", "aborted", "timeout", "interrupted"]
    text: str
    started_at_ms: int
    ended_at_ms: int
    stop_reason: str = "stop"
    usage: Usage = field(factory=Usage)
    provider: str = ""
    model: str = ""
    error: str = ""
    error_kind: str = ""
    failover_reason: str = ""
    steps: tuple[Turn, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""


@frozen(kw_only=True)
class Unsummed:
    """A piece of a conversation that no summary stands for yet.

    :ivar turns: in order, behind the summary that there is.
    :ivar upto: place of its last message.
    """

    turns: Sequence[Turn]
    upto: int


class IConversations(Interface):
    """Sessions with their transcripts and lanes; acknowledged means synced."""

    def accept(new: NewInput) -> Deferred[Receipt]:
        """Store an input and queue it for its session.

        :return: fires when it is durable; fails with :class:`openclaw.errors.Busy` if the
            session's lane is full, :class:`openclaw.errors.InvalidRequest` for a key that is not
            one, :class:`openclaw.errors.StoreError` if it could not be stored.
        """

    def receipt(run_id: str) -> Deferred[Receipt | None]:
        """What is known of a run; ``None`` for one that was never accepted."""

    def turns(entry: Input, most: int) -> Deferred[Sequence[Turn]]:
        """The conversation a runtime should see for one input, that input last.

        :param most: how many of the latest turns; a summary of what is older comes on top.
        """

    def absorb(entry: Input) -> Deferred[Sequence[str]]:
        """Make inputs that came meanwhile part of a run, where its session is steered.

        :return: fires with what they say, once that is durable; often with nothing.
        """

    def shown(run_id: str) -> Deferred[None]:
        """Record that something of the answer is about to be seen; fires when durable."""

    def finish(entry: Input, ending: Ending) -> Deferred[Message | None]:
        """Store how a run ended; fires with the answer as it stands in the transcript."""

    def ended(run_id: str) -> Deferred[RunRecord]:
        """Fires when a run that waits or runs now has ended; cancel it to stop waiting."""

    def history(params: HistoryParams) -> Deferred[History | HistoryDelta]:
        """Read a transcript; an unknown session is empty."""

    def page(params: SessionsListParams) -> Raw:
        """List sessions, the latest first: the JSON text of a ``SessionsList``."""

    def recent(limit: int) -> Sequence[SessionRow]:
        """The sessions that changed last."""

    def row(key: str) -> SessionRow | None:
        """One session, ``None`` if unknown."""

    def defaults() -> SessionDefaults:
        """The model of a session that asks for none."""

    def count() -> int:
        """How many sessions there are."""

    def patch(params: PatchParams) -> Deferred[SessionRow]:
        """Change a session; fails with InvalidRequest if it is unknown or another by now."""

    def reset(key: str) -> Deferred[SessionRow]:
        """Start over under the same key; makes the session if there is none."""

    def said(key: str) -> Deferred[Sequence[Turn]]:
        """What a model would be told of a session: an earlier summary and what came after it."""

    def unsummed(key: str, most: int) -> Deferred[Unsummed]:
        """Messages that no summary stands for, oldest first: those of ``most`` places at a time."""

    def memory(key: str) -> str:
        """What the agent wrote down in a session for later; no other session sees it."""

    def remember(key: str, text: str) -> Deferred[None]:
        """Write ``text`` down in a session, in the place of what stood there.

        It stays when the session starts over, and goes when it is deleted. Fails with
        InvalidRequest if there is no such session, or it is another by now.
        """

    def shorten(key: str, session_id: str, summary: str, seq: int) -> Deferred[SessionRow]:
        """From now on a model is told ``summary`` instead of the messages up to ``seq``.

        The transcript itself stays as it is; fails with InvalidRequest if the session is unknown
        or another by now.
        """

    def delete(key: str, expected_session_id: str | None) -> Deferred[bool]:
        """Delete a session with its transcript; false if there was none."""

    def withdraw(session_key: str, run_id: str | None) -> Deferred[Sequence[str]]:
        """Take inputs that wait, not those that run, out of a lane; fires with their run ids."""


class IRunner(Interface):
    """Runs one input after the other for a lane."""

    def run(entry: Input) -> Deferred[None]:
        """Run one input to its end, whatever that is; never fails."""

    def supersede(run_id: str) -> None:
        """A newer input takes the place of a run: end it as if somebody had stopped it."""


class IRuns(Interface):
    """What clients may do with runs that exist."""

    def active() -> Sequence[str]:
        """Run ids that are running now."""

    def entry(run_id: str) -> Input | None:
        """What a run that is running now answers."""

    def abort(session_key: str, run_id: str | None) -> Deferred[Sequence[str]]:
        """Stop runs of a session; fires with the ids once each has ended.

        :param run_id: which; ``None`` for all but those of commands about runs.
        """

    def follow(run_id: str, heard: Callable[[str], None]) -> Callable[[], None]:
        """Hear every piece of an answer as it may be seen, at once and ungathered.

        :param run_id: a run that has not begun, or need not exist yet.
        :param heard: called with each piece; must neither fail nor take long.
        :return: call it to hear no more; whoever follows has to.
        """

    def interrupt() -> None:
        """End what still runs because the gateway stops; what nobody saw will run again."""


class IReplies(Interface):
    """Takes answers back to where their inputs came from; only for inputs that have an origin."""

    def waits(entry: Input) -> None:
        """It is in its lane: accepted now, or by an earlier process."""

    def begun(entry: Input) -> None:
        """An agent has it: there will be an answer, or a reason why not."""

    def left(entry: Input) -> None:
        """It is out of its lane, whatever became of it; perhaps no agent ever had it."""

    def started(entry: Input) -> bool:
        """It is run now; its agent may be hard to reach.

        :return: whether to tell :meth:`grew`: the answer is shown while it grows.
        """

    def grew(entry: Input, text: str) -> None:
        """So much of the answer may be seen already; each call has the whole of it so far."""

    def settle(entry: Input) -> Deferred[None]:
        """Nothing more of it will grow, and its end is about to be recorded.

        :return: fires soon, never with a failure: once nothing of what was shown is on its way any
            more, so that after a crash it is known whether there is something to go on from.
        """

    def silent(entry: Input) -> None:
        """It ended, and nothing is to be said."""

    def reply(entry: Input, text: str) -> Deferred[None]:
        """The answer is complete, or there will be none and the text says why; never empty.

        :return: fires once it is as durable as the input was; only then is it no longer owed. A
            repeat of it, after a crash, is harmless.
        """
