"""Asks again, or asks the next model, when one cannot answer; never after text was shown."""

from collections.abc import Callable, Sequence
from random import Random

from attrs import evolve, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.runtimes.cooling import Cooling
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    MOST_TURNS,
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
)

MOST_TRIES = 3
"""How often one model is asked for one answer."""

FIRST_PAUSE_SECONDS = 0.5
"""Pause before the second try where the provider names none; it doubles, with up to half more."""

LONGEST_PAUSE_SECONDS = 30.0
LONGEST_PAUSE_BEFORE_NEXT_SECONDS = 3.0
"""How long to wait for a model while there is another one to ask."""

WORTH_A_RETRY = frozenset({"rate_limit", "overloaded", "stream", "network"})
"""Kinds of failure that may be gone in a moment."""

HOPELESS = frozenset({"format"})
"""Reasons for which no other model would answer either: the request itself is wrong."""


@frozen
class Candidate:
    """A model, and what serves it."""

    model: ModelInfo
    runtime: IAgentRuntime


Chain = Callable[[RunRequest], Sequence[Candidate]]


@implementer(IRunSink)
class _Watch:
    """Hands everything on, and remembers whether there was any text."""

    def __init__(self, sink: IRunSink) -> None:
        self._sink = sink
        self.shown = False
        self.delta = self._first_delta
        self.thought = sink.thought
        self.watched = sink.watched
        self.model_started = sink.model_started

    def _first_delta(self, text: str) -> None:
        """Hand on the first piece; the others go straight to the sink."""
        self.shown = True
        self.delta = self._sink.delta
        self._sink.delta(text)


@implementer(IAgentRuntime)
class Failover:
    """A runtime over runtimes.

    What went wrong with the models that did not answer is told by the events: every model that
    begins to answer is announced, and an error says why in ``failover_reason``.

    :param chain: the models that may answer a request, the wanted one first; at least one.
    :param cooling: shared by all that ask the same providers.
    :param random: spreads the retries of many runs.
    """

    name = "failover"
    most_turns = MOST_TURNS
    _log = Logger()

    def __init__(self, chain: Chain, cooling: Cooling, clock: IReactorTime, random: Random) -> None:
        self._chain = chain
        self._cooling = cooling
        self._clock = clock
        self._random = random

    def models(self) -> Sequence[ModelInfo]:
        """None of its own."""
        return ()

    @deferred
    async def run(self, request: RunRequest, sink: IRunSink) -> RunOutcome:
        """Answer with the first model that can."""
        deadline = self._clock.seconds() + request.timeout_seconds
        watch = _Watch(sink)
        errors: list[ModelError] = []
        candidates = self._in_order(self._chain(request))
        for number, candidate in enumerate(candidates):
            is_last = number == len(candidates) - 1
            try:
                outcome = await self._ask(candidate, request, watch, deadline, is_last)
            except ModelError as error:
                errors.append(error)
                if error.failover_reason in HOPELESS:
                    break
                self._cooling.failed(candidate.model, error, self._clock.seconds())
                if watch.shown or is_last or self._clock.seconds() >= deadline:
                    break
                self._tell(candidate, candidates[number + 1], error)
            else:
                self._cooling.answered(candidate.model)
                return outcome
        raise _summed_up(errors)

    def _in_order(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Put those that failed lately behind, the one that is ready first before the others."""
        now = self._clock.seconds()
        return sorted(candidates, key=lambda one: self._cooling.until(one.model, now))

    async def _ask(
        self,
        candidate: Candidate,
        request: RunRequest,
        watch: _Watch,
        deadline: float,
        is_last: bool,
    ) -> RunOutcome:
        """Ask one model, again if that may help."""
        tries = 0
        while True:
            left = max(0.001, deadline - self._clock.seconds())
            asked = evolve(request, model=candidate.model, timeout_seconds=left)
            try:
                return await candidate.runtime.run(asked, watch)
            except ModelError as error:
                tries += 1
                pause = self._pause(error, tries, is_last)
                late = pause is None or self._clock.seconds() + pause >= deadline
                if watch.shown or tries == MOST_TRIES or pause is None or late:
                    raise
            await deferLater(self._clock, pause)

    def _pause(self, error: ModelError, tries: int, is_last: bool) -> float | None:
        """How long to wait before the next try; ``None`` if it would not help."""
        if error.kind not in WORTH_A_RETRY or error.failover_reason == "billing":
            return None
        if error.kind == "network" and not is_last:
            return None  # It was tried twice already, and another server may be there.
        longest = LONGEST_PAUSE_SECONDS if is_last else LONGEST_PAUSE_BEFORE_NEXT_SECONDS
        if error.retry_after_ms is not None:
            wanted = error.retry_after_ms / 1000
            return None if wanted > longest else wanted
        usual = FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1)
        return min(longest, usual * (1 + self._random.random() / 2))

    def _tell(self, failed: Candidate, following: Candidate, error: ModelError) -> None:
        self._log.warn(
            "{failed} did not answer ({reason}), so {following} is asked",
            failed=failed.model.ref,
            reason=error.failover_reason,
            following=following.model.ref,
        )


def _summed_up(errors: Sequence[ModelError]) -> ModelError:
    """One error for all: the first model's, with what became of the others."""
    first = errors[0]
    if len(errors) == 1:
        return first
    others = "; ".join(error.message for error in errors[1:])
    return ModelError(
        f"{first.message}; then {others}",
        kind=first.kind,
        provider=first.provider,
        model=first.model,
        retry_after_ms=first.retry_after_ms,
        failover_reason=first.failover_reason,
    )
