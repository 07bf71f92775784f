"""Clients that hang up, read slowly, or wait long: what it costs, and what is left."""

import os
from typing import Any, cast

from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater

from openclaw.assembly.programs import Programs
from openclaw.deferreds import deferred
from openclaw.http.openai import events
from openclaw.protocol.base import encode
from tests.attacks.live import TOKEN, Talk, reactor
from tests.http.openai.rig import CHAT, INVOKE, RESPONSES, ProgramsCase, chat

ABORTED = int(os.environ.get("OPENCLAW_TEST_ABORTED", "100"))
AT_ONCE = 20


def request(path: str, body: object, **headers: str) -> bytes:
    """The bytes of one request."""
    data = encode(body)
    named = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Length": str(len(data)),
    }
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in named.items() if value]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode() + data


class GoingCase(ProgramsCase):
    timeout = 300

    def nothing_is_left(self) -> bool:
        parts = self.parts
        waiting = parts.conversations._waiting or parts.conversations._open
        return not (parts.runs.active() or parts.runs._followed or waiting)

    def noticed(self, kind: str) -> int:
        """How often operators are told that something happened."""
        report = self.parts.door.noticed.__self__.report(1)
        return int(report.summary.by_type.get(kind, 0))

    async def quiet(self) -> None:
        """Wait until no run, no listener and no connection is left."""
        await self.until(self.nothing_is_left)
        await self.until(lambda: not len(self.parts.limits.pages))


class HungUpTests(GoingCase):
    async def test_the_model_sees_it(self) -> None:
        for path, body in (
            (CHAT, chat("[slow]", stream=True)),
            (CHAT, chat("[slow]")),
            (RESPONSES, {"model": "openclaw", "input": "[slow]", "stream": True}),
        ):
            talk = await self.talk()
            talk.say(request(path, body))
            self.model.seen.clear()
            await self.until(lambda: bool(self.model.seen))
            if "stream" in body:
                await talk.until(lambda heard: b"w2" in heard)
            await talk.leave()
            await self.until(lambda: self.model.seen[-1]["outcome"] == "caller left")
        await self.quiet()
        self.assertEqual(self.noticed("http.hung-up"), 3)

    async def test_before_the_run_began(self) -> None:
        """The lane is busy; what waits in it is withdrawn."""
        first = await self.talk()
        first.say(request(CHAT, chat("[slow]", user="ada", stream=True)))
        await first.until(lambda heard: b"w1" in heard)
        second = await self.talk()
        second.say(request(CHAT, chat("never", user="ada")))
        await self.until(lambda: len(self.parts.conversations._open) == 2)
        await second.leave()
        await self.until(lambda: len(self.parts.conversations._open) == 1)
        await first.leave()
        await self.quiet()
        self.assertNotIn("never", [one["user"] for one in self.model.seen])

    async def test_many(self) -> None:
        """Each leaves at another moment; afterwards there is neither a run nor a socket."""

        @deferred
        async def one(number: int) -> None:
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
            talk = cast(Talk, await endpoint.connect(Factory.forProtocol(Talk)))
            body = chat("[slow]", stream=number % 3 != 0)
            data = request(CHAT, body)
            talk.say(data[: len(data) - (number % 7 == 0)])
            await deferLater(reactor, (number % 11) / 50)
            await talk.leave()

        for start in range(0, ABORTED, AT_ONCE):
            await gatherResults([one(n) for n in range(start, start + AT_ONCE)])
        await self.quiet()
        self.assertTrue(all(one["outcome"] == "caller left" for one in self.model.seen))
        self.assertEqual((await self.chat()).status, 200)


