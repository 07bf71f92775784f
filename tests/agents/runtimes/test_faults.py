"""Every way a model's server can break an answer: each ends in an answer or in an error in words.

The streams are those of the stand-in, which the official clients judge; the servers are real ones
on loopback. No case may hold a run longer than its deadline.
"""

import json
import logging
import tracemalloc
from collections.abc import Iterator
from functools import partial
from io import StringIO
from typing import Any

from attrs import evolve, field, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import LogPublisher, globalLogPublisher, textFileLogObserver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Request

from openclaw.agents.runtimes.draft import BrokenAnswer, Draft, Hearing
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.agents.runtimes.relay import Relay
from openclaw.agents.runtimes.server import ServerRuntime, dialect_of
from openclaw.errors import ModelError
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.agents import RunOutcome
from tests.agents.runtimes.asking import CLOCK, MODEL, REQUEST
from tests.agents.runtimes.sink import Heard
from tests.agents.runtimes.test_server import body, nothing, refuse
from tests.http.upstream import Script, Upstream, cut, later, reset
from tests.standins.behaviour import Behaviour, Call
from tests.standins.completions import Completions
from tests.standins.messages import Messages
from tests.standins.responses import Responses
from tests.standins.shape import Shape

CANARY = "sk-canary-5f2d8c71b9"
DEADLINE_SECONDS = 1.0
IDLE_SECONDS = 0.25
TALK = Behaviour(
    pieces=("Grüße, ", "世界 🌍"),
    thoughts=("which ", "zone?"),
    calls=(Call("call_1", "clock", '{"zone":"UTC"}'), Call("call_2", "clock", "{}")),
)
SHAPES: dict[str, Shape] = {
    "openai-completions": Completions(),
    "openai-responses": Responses(),
    "anthropic-messages": Messages(),
}
ENDS = {"openai-completions": 3, "openai-responses": 1, "anthropic-messages": 2}
"""How many of the last events only follow the model's last word."""


@frozen
class Case:
    """One fault.

    :ivar answers: whether the answer is whole all the same; ``None`` if either will do.
    """

    name: str
    script: Script
    answers: bool | None = False
    kinds: tuple[str, ...] = field(default=())

    @property
    def is_patient(self) -> bool:
        """Whether a slow machine must not turn it into a time-out."""
        return bool(self.answers) or ("timeout" not in self.kinds and bool(self.kinds))


def truncations(api: str, events: list[bytes]) -> Iterator[Case]:
    """The end comes after each event: orderly, in the middle of the body, and as a reset."""
    whole_from = len(events) - ENDS[api] + 1
    for number in range(len(events) + 1):
        answers = number >= whole_from
        for how, then in (("end", Request.finish), ("cut", cut), ("reset", reset)):
            script = body(b"".join(events[:number]) or b":\n", then=then)
            yield Case(f"{how} after {number}", script, answers)


def boundaries(events: list[bytes]) -> Iterator[Case]:
    """A reset at every kind of place that bytes can be cut at."""
    stream = b"".join(events)
    text = next(at for at, event in enumerate(events) if b"Gr" in event)
    start = sum(map(len, events[:text]))
    inside = events[text]
    places = {
        "in a field's name": start + 3,
        "after the colon": start + inside.index(b":") + 1,
        "in the JSON": start + inside.index(b"{") + 5,
        "in an escape": start + inside.index(b"\\u") + 3,
        "before the blank line": start + len(inside) - 2,
        "in the blank line": start + len(inside) - 1,
        "at the first byte": 1,
    }
    for name, place in places.items():
        for then in (reset, cut, nothing):
            yield Case(f"{then.__name__} {name}", body(stream[:place], then=then))
    raw = stream.replace(b"\\u00fc", "ü".encode())
    yield Case("in a character", body(raw[: raw.index("ü".encode()) + 1], then=reset))


