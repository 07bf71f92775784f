"""How the gateway stops: everybody is told, what waits is kept, and it ends whatever hangs."""

import sqlite3
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from openclaw.client.gateway import GatewayClient
from openclaw.protocol.connect import PROTOCOL
from tests.conformance.raw import Closed, Frame, RawSocket
from tests.integration.running import (
    Ended,
    Running,
    ask,
    fetch,
    model_configuration,
    model_stand_in,
    reactor,
    status_of,
)
from tests.integration.test_start import PlaceCase

# A process that is told to stop and does not end by then is killed, which no test here accepts.
STOP_SECONDS = 15.0


def connect_frame(token: str) -> Frame:
    client = {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"}
    params = {
        "minProtocol": PROTOCOL,
        "maxProtocol": PROTOCOL,
        "client": client,
        "role": "operator",
        "scopes": ["operator.read", "operator.write"],
        "auth": {"token": token},
    }
    return {"type": "req", "id": "1", "method": "connect", "params": params}


def greeted(port: int, token: str) -> RawSocket:
    """A socket that is a client; blocking."""
    one = RawSocket(port)
    one.receive()
    one.send(connect_frame(token))
    answer = one.receive()
    assert answer is not None and answer["ok"], answer
    return one


def until_closed(one: RawSocket) -> tuple[list[str], Closed | None]:
    """The events a socket still receives, and how it is closed; blocking."""
    events = []
    with one:
        while (frame := one.receive(STOP_SECONDS)) is not None:
            events.append(frame.get("event", ""))
            if frame.get("event") == "shutdown":
                assert frame["payload"] == {"reason": "gateway stopping"}, frame
                assert isinstance(frame["seq"], int), frame
        return events, one.closed


class FarewellTests(PlaceCase):
    """Every socket hears of the stop."""

    async def farewell(self, signal: str, twistd: bool) -> Ended:
        running = await self.started(twistd=twistd)
        port, token = self.place.port, self.place.token
        clients = [await deferToThread(greeted, port, token) for _ in range(3)]
        stranger = await deferToThread(RawSocket, port)
        await deferToThread(stranger.receive)
        reading = [deferToThread(until_closed, one) for one in (*clients, stranger)]
        ended = await running.stop(signal, STOP_SECONDS)
        heard = [await one for one in reading]
        for _, closed in heard:
            self.assertEqual(closed, Closed(1012, "service restart"))
        for events, _ in heard[:3]:
            self.assertEqual(events[-1], "shutdown")
        self.assertEqual(heard[3][0], [])
        self.assertFalse((self.place.own / "runtime.json").exists())
        self.assertNotIn("Traceback", running.printed)
        self.assertNotIn("Unhandled", running.printed)
        return ended

    async def test_term_under_python(self) -> None:
        self.assertEqual(await self.farewell("TERM", twistd=False), Ended(0, None))

    async def test_interrupt_under_python(self) -> None:
        self.assertEqual(await self.farewell("INT", twistd=False), Ended(0, None))

    async def test_term_under_twistd(self) -> None:
        self.assertEqual(await self.farewell("TERM", twistd=True), Ended(None, 15))

    async def test_interrupt_under_twistd(self) -> None:
        self.assertEqual(await self.farewell("INT", twistd=True), Ended(None, 2))

    async def test_client_that_does_not_answer_the_close(self) -> None:
        running = await self.started()
        deaf = await deferToThread(greeted, self.place.port, self.place.token)
        self.addCleanup(deaf.__exit__, None, None, None)
        self.assertEqual(await running.stop("TERM", STOP_SECONDS), Ended(0, None))

    async def test_kept_alive_http_connection(self) -> None:
        running = await self.started()
        idle = await deferToThread(ask, self.place.port, "/healthz", "GET", {"Connection": "x"})
        self.assertEqual(idle.status, 200)
        self.assertEqual(await running.stop("TERM", STOP_SECONDS), Ended(0, None))

    async def test_two_signals(self) -> None:
        running = await self.started()
        running.signal("INT")
        self.assertEqual(await running.stop("INT", STOP_SECONDS), Ended(0, None))
        self.assertNotIn("Traceback", running.printed)


class WorkTests(PlaceCase):
    """A stop with a model that hangs, and with inputs that wait behind it."""

    timeout = 120

    async def begin(self) -> tuple[Running, GatewayClient]:
        model, self.model_port = await model_stand_in(self.place.directory)
        self.watched(model)
        self.place.configure(model_configuration(self.model_port))
        return await self.started(), await self.connected()

    async def connected(self) -> GatewayClient:
        client = self.place.client()
        await client.connect()
        return client

    async def send(self, client: GatewayClient, key: str, text: str) -> None:
        params = {"sessionKey": "main", "message": f"{text} {key}", "idempotencyKey": key}
        answer = await client.request("chat.send", params)
        self.assertEqual(answer["status"], "started")

    async def asked(self, key: str) -> int:
        """How often the model was asked for an input."""
        rows = (await deferToThread(ask, self.model_port, "/requests")).document
        return sum(row["user"].endswith(key) for row in rows)

    async def until_asked(self, key: str, times: int = 1) -> None:
        while await self.asked(key) < times:
            await deferLater(reactor, 0.05)

    async def history(self, client: GatewayClient) -> list[dict[str, Any]]:
        page = await client.request("chat.history", {"sessionKey": "main", "limit": 100})
        return list(page["messages"])

    async def test_model_that_hangs(self) -> None:
        """Nothing of its answer was seen: the next process runs it again, in its place."""
        running, client = await self.begin()
        await self.send(client, "first", "[hang]")
        for key in ("second", "third"):
            await self.send(client, key, "[echo]")
        await self.until_asked("first")
        self.assertEqual(await running.stop("TERM", STOP_SECONDS), Ended(0, None))
        self.assertNotIn("Unhandled", running.printed)
        self.assertNotIn("Traceback", running.printed)
        self.assertEqual(await self.asked("second"), 0)
        await self.started()
        client = await self.connected()
        await self.until_asked("first", 2)
        self.assertEqual([one["role"] for one in await self.history(client)], ["user"] * 3)
        await client.request("chat.abort", {"sessionKey": "main", "runId": "first"})
        # What was never answered stays in front of the model, the order of the words too.
        await self.until_asked("second")
        await client.close()

    async def test_answer_that_was_seen_is_not_given_twice(self) -> None:
        running, client = await self.begin()
        seen: list[str] = []
        client.on_event(lambda event: seen.append(_state(event.payload)))
        await self.send(client, "long", "[chunks=400 delay=100]")
        while "delta" not in seen:
            await deferLater(reactor, 0.02)
        await self.send(client, "next", "[echo]")
        self.assertEqual(await running.stop("TERM", STOP_SECONDS), Ended(0, None))
        await self.started()
        client = await self.connected()
        await self.until_asked("next")
        answers = {
            one["__openclaw"]["runId"]: one
            for one in await self.history(client)
            if one["role"] == "assistant"
        }
        self.assertEqual(answers["long"]["stopReason"], "interrupted")
        self.assertIn("w1 w2", answers["long"]["content"][0]["text"])
        self.assertEqual(await self.asked("long"), 1)
        await client.close()

    async def test_input_accepted_while_it_drains(self) -> None:
        """Whatever is acknowledged runs, even if the acknowledgement came during the stop."""
        running, client = await self.begin()
        await self.send(client, "first", "[chunks=20 delay=100]")
        await self.until_asked("first")
        running.signal("TERM")
        await self.send(client, "late", "[echo]")
        self.assertEqual(await running.stop("TERM", STOP_SECONDS), Ended(0, None))
        await self.started()
        await self.until_asked("late")
        self.assertEqual(await self.asked("first"), 1)

    async def test_store_that_hangs(self) -> None:
        """Another process that holds the journal cannot hold up the stop."""
        running, client = await self.begin()
        await self.send(client, "first", "[chunks=30 delay=100]")
        await self.until_asked("first")
        journal = Journal(self.place.own / "journal.sqlite")
        self.addCleanup(journal.release)
        self.assertIn(await running.stop("TERM", STOP_SECONDS), (Ended(0, None), Ended(1, None)))


class Journal:
    """Holds the journal's write lock, as a backup program would."""

    def __init__(self, path: Any) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("begin immediate")

    def release(self) -> None:
        """Let go."""
        self._connection.close()


class SlowStartTests(PlaceCase):
    """A start that takes its time: it says so to everybody who comes too early."""

    async def begin(self) -> Running:
        """A gateway that answers, and waits for its journal."""
        await (await self.started()).stop()
        self.journal = Journal(self.place.own / "journal.sqlite")
        self.addCleanup(self.journal.release)
        running = self.start(*self.place.options())
        while await status_of(self.place.port, "/healthz") == 0:
            self.assertIsNone(running.gone, running.printed)
        return running

    async def test_probes_and_clients(self) -> None:
        running = await self.begin()
        port = self.place.port
        for path, word in (("/startupz", "starting"), ("/readyz", "startup-sidecars")):
            answer = await fetch(port, path)
            self.assertEqual(answer.status, 503)
            self.assertIn(word, answer.body.decode())
        self.assertEqual(await status_of(port), 503)
        self.assertEqual(await status_of(port, "/healthz"), 200)
        refusal, closed = await deferToThread(self.refused)
        self.assertEqual(refusal["error"]["code"], "UNAVAILABLE")
        self.assertIs(refusal["error"]["retryable"], True)
        self.assertEqual(closed, Closed(1013, "gateway starting"))
        self.journal.release()
        await self.place.ready(running)
        self.assertEqual(await status_of(port, "/startupz"), 200)
        self.assertTrue(await self.admits(port, self.place.token))

    def refused(self) -> tuple[Frame, Closed | None]:
        with RawSocket(self.place.port) as early:
            early.receive()
            early.send(connect_frame(self.place.token))
            answer = early.receive()
            assert answer is not None
            early.receive()
            return answer, early.closed

    async def test_stop_in_the_middle_of_a_start(self) -> None:
        running = await self.begin()
        ended = await running.stop("TERM", STOP_SECONDS)
        self.assertEqual(ended, Ended(0, None), running.printed)
        self.assertNotIn("start failed", running.printed)
        self.assertNotIn("Traceback", running.printed)

    async def test_early_client_waits_in_the_backlog(self) -> None:
        """From the moment the port is bound nobody is turned away by the system."""
        running = self.start(*self.place.options())
        early: RawSocket | None = None
        while early is None:
            self.assertIsNone(running.gone, running.printed)
            try:
                early = await deferToThread(RawSocket, self.place.port)
            except ConnectionRefusedError:
                continue
        challenge = await deferToThread(early.receive)
        assert challenge is not None
        self.assertEqual(challenge["event"], "connect.challenge")
        early.__exit__(None, None, None)
        await self.place.ready(running)


def _state(payload: Any) -> str:
    return str(payload.get("state", "")) if isinstance(payload, dict) else ""
