"""The published Pi agent inside a whole gateway: tools, context, abort, kill, stop."""

import os
import signal
from pathlib import Path
from typing import Any
from uuid import uuid4

from twisted.internet.task import deferLater

from openclaw.client.errors import RequestFailed
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.deferreds import deferred
from tests.conformance.packages import Missing
from tests.integration import pi
from tests.integration.running import Running, fetch, model_stand_in, reactor
from tests.integration.test_start import PlaceCase

SLOW = "[chunks=20 delay=100]"


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in text.split()]


class PiTests(PlaceCase):
    timeout = 120

    async def start_all(self) -> GatewayClient:
        """Model, gateway, client."""
        if not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists():
            self.skipTest("looks for processes in /proc")
        self.model, self.model_port = await model_stand_in(Path("."))
        self.addCleanup(self.model.stop, "KILL")
        try:
            self.place.configure(pi.configuration(self.place.directory, self.model_port))
        except Missing as missing:
            self.skipTest(str(missing))
        self.gateway: Running = await self.place.started(STANDIN_KEY=pi.KEY)
        self.addCleanup(self.gateway.stop, "KILL")
        client = self.place.client(scopes=("operator.admin",))
        await client.connect()
        self.addCleanup(client.close)
        self.events: list[Event] = []
        client.on_event(self.events.append)
        self.client = client
        return client

    async def say(self, text: str, session: str = "main") -> dict[str, Any]:
        """Run the agent; the final answer."""
        params = {"message": text, "idempotencyKey": str(uuid4()), "sessionKey": session}
        try:
            answer = await self.client.request("agent", params, expect_final=True)
        except RequestFailed as error:
            return {"status": "error", "message": error.message}
        found: dict[str, Any] = answer
        return found

    def texts(self, answer: dict[str, Any]) -> str:
        self.assertEqual(answer["status"], "ok", answer)
        return "".join(one.get("text", "") for one in answer["result"]["payloads"])

    def agent_events(self, stream: str) -> list[dict[str, Any]]:
        return [
            one.payload["data"]
            for one in self.events
            if one.event == "agent" and one.payload["stream"] == stream
        ]

    async def asked(self) -> list[dict[str, Any]]:
        """What the model was asked."""
        found: list[dict[str, Any]] = (await fetch(self.model_port, "/requests")).document
        return found

    async def test_a_conversation_with_tools(self) -> None:
        await self.start_all()
        said = await self.say('[call=bash {"command":"echo canary-$((40+2)) | tee made.txt"}]')
        made = self.place.directory / "workspace" / "made.txt"
        self.assertEqual(made.read_text(), "canary-42\n")
        self.assertEqual(self.texts(said), "Let me see.\n\nThe tool said: canary-42\n")
        items = [(one["name"], one["phase"], one["status"]) for one in self.agent_events("item")]
        self.assertEqual(items, [("bash", "start", "running"), ("bash", "end", "completed")])
        deltas = [one["delta"] for one in self.agent_events("assistant")]
        self.assertGreater(len(deltas), 2)
        self.assertEqual("".join(deltas), self.texts(said))
        usage = self.agent_events("usage")
        self.assertEqual(usage, [{"outputTokens": 10}])  # Of two model calls.

        (process,) = children(self.gateway.pid)
        said = await self.say("[echo] second")
        self.assertEqual(self.texts(said), "second")
        self.assertEqual(children(self.gateway.pid), [process])
        first, second, third = await self.asked()
        # System, question, call, result, answer, question: all of it is in Pi's own memory.
        self.assertEqual((first["messages"], second["messages"], third["messages"]), (2, 4, 6))

        self.assertEqual(self.texts(await self.say("[echo] other", "agent:main:other")), "other")
        self.assertEqual((await self.asked())[-1]["messages"], 2)
        self.assertEqual(len(children(self.gateway.pid)), 2)
        for pid in children(self.gateway.pid):
            self.assertNotIn(pi.KEY, Path(f"/proc/{pid}/cmdline").read_text())
        self.assertNotIn(pi.KEY, self.gateway.printed)
        self.assertNotIn(pi.KEY, (self.place.own / "logs" / "gateway.log").read_text())

    async def test_a_providers_words_reach_the_user(self) -> None:
        await self.start_all()
        said = await self.say("[error=400]")
        self.assertEqual(said["status"], "error")
        self.assertEqual(said["message"], "pi: 400 mock failure 400")

    async def test_others_than_the_owner_may_not_use_its_tools(self) -> None:
        await self.start_all()
        self.client = self.place.client()
        await self.client.connect()
        self.addCleanup(self.client.close)
        self.assertIn("only for the owner", (await self.say("hello"))["message"])
        self.assertEqual(children(self.gateway.pid), [])

    async def test_abort_kill_and_stop(self) -> None:
        await self.start_all()
        self.texts(await self.say("hello"))
        (process,) = children(self.gateway.pid)

        slow = self.say_in_background(SLOW)
        await self.until_said("w2")
        await self.client.request("chat.abort", {"sessionKey": "main"})
        await slow
        self.texts(await self.say("second"))
        self.assertEqual(children(self.gateway.pid), [process])
        # What was said when it was aborted is known from the transcript, not from Pi's memory.
        self.assertIn("Assistant: w1", (await self.asked())[-1]["user"])

        slow = self.say_in_background(SLOW)
        await self.until_said("w2")
        os.kill(process, signal.SIGKILL)
        ended = await slow
        self.assertEqual(ended["status"], "error", ended)
        self.assertIn("was ended by SIGKILL", ended["message"])
        self.texts(await self.say("third"))
        said = (await self.asked())[-1]["user"]
        self.assertIn("User: hello", said)
        self.assertTrue(said.endswith("third"), said)

        (process,) = children(self.gateway.pid)
        ended_gateway = await self.gateway.stop()
        self.assertEqual(ended_gateway.signal, None)
        self.assertFalse(Path(f"/proc/{process}").exists())

    def say_in_background(self, text: str) -> Any:
        self.events.clear()
        return deferred(self.say)(text)

    async def until_said(self, word: str) -> None:
        while not any(word in one["delta"] for one in self.agent_events("assistant")):
            await deferLater(reactor, 0.02)
