"""Shortens a conversation: the session's own model sums up what was said. Stores nothing."""

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.interfaces.agents import (
    IAgentRuntime,
    IRunSink,
    ISummaries,
    ModelInfo,
    RunRequest,
    Turn,
)

EMBEDDED = "embedded"
TIMEOUT_SECONDS = 120.0
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
    async def write(self, ref: str, session_key: str, agent_id: str, turns: Sequence[Turn]) -> str:
        """Sum up a conversation.

        :param ref: the session's model, ``provider/model``.
        :return: fires with the summary; fails with :class:`openclaw.errors.ModelError`, or
            :class:`twisted.internet.defer.TimeoutError` after two minutes.
        """
        model = self._models.resolve(ref)
        request = RunRequest(
            run_id=f"summary:{self._make_id()}",
            session_key=session_key,
            agent_id=agent_id,
            model=model,
            turns=[*turns, Turn("user", INSTRUCTION)],
            timeout_seconds=TIMEOUT_SECONDS,
        )
        running = self._models.runtime_for(model).run(request, _Nobody())
        running.addTimeout(TIMEOUT_SECONDS, self._clock)
        outcome = await running
        return outcome.text.strip()
