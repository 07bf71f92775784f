"""Tests of retries and of models that stand in, on a simulated clock."""

from collections.abc import Sequence
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.agents.runtimes.cooling import STEPS_SECONDS, Cooling
from openclaw.agents.runtimes.failover import MOST_TRIES, Candidate, Failover
from openclaw.errors import ModelError
from openclaw.interfaces.agents import (
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
)
from tests.agents.runtimes.asking import REQUEST
from tests.agents.runtimes.sink import Heard

ONE, TWO, THREE = (ModelInfo(name, "m", name) for name in ("one", "two", "three"))


def error(kind: str, **more: Any) -> ModelError:
    """A failure of the model that is asked."""
    return ModelError(f"{kind}!", kind=kind, **more)


@implementer(IAgentRuntime)
class Scripted:
    """A runtime that does what the test says, once for each run.

    :ivar asked: the requests, oldest first.
    """

    name = "scripted"
    most_turns = 1

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.asked: list[RunRequest] = []

    def models(self) -> Sequence[ModelInfo]:
        """None."""
        return ()

    def run(self, request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Say a text, fail, or both; or wait."""
        self.asked.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Deferred):
            return step
        text, failure = step if isinstance(step, tuple) else (step, None)
        if isinstance(text, ModelError):
            return fail(text)
        sink.model_started(request.model.provider, request.model.id)
        sink.delta(text)
        return succeed(RunOutcome(text)) if failure is None else fail(failure)


class FailoverCase(SynchronousTestCase):
    """A chain of scripted models."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.rightNow = 1000.0
        self.cooling = Cooling()
        self.heard = Heard()

    def ask(self, *runtimes: Scripted, **changes: Any) -> Deferred[RunOutcome]:
        """Run one request against models one, two, three."""
        chain = [
            Candidate(model, runtime)
            for model, runtime in zip((ONE, TWO, THREE), runtimes, strict=False)
        ]
        runtime = Failover(lambda _: chain, self.cooling, self.clock, Random(1))
        self.assertTrue(verifyObject(IAgentRuntime, runtime))
        return runtime.run(evolve(REQUEST, **changes), self.heard)

    def error_of(self, run: Deferred[RunOutcome]) -> ModelError:
        """The error a run ended with."""
        found: ModelError = self.failureResultOf(run, ModelError).value
        self.assertEqual(self.clock.getDelayedCalls(), [])
        return found


class RetryTests(FailoverCase):
    """One model, asked again."""

    def test_first_answer_is_the_answer(self) -> None:
        one = Scripted("Hello")
        self.assertEqual(self.successResultOf(self.ask(one)).text, "Hello")
        self.assertEqual((self.heard.deltas, len(one.asked)), (["Hello"], 1))

    def test_comes_back_when_it_was_told_to(self) -> None:
        one = Scripted(error("rate_limit", retry_after_ms=2000), "Hello")
        run = self.ask(one)
        self.clock.advance(1.9)
        self.assertEqual(len(one.asked), 1)
        self.clock.advance(0.1)
        self.assertEqual(self.successResultOf(run).text, "Hello")

    def test_pauses_grow_and_end(self) -> None:
        for kind in ("rate_limit", "overloaded", "stream", "network"):
            one = Scripted(error(kind))
            run = self.ask(one)
            self.clock.advance(0.4)
            self.assertEqual(len(one.asked), 1)
            self.clock.pump([0.1] * 50)
            self.assertEqual(len(one.asked), MOST_TRIES)
            self.assertEqual(self.error_of(run).kind, kind)

    def test_long_waits_are_left_to_whoever_asked(self) -> None:
        one = Scripted(error("rate_limit", retry_after_ms=60_000))
        found = self.error_of(self.ask(one))
        self.assertEqual((len(one.asked), found.retry_after_ms), (1, 60_000))

    def test_hopeless_failures_are_not_repeated(self) -> None:
        for failure in (
            error("auth"),
            error("invalid"),
            error("timeout"),
            error("rate_limit", failover_reason="billing"),
        ):
            one = Scripted(failure)
            self.assertIs(self.error_of(self.ask(one)), failure)
            self.assertEqual(len(one.asked), 1)

    def test_never_after_text_was_shown(self) -> None:
        one, two = Scripted(("Hel", error("overloaded"))), Scripted("Hello")
        self.assertEqual(self.error_of(self.ask(one, two)).kind, "overloaded")
        self.assertEqual((self.heard.deltas, len(one.asked), two.asked), (["Hel"], 1, []))

    def test_not_beyond_the_deadline(self) -> None:
        one = Scripted(error("rate_limit", retry_after_ms=5000))
        self.error_of(self.ask(one, timeout_seconds=4.0))
        self.assertEqual(len(one.asked), 1)
        slow = Scripted(error("rate_limit", retry_after_ms=3000), "Hello")
        run = self.ask(slow, timeout_seconds=4.0)
        self.clock.advance(3)
        self.successResultOf(run)
        self.assertEqual([one.timeout_seconds for one in slow.asked], [4.0, 1.0])

    def test_a_stop_stops_everything(self) -> None:
        waiting: Deferred[RunOutcome] = Deferred()
        for first in (waiting, error("rate_limit")):
            run = self.ask(Scripted(first), Scripted("Hello"))
            run.cancel()
            self.failureResultOf(run, CancelledError)
            self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.heard.deltas, [])