def malformed(events: list[bytes]) -> Iterator[Case]:
    """One event is not what it should be."""
    junk = {
        "no JSON": b"data: {nonsense\n\n",
        "half": b'data: {"choices":[{"del\n\n',
        "a list": b"data: []\n\n",
        "a number": b"data: 7\n\n",
        "bad UTF-8": b'data: {"type":"\xff\xfe"}\n\n',
        "deep": b"data: " + b"[" * 200_000 + b"\n\n",
        "wrong types": b'data: {"type":7,"choices":"no","usage":[],"delta":3}\n\n',
        "binary": bytes(range(256)) * 8 + b"\n\n",
        "a huge line": b"data: " + b"x" * (5 << 20) + b"\n\n",
        "many data lines": b"data: x\n" * (1 << 16) + b"\n",
    }
    for name, data in junk.items():
        for number in (0, 2, len(events) // 2):
            pieces = [b"".join(events[:number]), data, b"".join(events[number:])]
            wanted = None if name in ("binary", "bad UTF-8") else False
            yield Case(f"{name} at {number}", body(*filter(None, pieces)), wanted)


def strangers(events: list[bytes]) -> Iterator[Case]:
    """Answers that are whole, however they come, and answers that are none."""
    stream = b"".join(events)
    odd = (
        b'event: sparkles\ndata: {"type":"sparkles","of":[1,{"a":null}]}\n\n: note\n\nretry: 5\n\n'
    )
    page = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
    yield Case("as a web page", body(stream, kind="text/html"), True)
    yield Case("as JSON", body(stream, kind="application/json"), True)
    yield Case("without a type", body(stream, kind=""), True)
    yield Case("CRLF", body(stream.replace(b"\n", b"\r\n")), True)
    yield Case("CR", body(stream.replace(b"\n", b"\r")), True)
    yield Case("unknown events", body(odd + odd.join(events) + odd), True)
    yield Case("more after the end", body(stream + stream), True)
    yield Case("slow drip", body(*(stream[at : at + 97] for at in range(0, len(stream), 97))), True)
    yield Case("only unknown events", body(odd * 3))
    yield Case("a page", body(page, kind="text/html"))
    yield Case("a page of 502", refuse(502, page), kinds=("overloaded",))
    yield Case("empty", body())
    yield Case("empty 204", refuse(204, b""))
    yield Case("null", body(b"null"))
    yield Case("an empty object", body(b"{}"))
    yield Case("an empty list", body(b"[]"))
    yield Case("another API", body(b'{"status":"ok","data":[1,2]}'))
    yield Case("half a document", body(b'{"choices":[{"mess'))
    yield Case("white space", body(b"\n \n" * 1000))
    yield Case("an endless document", body(*[b"{" + b" " * (1 << 20)] * 9))
    yield Case("a too short body", short_of(stream))


def refusals() -> Iterator[Case]:
    """Errors, in words that hold the key."""
    said = json.dumps({"error": {"type": "api_error", "message": f"key {CANARY} is bad"}}).encode()
    for status, kinds in [
        (400, ("invalid",)),
        (401, ("auth",)),
        (404, ("invalid",)),
        (429, ("rate_limit",)),
        (500, ("overloaded",)),
        (529, ("overloaded",)),
        (302, ("invalid",)),
    ]:
        yield Case(f"{status}", refuse(status, said), kinds=kinds)
        yield Case(f"{status} in silence", refuse(status, b""), kinds=kinds)
    yield Case("an error as an answer", body(said), kinds=("overloaded",))
    yield Case("an error event", body(b"event: error\ndata: " + said + b"\n\n"))
    yield Case("text", body(CANARY.encode() + b" is no good"))


def silences(events: list[bytes]) -> Iterator[Case]:
    """A server that stays, and says nothing or nothing new."""
    yield Case("silence", nothing, kinds=("timeout",))
    yield Case("silence in the middle", body(*events[:4], then=nothing), kinds=("timeout",))
    yield Case("pings for ever", for_ever(b": ping\n\n"), kinds=("timeout",))
    yield Case("one byte for ever", for_ever(b"x"), kinds=("timeout",))


def short_of(stream: bytes) -> Script:
    """Promise more than is sent."""

    def send(request: Request) -> None:
        request.setHeader("content-length", str(len(stream) + 100))
        request.write(stream[: len(stream) // 3])
        cut(request)

    return send


def for_ever(piece: bytes) -> Script:
    """Send the same again and again."""

    def send(request: Request) -> None:
        request.write(piece)
        later(request, 0.05, send, request)

    return send


class MatrixCase(TestCase):
    """One server that breaks in one way after the other."""

    timeout = 120

    def setUp(self) -> None:
        self.http = TreqOutbound(reactor)
        self.http.startService()
        self.addCleanup(self.http.stopService)
        self.server = Upstream(nothing)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.server.stop()))
        self.written = StringIO()
        self.watch_logs()

    def watch_logs(self) -> None:
        """Keep all that is logged: no secret may be there."""
        publisher: LogPublisher = globalLogPublisher
        observer: Any = textFileLogObserver(self.written)
        publisher.addObserver(observer)
        self.addCleanup(publisher.removeObserver, observer)
        handler = logging.StreamHandler(self.written)
        logging.getLogger().addHandler(handler)
        self.addCleanup(logging.getLogger().removeHandler, handler)

    def ask(self, api: str, heard: Heard | None = None, factor: int = 20) -> Deferred[RunOutcome]:
        """Run once, with the patience of the impatient cases times ``factor``."""
        base = f"{self.server.url}/v1"
        settings = ProviderSettings(
            id="mock",
            base_url=base,
            api=api,
            api_key=CANARY,
            headers={"X-Team": CANARY},
            idle_seconds=IDLE_SECONDS * factor,
        )
        clock: Any = reactor
        seconds = DEADLINE_SECONDS * factor
        request = evolve(REQUEST, model=MODEL, tools=[CLOCK], timeout_seconds=seconds)
        return ServerRuntime(settings, self.http, clock).run(request, heard or Heard())

    async def check(self, api: str, case: Case) -> None:
        """Run one case, and judge how it ended."""
        clock: Any = reactor
        what = f"{api}: {case.name}"
        self.server.script = case.script
        factor = 20 if case.is_patient else 1
        started = clock.seconds()
        try:
            outcome = await self.ask(api, factor=factor)
        except ModelError as error:
            self.assertIsNot(case.answers, True, f"{what}: {error.message}")
            self.assertTrue(error.message.startswith("mock: "), what)
            self.assertGreater(len(error.message), len("mock: ") + 3, what)
            self.assertNotIn(CANARY, str(error) + repr(vars(error)), what)
            self.assertNotIn(CANARY, Failure(error).getTraceback(detail="verbose"), what)
            if case.kinds:
                self.assertIn(error.kind, case.kinds, f"{what}: {error.message}")
        else:
            self.assertIsNot(case.answers, False, f"{what}: {outcome}")
            if case.answers:
                self.assertEqual(outcome.text, TALK.text, what)
                self.assertEqual(len(outcome.calls), 2, what)
        self.assertLess(clock.seconds() - started, DEADLINE_SECONDS * factor + 10.0, what)

    async def matrix(self, api: str, least: int) -> None:
        """Every fault of one API."""
        events = list(SHAPES[api].frames(TALK))
        cases = [
            *truncations(api, events),
            *boundaries(events),
            *malformed(events),
            *strangers(events),
            *refusals(),
            *silences(events),
        ]
        self.assertGreaterEqual(len(cases), least)
        for case in cases:
            await self.check(api, case)
        self.assertNotIn(CANARY, self.written.getvalue())


class FaultTests(MatrixCase):
    """Each API in the matrix."""

    async def test_completions(self) -> None:
        await self.matrix("openai-completions", 135)

    async def test_responses(self) -> None:
        await self.matrix("openai-responses", 140)

    async def test_messages(self) -> None:
        await self.matrix("anthropic-messages", 140)


class FirstWordTests(MatrixCase):
    """Nothing waits for more."""

    async def test_each_word_is_heard_before_the_next_event_is_written(self) -> None:
        for api, shape in SHAPES.items():
            events = list(shape.frames(TALK))
            first = next(at for at, event in enumerate(events) if b"Gr" in event)
            waiting: list[Request] = []
            self.server.script = body(*events[: first + 1], then=waiting.append)
            heard = Heard()
            told: list[int] = []
            heard.on_delta = partial(told.append, 1)
            run = self.ask(api, heard)
            while not told:
                await deferLater(reactor, 0.002)
            self.assertEqual(heard.deltas, ["Grüße, "], api)
            while not waiting:
                await deferLater(reactor, 0.002)
            waiting[0].write(b"".join(events[first + 1 :]))
            waiting[0].finish()
            self.assertEqual((await run).text, TALK.text, api)


class MemoryTests(SynchronousTestCase):
    """A server that never stops fills no memory."""

    def peak(self, api: str, event: bytes, megabytes: int) -> int:
        """Feed the same event again and again; return the most bytes that were held."""
        draft = Draft(Hearing(lambda text: None))
        relay = Relay(dialect_of(api).answer(draft, REQUEST), draft)
        block = event * (1 + (1 << 18) // len(event))
        tracemalloc.start()
        try:
            for _ in range((megabytes << 20) // len(block)):
                relay.feed(block)
        except BrokenAnswer:
            pass
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return peak

    def test_events_that_say_nothing(self) -> None:
        unknown = b'data: {"type":"sparkles","choices":[],"index":3,"output_index":3}\n\n'
        for api in SHAPES:
            for event in (b": ping\n\n", unknown):
                self.assertLess(self.peak(api, event, 16), 4 << 20, (api, event))

    def test_blocks_items_and_thoughts_without_end(self) -> None:
        for api, event in [
            ("openai-completions", b'data: {"choices":[{"delta":{"reasoning":"xxxx"}}]}\n\n'),
            (
                "openai-responses",
                b'data: {"type":"response.output_item.done","output_index":1,"item":'
                b'{"type":"reasoning","encrypted_content":"xxxx"}}\n\n',
            ),
            (
                "anthropic-messages",
                b'data: {"type":"content_block_start","index":1,"content_block":'
                b'{"type":"redacted_thinking","data":"xxxx"}}\n\n',
            ),
        ]:
            self.assertLess(self.peak(api, event, 16), 40 << 20, api)
