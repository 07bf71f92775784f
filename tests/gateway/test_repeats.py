"""One effect and one answer per idempotency key."""

from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.repeats import CAPACITY, WINDOW_SECONDS, Repeats
from tests.gateway.people import Person


@frozen
class Params:
    idempotency_key: str


class RepeatsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.repeats = Repeats(self.clock.seconds)
        self.calls: list[str] = []
        self.waiting: list[Deferred[Any]] = []
        self.guarded = self.repeats.guard(self.effect)
        self.client = Person().client

    def effect(self, client: Client, params: Params) -> Deferred[Any]:
        self.calls.append(params.idempotency_key)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def call(self, key: str = "k") -> Any:
        return self.guarded(self.client, Params(key))

    def done(self, key: str = "k", result: object = "result") -> None:
        """Call once, to the end."""
        first = self.call(key)
        self.waiting[-1].callback(result)
        self.assertEqual(self.successResultOf(first), result)

    def test_a_repeat_in_flight_shares_the_answer(self) -> None:
        answers = [self.call() for _ in range(3)]
        for answer in answers:
            self.assertNoResult(answer)
        self.waiting[0].callback("result")
        self.assertEqual([self.successResultOf(answer) for answer in answers], ["result"] * 3)
        self.assertEqual(self.calls, ["k"])

    def test_a_repeat_afterwards_gets_the_kept_answer(self) -> None:
        self.done()
        self.assertEqual(self.call(), "result")
        self.assertEqual(self.calls, ["k"])

    def test_an_answer_is_kept_for_five_minutes(self) -> None:
        self.assertEqual(WINDOW_SECONDS, 300)
        self.done()
        self.clock.advance(299.9)
        self.assertEqual(self.call(), "result")
        self.clock.advance(0.1)
        self.assertNoResult(self.call())
        self.assertEqual(self.calls, ["k", "k"])

    def test_another_key_is_another_effect(self) -> None:
        self.done("a", 1)
        self.done("b", 2)
        self.assertEqual((self.call("a"), self.call("b")), (1, 2))

    def test_a_failure_is_told_to_all_and_forgotten(self) -> None:
        answers = [self.call(), self.call()]
        self.waiting[0].errback(Failure(InvalidRequest("no")))
        for answer in answers:
            self.failureResultOf(answer, InvalidRequest)
        self.done()
        self.assertEqual(self.calls, ["k", "k"])

    def test_a_handler_that_raises_is_forgotten(self) -> None:
        def raising(client: Client, params: Params) -> None:
            self.calls.append("x")
            raise InvalidRequest("no")

        guarded = self.repeats.guard(raising)
        for _ in range(2):
            self.assertRaises(InvalidRequest, guarded, self.client, Params("k"))
        self.assertEqual(self.calls, ["x", "x"])

    def test_plain_results_and_coroutines_are_kept_too(self) -> None:
        async def later(client: Client, params: Params) -> str:
            self.calls.append("later")
            return "later"

        def plain(client: Client, params: Params) -> str:
            self.calls.append("plain")
            return "plain"

        for handler, word in ((later, "later"), (plain, "plain")):
            guarded = self.repeats.guard(handler)
            self.assertEqual(self.successResultOf(guarded(self.client, Params(word))), word)
            self.assertEqual(guarded(self.client, Params(word)), word)
        self.assertEqual(self.calls, ["later", "plain"])

    def test_a_thousand_answers_are_kept_and_the_oldest_go_first(self) -> None:
        self.assertEqual(CAPACITY, 1000)
        for number in range(1001):
            self.done(str(number), number)
        self.assertEqual(self.call("1"), 1)
        self.assertEqual(self.call("1000"), 1000)
        self.assertNoResult(self.call("0"))

    def test_what_was_refreshed_is_not_the_oldest(self) -> None:
        repeats = Repeats(self.clock.seconds, window_seconds=10, capacity=2)
        self.guarded = repeats.guard(self.effect)
        self.done("a")
        self.done("b")
        self.clock.advance(10)
        self.done("a", "again")
        self.done("c")
        self.assertEqual(self.call("a"), "again")
