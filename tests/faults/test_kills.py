"""kill -9 and SIGTERM under load: what was acknowledged is answered once, in order.

``OPENCLAW_TEST_KILLS_GATEWAY`` (or ``OPENCLAW_TEST_KILLS``) says how many stops; 20 at least.
"""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.client.errors import ClientError
from openclaw.client.gateway import GatewayClient
from tests.faults.histories import Asked, Line, Record, Verdict, judge
from tests.faults.senders import Sender
from tests.integration.running import (
    Place,
    Running,
    ask,
    model_configuration,
    model_stand_in,
    reactor,
)

STOPS = int(
    os.environ.get("OPENCLAW_TEST_KILLS_GATEWAY") or os.environ.get("OPENCLAW_TEST_KILLS") or 20
)
SESSIONS = [f"agent:main:s{number}" for number in range(6)]
SENDERS = 4
WRITE_SECONDS = 0.03
STOP_SECONDS = 10.0
BURST = 10
SETTLE_SECONDS = 240.0


@attrs.define
class Stops:
    """How the stops went, for the report."""

    kills: int = 0
    terms: int = 0
    longest_seconds: float = 0.0
    bad: list[str] = attrs.Factory(list)


class KillTests(TestCase):
    """One long run; everything is judged at its end."""

    timeout = SETTLE_SECONDS + 60 + 20 * STOPS

    async def test_acknowledged_inputs_survive(self) -> None:
        self.place = Place(self.mktemp())
        self.record = Record()
        self.stops = Stops()
        seed = random.SystemRandom().randrange(2**31)
        self.chance = random.Random(seed)
        self.model, model_port = await model_stand_in(self.place.directory)
        self.addCleanup(self.model.stop, "KILL")
        self.model_port = model_port
        self.place.configure(model_configuration(model_port))
        self.senders = [self.sender(number) for number in range(SENDERS)]
        for sender in self.senders:
            sender.start()
            self.addCleanup(sender.stop)
        await self.run_stops()
        gateway = await self.settle()
        await self.read_histories()
        await self.read_model()
        ended = await gateway.stop()
        verdict = judge(self.record)
        self.report(verdict, seed)
        self.assertEqual(ended.status, 0)
        self.assertEqual(self.stops.bad, [])
        self.assertTrue(verdict.clean, verdict)
        self.assertGreater(verdict.acknowledged, STOPS)
        self.assertEqual([sender.gaps for sender in self.senders], [0] * SENDERS)

    def sender(self, number: int) -> Sender:
        # Sessions overlap: two senders write into each, so that orders meet.
        sessions = [SESSIONS[(number + step) % len(SESSIONS)] for step in range(3)]
        return Sender(f"w{number}", sessions, self.place.client, self.record, self.chance)

    async def run_stops(self) -> None:
        loop = LoopingCall(self.write)
        ended = loop.start(WRITE_SECONDS)
        try:
            for _ in range(STOPS):
                gateway = await self.start()
                await self.somewhere(gateway)
                await self.stop_it(gateway)
        finally:
            if loop.running:
                loop.stop()
            await ended

    def write(self) -> None:
        sender = self.chance.choice(self.senders)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            sender.write()
        if self.chance.random() < 0.01:
            sender.disconnect()

    async def start(self) -> Running:
        # What the killed process had sent reaches the record before the next one lives.
        for _ in range(2):
            await deferToThread(ask, self.model_port, "/v1/models")
        self.record.lives.append(reactor.seconds())
        gateway = self.place.start(*self.place.options())
        self.addCleanup(gateway.stop, "KILL")
        return gateway

    async def somewhere(self, gateway: Running) -> None:
        """Wait for a random moment: mostly under load, now and then in the middle of a start."""
        early = self.chance.random() < 0.1
        while not early and gateway.gone is None and "ready on" not in gateway.out:
            await deferLater(reactor, 0.02)
        await deferLater(reactor, self.chance.uniform(0, 2.0))

    async def stop_it(self, gateway: Running) -> None:
        kind = self.chance.random()
        if kind < 0.3:
            await self.terminate(gateway)
            return
        self.stops.kills += 1
        if kind < 0.65:
            await self.kill_at_acknowledgement(gateway)
        else:
            await gateway.stop("KILL")
        if "Traceback" in gateway.printed:
            self.stops.bad.append(gateway.printed[-3000:])

    async def kill_at_acknowledgement(self, gateway: Running) -> None:
        """Strike the moment an acknowledgement arrives: what it says has to be true already."""
        left = self.chance.randint(1, SENDERS * BURST // 2)

        def heard() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                gateway.signal("KILL")

        for sender in self.senders:
            sender.heard = heard
        for _ in range(BURST):
            for sender in self.senders:
                sender.write()
        # A gateway that is killed in the middle of its start acknowledges nothing.
        late = reactor.callLater(STOP_SECONDS, gateway.signal, "KILL")
        await gateway.ended()
        if late.active():
            late.cancel()

    async def terminate(self, gateway: Running) -> None:
        self.stops.terms += 1
        began = reactor.seconds()
        ended = await gateway.stop("TERM", seconds=3 * STOP_SECONDS)
        self.stops.longest_seconds = max(self.stops.longest_seconds, reactor.seconds() - began)
        # A process whose own signal handling is not yet set up ends by the signal.
        if (ended.status, ended.signal) not in ((0, None), (None, 15)):
            self.stops.bad.append(f"{ended}: {gateway.printed[-3000:]}")

    async def settle(self) -> Running:
        """Start a last time; wait until everything is acknowledged and nothing runs."""
        gateway = await self.start()
        await self.place.ready(gateway)
        deadline = reactor.seconds() + SETTLE_SECONDS
        while await self.unsettled():
            if reactor.seconds() > deadline:
                break  # The judge says what is missing.
            await deferLater(reactor, 0.2)
        return gateway

    async def unsettled(self) -> bool:
        if any(sender.unacknowledged for sender in self.senders):
            return True
        client = await self.connected()
        try:
            listed = await client.request("sessions.list", {"limit": 100})
        except ClientError:
            return True
        finally:
            await client.close()
        return any(row["hasActiveRun"] for row in listed["sessions"])

    async def connected(self) -> GatewayClient:
        client = self.place.client()
        await client.connect()
        return client

    async def read_histories(self) -> None:
        client = await self.connected()
        for session in SESSIONS:
            lines: list[Line] = []
            before: dict[str, int] = {}
            more = True
            while more:
                page = await client.request(
                    "chat.history", {"sessionKey": session, "limit": 1000, **before}
                )
                lines = [_line(message) for message in page["messages"]] + lines
                more = page["hasMore"]
                before = {"beforeSeq": lines[0].seq if lines else 1}
            self.record.history[session] = lines
        await client.close()

    async def read_model(self) -> None:
        asked = (await deferToThread(ask, self.model_port, "/requests")).document
        for row in asked:
            # The last line is the input; earlier inputs without an answer stand above it.
            key = row["user"].rpartition("\n")[2].rpartition("] ")[2]
            self.record.asked.append(Asked(key, row["at"]))

    def report(self, verdict: Verdict, seed: int) -> None:
        stops = self.stops
        words = [
            verdict.line(STOPS),
            f"{stops.kills} kill -9, {stops.terms} SIGTERM (the slowest took"
            f" {stops.longest_seconds:.1f} s); {len(self.record.sent)} inputs sent,"
            f" {len(self.record.asked)} model requests, {verdict.interrupted} marked interrupted;"
            f" seed {seed}",
        ]
        sys.stdout.write("\n" + "\n".join(words) + "\n")
        kept: Any = attrs.asdict(self.record)
        path = Path(self.place.directory) / "record.json"
        path.write_text(json.dumps({"report": words, "wrong": attrs.asdict(verdict), **kept}))


def _line(message: dict[str, Any]) -> Line:
    mark = message["__openclaw"]
    interrupted = message.get("stopReason") == "interrupted"
    return Line(mark["seq"], message["role"], mark.get("runId", ""), interrupted)
