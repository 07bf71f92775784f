"""Where a run meets whatever produces its answer: the runtime, its request and its sink."""

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from openclaw.interfaces.tools import Authority, Image, ToolCall, ToolResult, ToolSpec

MOST_TURNS = 200
"""The latest turns of a conversation that a model is shown; what is older, a summary stands for."""


@frozen
class Turn:
    """One message of a conversation, as a model sees it.

    :ivar role: ``user``, ``assistant``, ``system`` or ``tool``.
    :ivar calls: tools that an assistant's turn asks for.
    :ivar call_id: the call that a tool's turn answers.
    :ivar is_error: whether a tool failed.
    :ivar thinking: what an assistant thought, opaque, as its own runtime wrote it: some models
        want it back beside their calls.
    """

    role: str
    text: str
    images: tuple[Image, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    is_error: bool = False
    thinking: str = ""


@frozen
class Usage:
    """Tokens of one model call.

    :ivar input: without those read from a cache.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    @property
    def total(self) -> int:
        """Both directions together."""
        return self.input + self.output


@frozen
class ModelInfo:
    """One model that a runtime can be asked for.

    :ivar provider: the provider's id in the configuration.
    :ivar id: the model's id at that provider.
    :ivar context_window: tokens, 0 if unknown.
    :ivar available: whether the provider is usable (a key is there where one is needed).
    """

    provider: str
    id: str
    name: str
    context_window: int = 0
    reasoning: bool = False
    input: tuple[str, ...] = ("text",)
    available: bool = True

    @property
    def ref(self) -> str:
        """``provider/id``, the form of ``agents.defaults.model.primary``."""
        return f"{self.provider}/{self.id}"


@frozen(kw_only=True)
class AnswerForm:
    """A form that an answer has to have: JSON.

    :ivar name: the schema's; empty for any JSON object.
    :ivar schema: JSON Schema.
    :ivar strict: whether nothing else may be said; ``None`` as the model likes.
    """

    name: str = ""
    description: str = ""
    schema: dict[str, Any] = field(factory=dict)
    strict: bool | None = None


@frozen(kw_only=True)
class Sampling:
    """How a model chooses its words; whatever is not set is left to the model.

    :ivar stop: texts that end the answer.
    :ivar form: the form of the answer; ``None`` for words. Only some APIs know of any.
    """

    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    form: AnswerForm | None = None


@frozen
class RunRequest:
    """What a runtime is asked to answer.

    :ivar turns: the conversation, oldest first; the last one is the input of this run.
    :ivar timeout_seconds: how long the run may take as a whole; the caller enforces it too.
    :ivar tools: what the model may ask for.
    :ivar tool_choice: empty: as the model likes; ``required``: it has to use one; ``only <name>``:
        it has to use this one.
    :ivar thinking: how much it thinks first: ``off minimal low medium high``; empty for its own.
    :ivar max_tokens: most tokens of the answer; 0 for the model's own.
    :ivar authority: on whose behalf; for runtimes that use tools by themselves.
    """

    run_id: str
    session_key: str
    agent_id: str
    model: ModelInfo
    turns: Sequence[Turn]
    system: str = ""
    timeout_seconds: float = 600.0
    tools: Sequence[ToolSpec] = ()
    tool_choice: str = ""
    sampling: Sampling = field(factory=Sampling)
    thinking: str = ""
    max_tokens: int = 0
    authority: Authority = field(factory=Authority)


@frozen
class RunOutcome:
    """How a runtime ended its answer.

    :ivar text: the whole answer.
    :ivar stop_reason: the provider's word, ``stop`` for an ordinary end, ``tool_calls`` where it
        waits for tools.
    :ivar calls: tools the model asks for; whoever called uses them and asks again.
    :ivar thinking: see :attr:`Turn.thinking`.
    """

    text: str
    stop_reason: str = "stop"
    usage: Usage = field(factory=Usage)
    calls: tuple[ToolCall, ...] = ()
    thinking: str = ""


class IRunSink(Interface):
    """Takes what a runtime produces, while it produces it."""

    def model_started(provider: str, model: str) -> None:
        """The provider accepted the request."""

    def delta(text: str) -> None:
        """More text of the answer; never empty."""

    def thought(text: str) -> None:
        """More of what the model thinks; shown to those who want to see it, never stored."""

    def watched() -> bool:
        """Whether anybody sees the answer grow; if not, nothing is gained by pacing it."""


class IToolSink(Interface):
    """What a sink of runs also provides, for runtimes that use tools by themselves."""

    def tool_started(call: ToolCall) -> None:
        """A tool is used; whoever uses it has called ``commit`` before, if it can be felt."""

    def tool_ended(call: ToolCall, result: ToolResult) -> None:
        """The use of a tool is over; it is kept in the transcript, so secrets are hidden in it."""

    def commit() -> Deferred[None]:
        """Make sure that the run is never run again: something is about to be done outside.

        :return: fires once that is on disk, or once the run has ended because it cannot be;
            never fails.
        """


class IAgentRuntime(Interface):
    """Produces answers: a model behind a wire, or the embedded agent."""

    name: str = Attribute("Short name for logs, e.g. ``openai-completions``.")
    most_turns: int = Attribute("How many of a conversation's latest turns it makes use of.")

    def models() -> Sequence[ModelInfo]:
        """The models this runtime serves."""

    def run(request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Answer one request.

        :return: fires with the outcome after the last ``delta``; fails with
            :class:`openclaw.errors.ModelError`, in the upstream's words, if there is none.
            Cancelling it stops the upstream call at once; after that the sink hears nothing more.
        """


class ISummaries(Interface):
    """Shortens conversations."""

    def can(ref: str) -> bool:
        """Whether a model, ``provider/model``, can write a summary."""

    def write(
        ref: str, session_key: str, agent_id: str, turns: Sequence[Turn], owner: bool
    ) -> Deferred[str]:
        """Sum up a conversation, in pieces where it is larger than what the model takes at a time.

        :param owner: whether the owner asked for it; used where a model works for nobody else.
        :return: fails with ModelError or TimeoutError if there is no summary.
        """


@frozen
class Vectors:
    """What a model made of some texts.

    :ivar rows: one vector for each text, in their order.
    :ivar model: the provider's own name of it.
    :ivar tokens: what the texts were counted as; 0 if the provider did not count.
    """

    rows: Sequence[Sequence[float]]
    model: str
    tokens: int = 0


class IEmbeddings(Interface):
    """Turns texts into vectors, at a provider that can."""

    def providers() -> Sequence[str]:
        """Ids of the providers that may be asked; whether they can is theirs to say."""

    def embed(ref: str, inputs: Sequence[str], dimensions: int = 0) -> Deferred[Vectors]:
        """Ask a provider.

        :param ref: ``provider/model``; the model need not be listed.
        :param dimensions: length of the vectors; 0 for the model's own.
        :return: fails with :class:`openclaw.errors.InvalidRequest` if no provider of that name can
            be asked or there are too many texts, and with :class:`openclaw.errors.ModelError` in
            the upstream's words. Cancelling it stops the upstream call at once.
        """
