"""Tests of the runtime for models behind a wire, against a server that misbehaves in each way."""

import json
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from openclaw.agents.runtimes.provider import ModelSettings, ProviderSettings
from openclaw.agents.runtimes.server import RETRY_SECONDS, ServerRuntime
from openclaw.errors import ModelError
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.agents import (
    IAgentRuntime,
    ModelInfo,
    RunOutcome,
    RunRequest,
    Turn,
    Usage,
)
from tests.agents.runtimes.asking import CLOCK
from tests.agents.runtimes.sink import Heard
from tests.http.upstream import Script, Upstream, cut, later, reset

KEY = "sk-very-secret-0123456789"
MODEL = ModelInfo(provider="mock", id="mock-1", name="Mock")
REQUEST = RunRequest(
    run_id="r1",
    session_key="agent:main:main",
    agent_id="main",
    model=MODEL,
    turns=[Turn("user", "hello")],
)


def chunk(text: str = "", **more: Any) -> bytes:
    """One event with a delta."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None, **more}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


FINISH = chunk(delta={}, finish_reason="stop")
FIGURES = b'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"
ANSWER = chunk("Hel") + chunk("lo") + FINISH + FIGURES + DONE


def body(*pieces: bytes, then: Script = Request.finish, kind: str = "text/event-stream") -> Script:
    """Send pieces one after another, each in a segment of its own, then do something."""

    def send(request: Request, number: int = 0) -> None:
        if number == 0:
            request.setHeader("content-type", kind)
        if number == len(pieces):
            then(request)
            return
        request.write(pieces[number])
        later(request, 0.005, send, request, number + 1)

    return send


def refuse(status: int, words: bytes, **headers: str) -> Script:
    """Answer with an error."""

    def send(request: Request) -> None:
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name.replace("_", "-"), value)
        request.write(words)
        request.finish()

    return send


def nothing(request: Request) -> None:
    """Do nothing more."""


class RuntimeCase(TestCase):
    """One runtime, one server."""

    timeout = 120

    def setUp(self) -> None:
        self.http = TreqOutbound(reactor)
        self.http.startService()
        self.addCleanup(self.http.stopService)
        self.heard = Heard()

    def serve(self, script: Script, port: int = 0) -> Upstream:
        """Start the server, and make the settings for it."""
        server = self.server = Upstream(script, port)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        self.settings = ProviderSettings(
            id="mock",
            base_url=server.url + "/v1/",
            api_key=KEY,
            models=(MODEL,),
            idle_seconds=3.0,
        )
        return server

    def run_once(self, clock: Any = reactor, **changes: Any) -> Deferred[RunOutcome]:
        """Start a run with changed settings."""
        settings = evolve(self.settings, **changes)
        return ServerRuntime(settings, self.http, clock).run(REQUEST, self.heard)

    async def paused(self, clock: Clock) -> None:
        """Wait until the runtime waits for its second try."""
        while len(clock.getDelayedCalls()) < 2:  # One is the deadline of the run.
            await deferLater(reactor, 0.005)

    async def error_of(self, run: Deferred[Any]) -> ModelError:
        """Wait for the error that a run must end with."""
        error: ModelError = await self.assertFailure(run, ModelError)
        return error

    async def failure(self, script: Script, **changes: Any) -> ModelError:
        """Run against a script and return how it failed."""
        self.serve(script)
        error = await self.error_of(self.run_once(**changes))
        self.assertNotIn(KEY, str(error))
        self.assertEqual((error.provider, error.model), ("mock", "mock-1"))
        return error


class AnswerTests(RuntimeCase):
    """Answers that arrive whole."""

    async def test_request_and_answer(self) -> None:
        server = self.serve(body(chunk("Hel"), chunk("lo"), FINISH, FIGURES, DONE))
        outcome = await self.run_once(headers={"X-Extra": "1"})
        self.assertEqual(outcome, RunOutcome("Hello", "stop", Usage(10, 5)))
        self.assertEqual(self.heard.deltas, ["Hel", "lo"])
        self.assertEqual(self.heard.started, [("mock", "mock-1")])
        method, path, headers, sent = server.requests[0]
        self.assertEqual((method, path), ("POST", "/v1/chat/completions"))
        self.assertEqual(headers["authorization"], f"Bearer {KEY}")
        self.assertEqual((headers["content-type"], headers["x-extra"]), ("application/json", "1"))
        self.assertEqual(json.loads(sent)["model"], "mock-1")

    async def test_without_a_key_none_is_sent(self) -> None:
        server = self.serve(body(ANSWER))
        await self.run_once(api_key="")
        self.assertNotIn("authorization", server.requests[0][2])

    async def test_delta_is_there_before_the_next_chunk_is_sent(self) -> None:
        waiting: list[Request] = []
        self.serve(body(chunk("one"), then=waiting.append))
        run = self.run_once()
        first: Deferred[None] = Deferred()
        self.heard.on_delta = lambda: first.callback(None)
        await first
        self.assertEqual(self.heard.deltas, ["one"])
        while not waiting:
            await deferLater(reactor, 0.005)
        self.assertNoResult(run)
        self.heard.on_delta = lambda: None
        waiting[0].write(chunk(" two") + FINISH)
        waiting[0].finish()
        self.assertEqual((await run).text, "one two")

    async def test_done_ends_the_run_even_if_the_server_stays(self) -> None:
        server = self.serve(body(ANSWER, then=nothing))
        self.assertEqual((await self.run_once(idle_seconds=60.0)).text, "Hello")
        await server.gone

    async def test_connection_serves_the_next_run(self) -> None:
        server = self.serve(body(ANSWER))
        for _ in range(3):
            await self.run_once()
            await deferLater(reactor, 0.05)
        self.assertEqual((len(server.requests), server.connections), (3, 1))

    async def test_endings_that_are_whole_enough(self) -> None:
        for what, script in [
            ("no [DONE]", body(chunk("Hello"), FINISH)),
            ("no finish reason", body(chunk("Hello"), DONE)),
            ("no last blank line", body(chunk("Hello"), FINISH, DONE.strip())),
            ("reset after the last word", body(chunk("Hello"), FINISH, then=reset)),
            ("wrong content type", body(ANSWER, kind="text/html")),
            ("CRLF", body(ANSWER.replace(b"\n", b"\r\n"))),
            ("comments between", body(b": processing\n\n" + ANSWER)),
        ]:
            self.serve(script)
            self.assertEqual((await self.run_once()).text, "Hello", what)

    async def test_any_split_of_the_bytes(self) -> None:
        stream = chunk("Grüße, 世界 🌍") + chunk("!") + FINISH + FIGURES + DONE
        pieces = [stream[at : at + 7] for at in range(0, len(stream), 7)]
        self.serve(body(*pieces))
        outcome = await self.run_once()
        self.assertEqual(outcome, RunOutcome("Grüße, 世界 🌍!", "stop", Usage(10, 5)))

    async def test_answer_in_one_json_document(self) -> None:
        document = json.dumps(
            {
                "choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 2},
            },
            indent=1,
        ).encode()
        self.serve(body(b"\n", document[:20], document[20:], kind="application/json"))
        self.assertEqual(await self.run_once(), RunOutcome("Hello", "length", Usage(1, 2)))
        self.assertEqual(self.heard.deltas, ["Hello"])

    async def test_slow_drip_is_no_silence(self) -> None:
        pieces = [ANSWER[at : at + 40] for at in range(0, len(ANSWER), 40)]
        self.serve(body(*pieces))
        self.assertEqual((await self.run_once(idle_seconds=1.0)).text, "Hello")


class RefusalTests(RuntimeCase):
    """Errors the server reports before it answers."""

    async def test_upstreams_words_and_kind(self) -> None:
        words = b'{"error":{"message":"No such model: mock-1"}}'
        error = await self.failure(refuse(404, words))
        self.assertEqual(error.message, "mock: answered 404: No such model: mock-1")
        self.assertEqual((error.kind, self.heard.started), ("invalid", []))

    async def test_rate_limit_says_when_to_come_back(self) -> None:
        error = await self.failure(refuse(429, b'{"error":"slow down"}', retry_after="2"))
        self.assertEqual((error.kind, error.retry_after_ms), ("rate_limit", 2000))

    async def test_key_that_is_echoed_is_hidden(self) -> None:
        words = json.dumps({"error": {"message": f"Incorrect API key: {KEY}."}}).encode()
        error = await self.failure(refuse(401, words))
        self.assertEqual(error.message, "mock: answered 401: Incorrect API key: [redacted].")
        self.assertEqual(error.kind, "auth")

    async def test_secret_header_that_is_echoed_is_hidden(self) -> None:
        error = await self.failure(refuse(403, b"bad hunter22"), headers={"X-Key": "hunter22"})
        self.assertNotIn("hunter22", error.message)

    async def test_long_words_are_cut_after_hiding_the_key(self) -> None:
        error = await self.failure(refuse(500, b"x" * 490 + KEY.encode() + b"y" * 5000))
        self.assertLess(len(error.message), 600)
        self.assertNotIn(KEY[:8], error.message)
        self.assertEqual(error.kind, "overloaded")

    async def test_endless_error_body_does_not_hold_the_run(self) -> None:
        error = await self.failure(body(b"x" * 70_000, then=nothing), idle_seconds=0.5)
        self.assertEqual(error.kind, "timeout")
        big = b"x" * 70_000

        def endless(request: Request) -> None:
            request.setResponseCode(500)
            request.write(big)

        error = await self.failure(endless)
        self.assertEqual((error.kind, error.message), ("overloaded", "mock: answered 500"))

    async def test_redirect_is_named(self) -> None:
        error = await self.failure(refuse(301, b"", location="http://me:pw@elsewhere/v1?key=k"))
        self.assertIn("a redirect to http://elsewhere/v1; set", error.message)
        error = await self.failure(refuse(301, b"", location="/v2"))
        self.assertIn("a redirect; set", error.message)

    async def test_a_refusal_without_words_says_where_to_look(self) -> None:
        for status, words in [
            (401, "apiKey"),
            (403, "apiKey"),
            (404, "baseUrl"),
            (413, "/reset"),
        ]:
            self.assertIn(words, (await self.failure(refuse(status, b""))).message)


class BrokenTests(RuntimeCase):
    """Answers that never become whole."""

    async def test_table(self) -> None:
        for what, script, kind, words in [
            ("truncated", body(chunk("Hello"), then=cut), "stream", "broke off after 5 char"),
            ("ended early", body(chunk("Hello")), "stream", "broke off after 5 characters"),
            ("cut within an event", body(ANSWER[:-90]), "stream", "broke off after"),
            ("reset", body(chunk("Hello"), then=reset), "stream", "broke off after 5 characters"),
            ("garbage", body(chunk("Hi"), b"data: {nonsense\n\n"), "stream", "no answer"),
            ("binary", body(bytes(range(256)) * 4), "stream", "no answer"),
            ("a web page", body(b"<html>Welcome</html>", kind="text/html"), "stream", "base URL"),
            ("empty", body(), "stream", "empty answer"),
            ("other JSON", body(b'{"status":"ok"}'), "stream", "no answer"),
            ("half a document", body(b'{"choices":[{"mess'), "stream", "no answer"),
            (
                "error inside the stream",
                body(chunk("Hi"), b'data: {"error":{"message":"GPU fell off"}}\n\n'),
                "stream",
                "GPU fell off",
            ),
            (
                "error as a text",
                body(chunk("Hi"), b'data: {"error":"out of memory"}\n\n'),
                "stream",
                "out of memory",
            ),
            (
                "error in a document",
                body(b'{"error":{"message":"overloaded"}}'),
                "stream",
                "overloaded",
            ),
            (
                "nothing but thoughts",
                body(chunk(delta={}, finish_reason="length"), DONE),
                "unknown",
                "without any text (length): the longest answer was used up",
            ),
            (
                "held back",
                body(chunk(delta={}, finish_reason="content_filter"), DONE),
                "unknown",
                "without any text (content_filter): the provider's filter",
            ),
            (
                "no word and no reason that we know",
                body(chunk(delta={}, finish_reason="odd"), DONE),
                "stream",
                "without any text (odd)",
            ),
            (
                "older llama.cpp's error",
                body(chunk("Hi"), b'error: {"code":500,"message":"slot unavailable"}\n\n'),
                "stream",
                "slot unavailable",
            ),
            (
                "an event called error",
                body(chunk("Hi"), b'event: error\ndata: {"message":"gone","code":503}\n\n'),
                "stream",
                "gone",
            ),
            (
                "older vLLM's error within a good answer",
                body(b'{"object":"error","message":"at most 4096 tokens","code":400}'),
                "invalid",
                "at most 4096 tokens",
            ),
            ("reset before the answer", reset, "network", "broke"),
        ]:
            error = await self.failure(script)
            self.assertEqual(error.kind, kind, what)
            self.assertIn(words, error.message, what)

    async def test_a_connection_that_was_closed_is_called_so(self) -> None:
        error = await self.failure(body(chunk("Hello"), then=cut))
        self.assertIn("broke: it was closed before the end", error.message)

    async def test_key_echoed_inside_the_stream_is_hidden(self) -> None:
        error = await self.failure(body(b'data: {"error":"bad key %s"}\n\n' % KEY.encode()))
        self.assertEqual(error.message, "mock: bad key [redacted]")

    async def test_silence_is_a_timeout(self) -> None:
        for script in (nothing, body(chunk("Hel"), then=nothing)):
            error = await self.failure(script, idle_seconds=0.05)
            self.assertEqual(error.kind, "timeout")
            self.assertIn("sent nothing for 0.05 s", error.message)
            await self.server.gone

    async def test_line_without_end(self) -> None:
        mebibyte = b"x" * 1024 * 1024

        def endless(request: Request) -> None:
            request.write(b"data: ")
            for _ in range(6):
                request.write(mebibyte)

        error = await self.failure(endless)
        self.assertEqual(error.kind, "stream")
        self.assertIn("a line of more than", error.message)
        await self.server.gone

    async def test_refused_connection_is_tried_a_second_time_and_no_third(self) -> None:
        self.serve(nothing)
        await self.server.stop()
        run = self.run_once(clock=(clock := Clock()))
        await self.paused(clock)
        clock.advance(RETRY_SECONDS)
        error = await self.error_of(run)
        self.assertEqual((error.kind, clock.getDelayedCalls()), ("network", []))
        self.assertIn("refused", error.message)

    async def test_second_try_finds_a_server_that_came_back(self) -> None:
        port = self.serve(nothing).port
        await self.server.stop()
        run = self.run_once(clock=(clock := Clock()))
        await self.paused(clock)
        self.serve(body(ANSWER), port)
        clock.advance(RETRY_SECONDS)
        self.assertEqual((await run).text, "Hello")

    async def test_broken_connection_is_not_tried_again(self) -> None:
        await self.failure(reset)
        self.assertEqual(len(self.server.requests), 1)


class ConcessionTests(RuntimeCase):
    """Servers that cannot do all that is asked of them."""

    def cannot(self, status: int, words: str, field: str) -> Script:
        """Refuse requests that have a field."""
        answer, no = (
            body(ANSWER),
            refuse(status, json.dumps({"error": {"message": words}}).encode()),
        )

        def send(request: Request) -> None:
            asked = json.loads(self.server.requests[-1][3])
            (no if field in asked else answer)(request)

        return send

    async def test_tools_that_a_server_refuses_are_left_out_for_a_while(self) -> None:
        request = evolve(REQUEST, tools=[CLOCK])
        for status, words in [
            (400, "registry.ollama.ai/library/tiny:latest does not support tools"),
            (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
            (500, "tools param requires --jinja flag"),
            (500, "Unsupported param: tools"),
        ]:
            server = self.serve(self.cannot(status, words, "tools"))
            clock: Any = reactor
            runtime = ServerRuntime(self.settings, self.http, clock)
            for requests in (2, 3):
                self.assertEqual((await runtime.run(request, self.heard)).text, "Hello")
                self.assertEqual(len(server.requests), requests, words)

    async def test_thinking_that_a_model_refuses_is_left_out(self) -> None:
        thinker = evolve(MODEL, reasoning=True)
        request = evolve(REQUEST, model=thinker, thinking="low")
        words = '"tiny" does not support thinking'
        self.serve(self.cannot(400, words, "reasoning_effort"))
        clock: Any = reactor
        runtime = ServerRuntime(self.settings, self.http, clock)
        self.assertEqual((await runtime.run(request, self.heard)).text, "Hello")

    async def test_a_server_that_refuses_all_the_same_is_asked_no_third_time(self) -> None:
        server = self.serve(refuse(400, b'{"error":"it does not support tools"}'))
        clock: Any = reactor
        runtime = ServerRuntime(self.settings, self.http, clock)
        request = evolve(REQUEST, tools=[CLOCK])
        error = await self.error_of(runtime.run(request, self.heard))
        self.assertIn("does not support tools", error.message)
        self.assertEqual(len(server.requests), 2)

    async def test_headers_of_a_model_win(self) -> None:
        server = self.serve(body(ANSWER))
        how = ModelSettings(headers={"X-Who": "model"})
        await self.run_once(headers={"X-Who": "all", "X-More": "1"}, asked={"mock-1": how})
        headers = server.requests[0][2]
        self.assertEqual((headers["x-who"], headers["x-more"]), ("model", "1"))

    async def test_deadline_of_a_run(self) -> None:
        def drip(request: Request) -> None:
            request.write(b": still there\n\n")
            later(request, 0.02, drip, request)

        self.serve(drip)
        clock: Any = reactor
        runtime = ServerRuntime(self.settings, self.http, clock)
        run = runtime.run(evolve(REQUEST, timeout_seconds=0.2), self.heard)
        error = await self.error_of(run)
        self.assertEqual((error.kind, error.message), ("timeout", "mock: no answer within 0.2 s"))
        await self.server.gone

    async def test_reasons_of_a_refusal(self) -> None:
        for status, words, reason in [
            (402, b"pay", "billing"),
            (429, b'{"error":{"code":"insufficient_quota"}}', "billing"),
            (404, b"", "model_not_found"),
            (429, b"", "rate_limit"),
            (401, b"", "auth"),
            (400, b"", "format"),
            (400, b'{"error":{"message":"Your credit balance is too low to"}}', "billing"),
            (529, b"", "overloaded"),
        ]:
            error = await self.failure(refuse(status, words))
            self.assertEqual(error.failover_reason, reason, (status, words))


class CancelTests(RuntimeCase):
    """Stopping a run."""

    async def test_before_the_answer(self) -> None:
        asked: Deferred[None] = Deferred()
        server = self.serve(lambda request: asked.callback(None))
        run = self.run_once()
        await asked
        run.cancel()
        await self.assertFailure(run, CancelledError)
        await server.gone

    async def test_within_the_answer_and_within_a_delta(self) -> None:
        server = self.serve(body(chunk("one") + chunk("two") + chunk("three"), then=nothing))
        run = self.run_once()
        self.heard.on_delta = run.cancel
        await self.assertFailure(run, CancelledError)
        await server.gone
        self.assertEqual(self.heard.deltas, ["one"])

    async def test_while_waiting_for_the_second_try(self) -> None:
        self.serve(nothing)
        await self.server.stop()
        run = self.run_once(clock=(clock := Clock()))
        await self.paused(clock)
        run.cancel()
        await self.assertFailure(run, CancelledError)
        self.assertEqual(clock.getDelayedCalls(), [])


class InterfaceTests(RuntimeCase):
    """The contract."""

    def test_runtime_provides_its_interface(self) -> None:
        self.serve(nothing)
        clock: Any = reactor
        runtime = ServerRuntime(self.settings, self.http, clock)
        self.assertTrue(verifyObject(IAgentRuntime, runtime))
        self.assertEqual(runtime.models(), (MODEL,))
        self.assertNotIn(KEY, repr(self.settings))