class NextModelTests(FailoverCase):
    """Several models."""

    def test_next_model_answers_for_every_reason_but_a_wrong_request(self) -> None:
        for failure, fails_over in [
            (error("auth"), True),
            (error("timeout"), True),
            (error("network"), True),
            (error("rate_limit", retry_after_ms=60_000), True),
            (error("rate_limit", failover_reason="billing"), True),
            (error("overloaded", retry_after_ms=60_000), True),
            (error("invalid", failover_reason="model_not_found"), True),
            (error("invalid"), False),
        ]:
            self.setUp()
            run = self.ask(Scripted(failure), Scripted("Hello"))
            if fails_over:
                self.assertEqual(self.successResultOf(run).text, "Hello", failure.kind)
                self.assertEqual(self.heard.started, [("two", "m")])
            else:
                self.assertIs(self.error_of(run), failure)

    def test_a_short_retry_comes_before_the_next_model(self) -> None:
        one, two = Scripted(error("overloaded"), "Hello"), Scripted("other")
        run = self.ask(one, two)
        self.clock.advance(1)
        self.assertEqual((self.successResultOf(run).text, two.asked), ("Hello", []))

    def test_all_fail(self) -> None:
        limited = error("rate_limit", provider="one", retry_after_ms=90_000)
        run = self.ask(Scripted(limited), Scripted(error("auth")), Scripted(error("timeout")))
        found = self.error_of(run)
        self.assertEqual(found.message, "rate_limit!; then auth!; timeout!")
        self.assertEqual((found.kind, found.provider), ("rate_limit", "one"))
        self.assertEqual((found.failover_reason, found.retry_after_ms), ("rate_limit", 90_000))

    def test_each_model_is_told_who_it_is(self) -> None:
        one, two = Scripted(error("auth")), Scripted("Hello")
        self.successResultOf(self.ask(one, two))
        self.assertEqual((one.asked[0].model, two.asked[0].model), (ONE, TWO))

    def test_a_dead_model_is_not_asked_first_every_time(self) -> None:
        one, two = Scripted(error("timeout")), Scripted("Hello")
        for _ in range(5):
            self.successResultOf(self.ask(one, two))
        self.assertEqual((len(one.asked), len(two.asked)), (1, 5))
        self.clock.advance(STEPS_SECONDS[0])
        self.successResultOf(self.ask(one, two))
        self.assertEqual(len(one.asked), 2)
        self.clock.advance(STEPS_SECONDS[0])
        self.successResultOf(self.ask(one, two))
        self.assertEqual(len(one.asked), 2, "the second rest is longer")
        self.clock.advance(STEPS_SECONDS[1])
        one.script = ["back"]
        self.assertEqual(self.successResultOf(self.ask(one, two)).text, "back")
        self.assertEqual(self.successResultOf(self.ask(one, two)).text, "back")

    def test_all_resting_means_the_first_that_is_ready_again(self) -> None:
        one, two = Scripted(error("auth")), Scripted(error("timeout"))
        self.error_of(self.ask(one, two))
        self.clock.advance(10)
        one.script = two.script = ["Hello"]
        self.assertEqual(self.successResultOf(self.ask(one, two)).text, "Hello")

    def test_a_retry_that_was_asked_for_is_waited_for(self) -> None:
        limited = error("rate_limit", retry_after_ms=600_000)
        one, two = Scripted(limited), Scripted("Hello")
        self.successResultOf(self.ask(one, two))
        self.clock.advance(599)
        self.successResultOf(self.ask(one, two))
        self.assertEqual(len(one.asked), 1)


class CoolingTests(SynchronousTestCase):
    """The memory of failures."""

    def test_a_key_is_the_whole_providers(self) -> None:
        cooling = Cooling()
        other = evolve(ONE, id="other")
        cooling.failed(ONE, error("overloaded"), 0.0)
        self.assertEqual((cooling.until(ONE, 1.0), cooling.until(other, 1.0)), (60.0, 0.0))
        cooling.failed(ONE, error("auth"), 0.0)
        self.assertEqual((cooling.until(other, 1.0), cooling.until(TWO, 1.0)), (60.0, 0.0))
        cooling.answered(other)
        self.assertEqual(cooling.until(other, 1.0), 0.0)

    def test_failures_at_once_count_as_one_and_rests_are_bounded(self) -> None:
        cooling = Cooling()
        for _ in range(10):
            self.assertEqual(cooling.failed(ONE, error("timeout"), 0.0), STEPS_SECONDS[0])
        now = 0.0
        for expected in (*STEPS_SECONDS[1:], STEPS_SECONDS[-1], STEPS_SECONDS[-1]):
            now = cooling.until(ONE, now) or now
            self.assertEqual(cooling.failed(ONE, error("timeout"), now) - now, expected)
        day = error("rate_limit", retry_after_ms=86_400_000)
        self.assertEqual(cooling.failed(TWO, day, 0.0), STEPS_SECONDS[-1])
