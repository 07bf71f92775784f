"""S21: bodies without end, heads without end, and senders that take their time."""

import random
from collections.abc import Iterator
from typing import Any

from twisted.web.server import Site

from openclaw.assembly import web
from openclaw.http import channel, port
from openclaw.security.sockets import WaitingSockets
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import LiveCase
from tests.http.exchanges import Port

MOST_BYTES = 2_000_000
ROUTES = ("/health", "/chat/", "/", "/control-ui-config.json", "/v1/chat/completions", "/hooks/x")


def streams(count: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Beginnings of requests, and what is said again and again after them."""
    choose = random.Random(21)
    for number in range(count):
        path, method = choose.choice(ROUTES), choose.choice(("POST", "GET", "PUT", "PATCH"))
        start = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:18789\r\n".encode()
        kind = number % 6
        if kind == 0:
            length = choose.choice((10 << 30, 1 << 40, 10**18))
            yield (
                "a body of gigabytes",
                start + b"Content-Length: %d\r\n\r\n" % length,
                b"x" * 65536,
            )
        elif kind == 1:
            more = b"Transfer-Encoding: chunked\r\n\r\n"
            yield "chunks without end", start + more, b"10000\r\n" + b"x" * 65536 + b"\r\n"
        elif kind == 2:
            yield "a head without end", start, b"X-%d: %s\r\n" % (number, b"y" * 1000)
        elif kind == 3:
            yield "a line without end", start[:-2], b"z" * 65536
        elif kind == 4:
            more = b"Transfer-Encoding: chunked\r\n\r\n1"
            yield "a size without end", start + more, b"0" * 65536
        else:
            yield "a head of nothing", b"", b"\r\n" * 4096


class StreamAttacks(AttackCase):
    """How much is taken from somebody who has proven nothing."""

    def pour(self, count: int = 240) -> Verdict:
        verdict, gateway = Verdict(), Port(self.mktemp())
        for what, start, again in streams(count):
            connection = gateway.connect("203.0.113.9")
            sent = 0
            connection.feed(start)
            while sent < 3 * MOST_BYTES and not self.is_over(connection):
                connection.feed(again)
                sent += len(again)
            verdict.note((what, start[:40], sent), sent > MOST_BYTES)
            connection.lose()
            gateway.reactor.advance(120)
        return verdict

    def is_over(self, connection: Any) -> bool:
        transport = connection.transport
        return bool(transport.aborted or transport.disconnecting)

    @hostile(240)
    def test_cve_2026_28478_bodies_before_authentication(self) -> None:
        """Bodies of any size were read, and kept, before anybody was asked who he is."""
        self.held(self.pour())
        self.patch(web, "CarefulSite", lambda pages, *_: Site(pages))
        self.caught(self.pour(24))

    def drip(self, count: int = 300) -> Verdict:
        """One byte every second: how long is somebody heard who never finishes?"""
        verdict, gateway = Verdict(), Port(self.mktemp())
        for what, start, again in streams(count):
            connection = gateway.connect(f"203.0.{len(start) % 250}.9")
            connection.feed(start[: len(start) // 2] if what.startswith("a head") else start)
            seconds = 0
            while seconds < 200 and not self.is_over(connection):
                gateway.reactor.advance(1)
                if not self.is_over(connection):
                    connection.feed(again[seconds % len(again) :][:1])
                seconds += 1
            verdict.note((what, seconds), seconds > 60)
            connection.lose()
        return verdict

    @hostile(300)
    def test_cve_2026_32980_slow_senders(self) -> None:
        """A byte now and then kept a socket for ever (slow loris)."""
        self.held(self.drip())
        self.patch(port, "HEAD_SECONDS", 10.0**6)
        self.patch(channel, "HEAD_SECONDS", 10.0**6)
        self.caught(self.drip(24))


class LiveFloodAttacks(LiveCase):
    """Many at once on real sockets, and somebody else who wants an answer."""

    async def crowd(self) -> Verdict:
        verdict, talks = Verdict(), []
        for _, (_, start, again) in zip(range(300), streams(300), strict=True):
            talk = await self.talk()
            talk.say(start[:30] + again[:200])
            talks.append(talk)
        for number in range(20):
            status, _, _ = await self.http("/health")
            verdict.note(f"somebody else, {number}", status != 200)
        for talk in talks:
            verdict.note("served", b" 200 " in talk.heard[:20])
            await talk.leave()
        return verdict

    @hostile(320)
    async def test_cve_2026_41343_others_are_served_meanwhile(self) -> None:
        """Three hundred half requests: whoever asks properly is answered all the same."""
        self.held(await self.crowd())
        enter = WaitingSockets.enter
        self.patch(
            WaitingSockets,
            "enter",
            lambda waiting, peer: len(waiting) < 100 and enter(waiting, peer),
        )
        self.caught(await self.crowd())
