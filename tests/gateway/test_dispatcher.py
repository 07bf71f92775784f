"""Exactly one answer per request, whatever a handler does."""

import gc
from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy, Forbidden, GatewayError, InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Dispatcher, Handler, Refused, Twice
from openclaw.protocol.base import Raw
from openclaw.protocol.frames import ErrorBody, decode_request
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.agents import AgentWaitParams
from tests.gateway.people import Person

INTERNAL = "internal error, reference ref"


class Odd:
    """Something that has no JSON form."""


def returning(result: object) -> Handler:
    return lambda client, params: result


def raising(error: BaseException) -> Handler:
    def handler(client: Client, params: Any) -> Any:
        raise error

    return handler


def awaiting(result: object, waiting: Deferred[Any] | None = None) -> Handler:
    async def handler(client: Client, params: Any) -> Any:
        if waiting is not None:
            await waiting
        return result

    return handler


def _deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    return nested


class DispatcherCase(SynchronousTestCase):
    """One method, ``last-heartbeat``, with whatever handler a test gives it."""

    def setUp(self) -> None:
        self.person = Person()

    def ask(self, handler: Handler, method: str = "last-heartbeat", params: str = "") -> list[Any]:
        """Call it once; everything that was answered so far."""
        given = f',"params":{params}' if params else ""
        text = f'{{"type":"req","id":"r1","method":"{method}"{given}}}'
        served = "last-heartbeat" if method not in METHODS else method
        dispatcher = Dispatcher({served: METHODS[served]}, {served: handler}, lambda: "ref")
        dispatcher.dispatch(self.person.client, decode_request(text.encode()))
        return self.person.heard()

    def logged(self) -> list[Any]:
        """The exceptions that were logged since the last time."""
        return [failure.value for failure in self.flushLoggedErrors()]


class OneAnswerTests(DispatcherCase):
    """Every way a handler can end."""

    def assert_ok(self, answers: list[Any], payload: object) -> None:
        self.assertEqual(answers, [{"type": "res", "id": "r1", "ok": True, "payload": payload}])

    def assert_error(self, answers: list[Any], code: str, message: str) -> None:
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(set(answers[0]), {"type", "id", "ok", "error"})
        self.assertEqual((answers[0]["id"], answers[0]["ok"]), ("r1", False))
        self.assertEqual(
            (answers[0]["error"]["code"], answers[0]["error"]["message"]), (code, message)
        )

    def test_results(self) -> None:
        for handler in (
            returning({"a": 1}),
            returning(Raw(b'{"a":1}')),
            returning(succeed({"a": 1})),
            returning(succeed(succeed_later())),
            awaiting({"a": 1}),
            awaiting({"a": 1}, succeed(None)),
        ):
            self.assert_ok(self.ask(handler), {"a": 1})

    def test_nothing_is_a_result(self) -> None:
        for handler in (returning(None), returning(succeed(None)), awaiting(None)):
            self.assert_ok(self.ask(handler), None)

    def test_expected_errors_are_told_and_not_logged(self) -> None:
        def async_raising(error: BaseException) -> Handler:
            async def handler(client: Client, params: Any) -> Any:
                raise error

            return handler

        for make in (raising, lambda error: returning(fail(error)), async_raising):
            answers = self.ask(make(Forbidden("not you")))
            self.assert_error(answers, "FORBIDDEN", "not you")
        self.assertEqual(self.logged(), [])

    def test_retry_words_are_told(self) -> None:
        (answer,) = self.ask(raising(Busy("full", {"code": "LANE_FULL"}, retry_after_ms=0)))
        self.assertEqual(
            answer["error"],
            {
                "code": "UNAVAILABLE",
                "message": "full",
                "details": {"code": "LANE_FULL"},
                "retryable": True,
                "retryAfterMs": 0,
            },
        )

    def test_unexpected_errors_are_logged_once_with_the_reference_that_is_told(self) -> None:
        for error in (ValueError("secret"), KeyError("x"), RecursionError(), AssertionError()):
            for handler in (
                raising(error),
                returning(fail(error)),
                returning(succeed(fail(error))),
            ):
                with capturedLogs() as events:
                    answers = self.ask(handler)
                self.assert_error(answers, "UNAVAILABLE", INTERNAL)
                self.assertNotIn("secret", str(answers))
                self.assertEqual(self.logged(), [error])
                (event,) = events
                self.assertEqual((event["method"], event["reference"]), ("last-heartbeat", "ref"))

    def test_the_log_holds_the_traceback(self) -> None:
        self.ask(raising(ValueError("x")))
        (failure,) = self.flushLoggedErrors(ValueError)
        self.assertIn("in handler", failure.getTraceback())

    def test_a_result_without_json_form_is_a_failure(self) -> None:
        for result in (Odd(), {"a": Odd()}, [Odd], object(), _deep()):
            for handler in (returning(result), returning(succeed(result)), awaiting(result)):
                self.assert_error(self.ask(handler), "UNAVAILABLE", INTERNAL)
                self.assertEqual(len(self.logged()), 1)

    def test_details_without_json_form_are_a_failure(self) -> None:
        for handler in (
            raising(GatewayError("x", {"odd": Odd()})),
            returning(fail(GatewayError("x", {"odd": Odd()}))),
        ):
            self.assert_error(self.ask(handler), "UNAVAILABLE", INTERNAL)
            self.assertEqual(len(self.logged()), 1)

    def test_a_refusal_with_payload_has_both(self) -> None:
        refused = Refused({"runId": "x"}, ErrorBody(code="UNAVAILABLE", message="no model"))
        self.assertEqual(
            self.ask(returning(refused)),
            [
                {
                    "type": "res",
                    "id": "r1",
                    "ok": False,
                    "payload": {"runId": "x"},
                    "error": {"code": "UNAVAILABLE", "message": "no model"},
                }
            ],
        )

    def test_a_refusal_without_json_form_is_a_failure(self) -> None:
        refused = Refused(Odd(), ErrorBody(code="UNAVAILABLE", message="x"))
        self.assert_error(self.ask(returning(refused)), "UNAVAILABLE", INTERNAL)
        self.assertEqual(len(self.logged()), 1)

    def test_a_cancelled_wait_is_answered_and_not_logged(self) -> None:
        for handler in (
            raising(CancelledError()),
            returning(fail(CancelledError())),
            awaiting(1, fail(CancelledError())),
        ):
            self.assert_error(self.ask(handler), "UNAVAILABLE", "cancelled")
        self.assertEqual(self.logged(), [])

    def test_a_deferred_is_answered_when_it_fires(self) -> None:
        for end in ("result", "error"):
            waiting: Deferred[Any] = Deferred()
            self.assertEqual(self.ask(awaiting(7, waiting)), [])
            if end == "result":
                waiting.callback(None)
                self.assert_ok(self.person.heard(), 7)
            else:
                waiting.errback(Failure(InvalidRequest("no")))
                self.assert_error(self.person.heard(), "INVALID_REQUEST", "no")
            gc.collect()
            self.assertEqual(self.logged(), [])

    def test_twice_is_two_answers_under_one_id(self) -> None:
        final: Deferred[Any] = Deferred()
        self.assert_ok(self.ask(returning(Twice("accepted", final))), "accepted")
        final.callback("done")
        self.assert_ok(self.person.heard(), "done")

    def test_twice_with_a_failing_end(self) -> None:
        final: Deferred[Any] = Deferred()
        self.assert_ok(self.ask(awaiting(Twice("accepted", final))), "accepted")
        final.errback(ValueError("bug"))
        self.assert_error(self.person.heard(), "UNAVAILABLE", INTERNAL)
        self.assertEqual(len(self.logged()), 1)