class SlowTests(GoingCase):
    def setUp(self) -> Any:
        self.patch(events, "OPEN_SECONDS", 0.2)
        self.patch(events, "ALIVE_SECONDS", 0.1)
        return super().setUp()

    async def test_a_reader_hears_that_the_gateway_lives(self) -> None:
        talk = await self.talk()
        talk.say(request(CHAT, chat("[hang]", stream=True)))
        heard = await talk.until(lambda heard: heard.count(b": keep-alive") >= 2)
        self.assertTrue(heard.startswith(b"HTTP/1.1 200"))
        self.assertIn(b'"role":"assistant"', heard)
        await talk.leave()
        await self.quiet()

    async def test_a_reader_that_pauses_misses_nothing(self) -> None:
        count = 20_000
        talk = await self.talk()
        talk.transport.pauseProducing()
        talk.say(request(CHAT, chat(f"[chunks={count}]", stream=True), Connection="close"))
        await self.until(lambda: bool(self.model.seen))
        await self.until(lambda: self.model.seen[-1]["outcome"] == "complete", 60)
        await deferLater(reactor, 0.3)
        talk.transport.resumeProducing()
        heard = await talk.until(lambda heard: b"[DONE]" in heard)
        self.assertIn(f" w{count}", heard.decode().replace("\r\n", ""))
        await talk.leave()
        await self.quiet()

    async def test_a_reader_that_never_reads_is_hung_up_on(self) -> None:
        self.patch(events, "STALL_SECONDS", 0.5)
        talk = await self.talk()
        talk.transport.pauseProducing()
        # Long words fill what the system buffers on both sides.
        body = chat("[slow]", stream=True, tools=[])
        talk.say(request(CHAT, body))
        await self.until(lambda: len(self.parts.runs.active()) == 1)
        (run_id,) = self.parts.runs.active()
        run = self.parts.runs._active[run_id]
        await self.until(lambda: run.shown)
        for _ in range(300):
            run.delta("x" * 65_536)
            await deferLater(reactor, 0)
        await self.until(self.nothing_is_left, 20)
        self.assertEqual(self.model.seen[-1]["outcome"], "caller left")
        talk.transport.resumeProducing()
        await talk.leave()


class StopTests(GoingCase):
    async def test_a_stop_ends_what_programs_wait_for(self) -> None:
        whole, stream = await self.talk(), await self.talk()
        whole.say(request(CHAT, chat("[hang]")))
        stream.say(request(CHAT, chat("[slow]", stream=True)))
        await stream.until(lambda heard: b"w1" in heard)
        await self.until(lambda: len(self.model.seen) == 2)
        (programs,) = (one for one in self.parts.helpers if isinstance(one, Programs))
        await programs.stopService()
        heard = await whole.until(lambda heard: b"\r\n\r\n" in heard)
        self.assertTrue(heard.startswith(b"HTTP/1.1 503"), heard)
        # An answer that has begun has no status left: its connection is cut.
        await stream.until(lambda _: stream.closed)
        self.assertNotIn(b"[DONE]", stream.heard)
        await whole.leave()
        self.parts.runs.interrupt()


class BodyTests(GoingCase):
    """Who is who is settled before a body is read, and bodies have an end."""

    async def status(self, data: bytes) -> int:
        talk = await self.talk()
        talk.say(data)
        heard = await talk.until(lambda heard: b"\r\n\r\n" in heard)
        await talk.leave()
        return int(heard.split()[1])

    async def test_strangers_are_told_so_before_their_body(self) -> None:
        for path in (CHAT, RESPONSES, INVOKE, "/v1/embeddings"):
            head = request(path, {}, Authorization="Bearer wrong", Content_Length="1000000")
            self.assertEqual(await self.status(head), 401)

    async def test_too_large(self) -> None:
        head = request(CHAT, {}, Content_Length="1048577")
        self.assertEqual(await self.status(head), 413)
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        head = request(CHAT, {}, Transfer_Encoding="chunked", Content_Length="")
        self.assertEqual(await self.status(head.removesuffix(b"{}") + chunk * 2), 413)

    async def test_hosts_and_origins_are_judged(self) -> None:
        self.assertEqual(
            await self.status(request(CHAT, chat(), Origin="https://evil.example")), 403
        )
        named = request(CHAT, chat(), Host="evil.example", Authorization="Bearer wrong")
        self.assertEqual(await self.status(named), 403)

    async def test_methods(self) -> None:
        for path, method, allowed in (
            (CHAT, "GET", "POST"),
            (INVOKE, "PUT", "POST"),
            ("/v1/models", "POST", "GET, HEAD"),
            ("/openapi.json", "DELETE", "GET, HEAD"),
        ):
            reply = await self.ask(path, method=method)
            self.assertEqual((reply.status, reply.headers["allow"]), (405, allowed))
            self.assertEqual(reply.error["type"], "method_not_allowed")


class LargerBodyTests(GoingCase):
    def configure(self) -> Any:
        found = dict(super().configure())
        endpoints = {
            "chatCompletions": {"maxBodyBytes": 2_000_000},
            "responses": {"enabled": False},
        }
        return {**found, "gateway": {"http": {"endpoints": endpoints}}}

    async def test_as_configured(self) -> None:
        self.assertEqual((await self.chat("hi" + " " * 1_500_000)).status, 200)
        self.assertEqual((await self.chat("hi" + " " * 2_000_000)).status, 413)

    async def test_what_is_off_is_not_there(self) -> None:
        reply = await self.ask(RESPONSES, {"model": "openclaw", "input": "hi"})
        self.assertEqual((reply.status, reply.error["type"]), (404, "not_found"))
