"""Shortens a conversation: the session's own model sums up what was said. Stores nothing."""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import evolve
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    IAgentRuntime,
    IRunSink,
    ISummaries,
    ModelInfo,
    RunRequest,
    Turn,
)
from openclaw.interfaces.tools import Authority

EMBEDDED = "embedded"
PROGRAMS = frozenset({"process", "worker"})
"""Runtimes whose agents use tools by themselves."""
TIMEOUT_SECONDS = 120.0
USUAL_WINDOW = 32_000
SHARE = 0.6
"""Of a model's window, for what is summed up; the rest is for the summaries and for errors."""
BYTES_PER_TOKEN = 3
"""Of UTF-8, at least: a token is about three letters, or one character of Chinese."""
OVERHEAD = 16
BEFORE = "What was said before, in short:"
INSTRUCTION = (
    "Sum up the conversation so far for yourself, so that you can go on from the summary alone. "
    "Keep names, numbers, decisions, open questions and promises. Answer with the summary only."
)


class Models(Protocol):
    """What a summary needs to know of the models."""

    def resolve(self, ref: str = "") -> ModelInfo:
        """Find a model."""

    def runtime_for(self, model: ModelInfo) -> IAgentRuntime:
        """What serves it."""


@implementer(IRunSink)
class _Nobody:
    """Nobody watches a summary being written."""

    def model_started(self, provider: str, model: str) -> None:
        """Nothing to tell."""

    def thought(self, text: str) -> None:
        """Nobody looks."""

    def watched(self) -> bool:
        """Nobody looks."""
        return False

    def delta(self, text: str) -> None:
        """Nothing to tell."""


@implementer(ISummaries)
class Summaries:
    """Writes summaries."""

    def __init__(self, models: Models, clock: IReactorTime, make_id: Callable[[], str]) -> None:
        self._models = models
        self._clock = clock
        self._make_id = make_id

    def can(self, ref: str) -> bool:
        """Whether a model can write one; the embedded agent cannot."""
        return self._models.resolve(ref).provider != EMBEDDED

    @deferred
    async def write(
        self, ref: str, session_key: str, agent_id: str, turns: Sequence[Turn], owner: bool
    ) -> str:
        """See :meth:`ISummaries.write`; each piece may take two minutes."""
        model = self._models.resolve(ref)
        request = RunRequest(
            run_id=f"summary:{self._make_id()}",
            session_key=session_key,
            agent_id=agent_id,
            model=model,
            turns=(),
            timeout_seconds=TIMEOUT_SECONDS,
        )
        summary = ""
        for piece in pieces(turns, model.context_window):
            before = [Turn("system", f"{BEFORE}\n{summary}")] if summary else []
            told = evolve(request, turns=[*before, *piece, Turn("user", INSTRUCTION)])
            summary = await self._ask(told, owner)
            if not summary:
                return ""  # Half a summary would lose the other half.
        return summary

    async def _ask(self, request: RunRequest, owner: bool) -> str:
        """Ask with no authority at all: a summary needs no tools.

        Agents that are programs may have tools that cannot be taken from them, and then work for
        the owner alone. It is their own conversation that they sum up.
        """
        try:
            return await self._run(request)
        except ModelError as error:
            if not owner or error.kind != "auth" or not self._is_program(request.model):
                raise
        return await self._run(evolve(request, authority=Authority(owner=True)))

    async def _run(self, request: RunRequest) -> str:
        running = self._models.runtime_for(request.model).run(request, _Nobody())
        running.addTimeout(TIMEOUT_SECONDS, self._clock)
        outcome = await running
        return outcome.text.strip()

    def _is_program(self, model: ModelInfo) -> bool:
        return self._models.runtime_for(model).name in PROGRAMS


def pieces(turns: Sequence[Turn], context_window: int) -> list[list[Turn]]:
    """Cut a conversation into what a model takes at a time, in order and without a loss.

    :param context_window: tokens; 0 if unknown.
    """
    most = int((context_window or USUAL_WINDOW) * SHARE) * BYTES_PER_TOKEN
    found: list[list[Turn]] = []
    size = most
    for turn in (part for whole in turns for part in _parts(whole, most)):
        if size + _size(turn) > most:
            found.append([])
            size = 0
        found[-1].append(turn)
        size += _size(turn)
    return found


def _parts(turn: Turn, most: int) -> list[Turn]:
    """A turn, or several where one would be too large; what was thought is left out."""
    turn = evolve(turn, thinking="", images=())
    length = max(1, most // 4)  # A character takes up to four bytes.
    calls = sum(len(call.arguments) for call in turn.calls)
    if calls > length:
        said = "\n".join(f"[used {call.name} with {call.arguments}]" for call in turn.calls)
        turn = evolve(turn, text=f"{turn.text}\n{said}".strip(), calls=())
    if len(turn.text) <= length:
        return [turn]
    cuts = range(0, len(turn.text), length)
    # What belongs to a call cannot be said twice, so the rest is told in words.
    role = "user" if turn.role == "tool" else turn.role
    rest = [Turn(role, turn.text[at : at + length]) for at in cuts[1:]]
    return [evolve(turn, text=turn.text[:length]), *rest]


def _size(turn: Turn) -> int:
    """About how many bytes of a model's window it takes."""
    calls = sum(
        len(call.name) + len(call.arguments.encode("utf-8", "replace")) for call in turn.calls
    )
    return len(turn.text.encode("utf-8", "replace")) + calls + OVERHEAD