def succeed_later() -> Deferred[Any]:
    """A Deferred inside another handler's Deferred."""
    inner: Deferred[Any] = Deferred()
    inner.callback({"a": 1})
    return inner


class RightsTests(DispatcherCase):
    """Who may call what, and in which words that is refused."""

    def refusal(self, method: str, **who: Any) -> tuple[str, str]:
        self.person = Person(**who)
        (answer,) = self.ask(returning("called"), method)
        if answer["ok"]:
            return ("ok", answer["payload"])
        return (answer["error"]["code"], answer["error"]["message"])

    def test_scopes(self) -> None:
        for scopes, expected in (
            (("operator.read",), ("ok", "called")),
            (("operator.write",), ("ok", "called")),
            (("operator.admin",), ("ok", "called")),
            (("operator.pairing",), ("FORBIDDEN", "missing scope: operator.read")),
            ((), ("FORBIDDEN", "missing scope: operator.read")),
        ):
            self.assertEqual(self.refusal("last-heartbeat", scopes=scopes), expected)

    def test_the_missing_scope_is_in_the_details(self) -> None:
        self.person = Person(scopes=())
        (answer,) = self.ask(returning(1), "set-heartbeats")
        self.assertEqual(
            answer["error"]["details"],
            {
                "code": "MISSING_SCOPE",
                "missingScope": "operator.admin",
                "requiredScopes": ["operator.admin"],
            },
        )

    def test_health_is_for_everybody(self) -> None:
        for who in ({"scopes": ()}, {"role": "node", "scopes": ()}):
            self.assertEqual(self.refusal("health", **who), ("ok", "called"))

    def test_an_unknown_method_is_named_to_admins_only(self) -> None:
        self.assertEqual(self.refusal("no.such"), ("INVALID_REQUEST", "unknown method: no.such"))
        self.assertEqual(
            self.refusal("no.such", scopes=("operator.write",)),
            ("FORBIDDEN", "missing scope: operator.admin"),
        )

    def test_a_node_is_told_its_role(self) -> None:
        for method in ("last-heartbeat", "no.such", "connect"):
            self.assertEqual(
                self.refusal(method, role="node", scopes=()),
                ("INVALID_REQUEST", "unauthorized role: node"),
            )

    def test_a_second_connect(self) -> None:
        for scopes in ((), ("operator.admin",)):
            self.assertEqual(
                self.refusal("connect", scopes=scopes),
                ("INVALID_REQUEST", "connect is only valid as the first request"),
            )

    def test_a_check_may_refuse_before_anything_is_read(self) -> None:
        def refuse(client: Client) -> None:
            raise Forbidden("second factor needed")

        called: list[Any] = []
        table = {"wake": METHODS["wake"], "health": METHODS["health"]}
        dispatcher = Dispatcher(
            table,
            dict.fromkeys(table, lambda client, params: called.append(params)),
            lambda: "ref",
            lambda method: refuse if method.work else None,
        )
        for method, params in (("wake", '{"bad":1}'), ("health", "{}")):
            text = f'{{"type":"req","id":"1","method":"{method}","params":{params}}}'
            dispatcher.dispatch(self.person.client, decode_request(text.encode()))
        refusal, health = self.person.heard()
        self.assertEqual(refusal["error"]["message"], "second factor needed")
        self.assertTrue(health["ok"])
        self.assertEqual(len(called), 1)

    def test_whoever_may_not_call_does_not_reach_the_handler(self) -> None:
        called: list[Any] = []
        self.person = Person(scopes=())
        self.ask(lambda client, params: called.append(params), "set-heartbeats", '{"enabled":true}')
        self.assertEqual(called, [])


class ParamsTests(DispatcherCase):
    """Params become what the method's handler is typed for."""

    def decoded(self, method: str, params: str) -> Any:
        seen: list[Any] = []
        self.answer = self.ask(lambda client, given: seen.append(given), method, params)
        return seen[0] if seen else None

    def test_they_are_typed(self) -> None:
        self.assertEqual(
            self.decoded("agent.wait", '{"runId":"x","timeoutMs":5}'),
            AgentWaitParams(run_id="x", timeout_ms=5),
        )

    def test_newer_properties_are_ignored(self) -> None:
        self.assertEqual(
            self.decoded("agent.wait", '{"runId":"x","novelty":[1,{}]}'),
            AgentWaitParams(run_id="x"),
        )

    def test_absent_and_null_params_are_empty(self) -> None:
        for params in ("", "null", " null ", "{}"):
            self.assertIsNotNone(self.decoded("health", params), params)

    def test_bad_params_are_named(self) -> None:
        for params, words in (
            ("{}", "must have required property 'runId'"),
            ('{"runId":""}', "at /runId: must not have fewer than 1 characters"),
            ('{"runId":1}', "at /runId: must be string"),
            ('{"runId":"x","timeoutMs":-1}', "at /timeoutMs: must be >= 0"),
            ("[]", "must be object"),
        ):
            self.assertIsNone(self.decoded("agent.wait", params))
            error = self.answer[0]["error"]
            self.assertEqual(error["code"], "INVALID_REQUEST")
            self.assertEqual(error["message"], f"invalid agent.wait params: {words}")

    def test_the_last_of_two_keys_wins(self) -> None:
        found = self.decoded("agent.wait", '{"runId":"a","runId":"b"}')
        self.assertEqual(found.run_id, "b")


class TableTests(SynchronousTestCase):
    """Methods and handlers go together or not at all."""

    def make(self, *served: str) -> Callable[[], Dispatcher]:
        table = {name: METHODS[name] for name in ("health", "status")}
        return lambda: Dispatcher(table, dict.fromkeys(served, returning(1)), lambda: "ref")

    def test_a_method_without_handler_and_the_reverse_are_refused(self) -> None:
        for served in (("health",), ("health", "status", "wake"), ()):
            self.assertRaises(ValueError, self.make(*served))

    def test_methods_are_sorted(self) -> None:
        self.assertEqual(self.make("status", "health")().methods, ["health", "status"])


class CostTests(DispatcherCase):
    """Handlers that do not wait cost no Deferred."""

    def count(self, handler: Handler) -> int:
        made = 0
        whole = Deferred.__init__

        def counted(self: Any, *args: Any, **kwargs: Any) -> None:
            nonlocal made
            made += 1
            whole(self, *args, **kwargs)

        self.patch(Deferred, "__init__", counted)
        self.ask(handler)
        return made

    def test_a_plain_handler_makes_none(self) -> None:
        self.assertEqual(self.count(returning({"a": 1})), 0)
        self.assertEqual(self.count(raising(InvalidRequest("x"))), 0)

    def test_the_count_sees_deferreds(self) -> None:
        self.assertGreater(self.count(awaiting(1)), 0)
        self.assertGreater(self.count(lambda client, params: defer.succeed(1)), 0)
