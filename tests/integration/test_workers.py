"""Workers as processes of their own, beside a whole gateway: two of them, one lost, Pi on one."""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.errors import ClientError, RequestFailed
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.client.identity import DeviceIdentity
from openclaw.client.settings import Credentials, Introduction, command_line_client
from openclaw.deferreds import deferred
from tests.conformance.packages import Missing
from tests.integration import pi
from tests.integration.running import TOKEN, Running, model_stand_in, reactor, run
from tests.integration.test_start import PlaceCase

RUDE = Path(__file__).parents[1] / "agents" / "runtimes" / "process" / "rude.py"
PROGRAM = [sys.executable, "-I", "-S", str(RUDE)]
CONFIGURATION = {
    "agents": {
        "defaults": {
            "model": {"primary": "far/any"},
            "cliBackends": {"far": {"runsOn": "worker"}},
        }
    }
}


class WorkersCase(PlaceCase):
    timeout = 120

    async def start_gateway(self) -> None:
        self.place.configure(CONFIGURATION)
        await self.started()
        self.client = self.place.client(scopes=("operator.admin",))
        await self.client.connect()
        self.addCleanup(self.client.close)
        self.events: list[Event] = []
        self.client.on_event(self.events.append)

    async def worker(
        self, name: str, program: list[str], *options: str, **environment: str
    ) -> Running:
        """Start a worker with the command, and wait until the gateway knows it."""
        state = self.place.directory / name
        arguments = [sys.executable, "-m", "openclaw.cli", "worker", "run", "--backend", "far"]
        arguments += ["--url", f"ws://127.0.0.1:{self.place.port}", "--token", TOKEN]
        arguments += ["--state-dir", str(state), *options, "--", *program]
        started = run(arguments, self.place.environment(**environment), self.place.directory)
        self.watched(started)
        STATE[started] = state.resolve()
        while "runs far" not in started.out:
            self.assertIsNone(started.gone, started.printed)
            await deferLater(reactor, 0.02)
        return started

    @deferred
    async def say(self, text: str, session: str = "main") -> str:
        """Run the agent; its answer, or the words of its failure."""
        params = {"message": text, "idempotencyKey": str(uuid4()), "sessionKey": session}
        try:
            answer: Any = await self.client.request("agent", params, expect_final=True)
        except RequestFailed as error:
            return f"failed: {error.message}"
        return "".join(one.get("text", "") for one in answer.get("result", {}).get("payloads", ()))


class WorkerTests(WorkersCase):
    async def test_two_workers_one_is_lost(self) -> None:
        await self.start_gateway()
        first = await self.worker("one", PROGRAM)
        second = await self.worker("two", PROGRAM)
        self.assertEqual(await self.say("hello"), "re hello")

        hung = [self.say("[hang]", f"agent:main:s{number}") for number in range(4)]
        await deferLater(reactor, 1.0)
        # The first worker has one more: it keeps the process of the session that said hello.
        self.assertEqual([len(agents_of(one)) for one in (first, second)], [3, 2])
        os.kill(first.pid, signal.SIGKILL)
        # Nothing of them was shown, so the other worker has them now.
        while len(agents_of(second)) < 4:
            await deferLater(reactor, 0.05)
        self.assertEqual([one.called for one in hung], [False] * 4)
        self.assertTrue(await self.none_of(first))
        for number in range(4):
            await self.client.request("chat.abort", {"sessionKey": f"agent:main:s{number}"})
        for one in hung:
            await one
        self.assertEqual(await self.say("after"), "re after")

    async def test_a_run_that_was_seen_is_reported(self) -> None:
        await self.start_gateway()
        only = await self.worker("one", PROGRAM)
        self.assertIn("ended with status 3", await self.say("[half]"))
        slow = "import sys, time\n" + RUDE.read_text().replace('"hang": lambda: None', SHOWN)
        script = self.place.directory / "slow.py"
        script.write_text(slow)
        only.signal("TERM")
        await only.ended()
        other = await self.worker("two", [sys.executable, "-I", "-S", str(script)])
        self.events.clear()  # the first run was seen too
        seen: Deferred[str] = self.say("[hang]")
        while not any(e.event == "chat" and e.payload["state"] == "delta" for e in self.events):
            await deferLater(reactor, 0.02)
        other.signal("KILL")
        self.assertIn("the worker was lost while it answered", await seen)

    async def test_a_connection_that_was_cut_is_made_again(self) -> None:
        await self.start_gateway()
        worker = await self.worker("one", PROGRAM)
        self.assertEqual(await self.say("one"), "re one")
        # Its socket is cut, as a network does it.
        (mine,) = [c for c in await self.clients() if c["mode"] == "worker"]
        await self.client.request("device.pair.remove", {"deviceId": mine["deviceId"]})
        while worker.out.count("runs far") < 2:
            self.assertIsNone(worker.gone, worker.printed)
            await deferLater(reactor, 0.05)
        self.assertEqual(await self.say("two"), "re two")

    async def clients(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.client.request("system-presence")
        return found

    async def none_of(self, worker: Running) -> bool:
        """Whether the agents of a worker end with it, as their standard input does."""
        for _ in range(200):
            if not agents_of(worker):
                return True
            await deferLater(reactor, 0.05)
        return False

    async def test_a_worker_may_do_nothing_else_and_nobody_else_its_work(self) -> None:
        await self.start_gateway()
        worker = self.as_worker()
        await worker.connect()
        self.addCleanup(worker.close)
        for method, params in (
            ("sessions.list", {}),
            ("config.get", {}),
            ("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "k1"}),
            ("device.pair.list", {}),
        ):
            self.assertIn("unauthorized role: worker", await self.refusal(worker, method, params))
        ready = {"backends": ["far"], "slots": 1}
        self.assertIn("missing scope", await self.refusal(self.client, "worker.ready", ready))
        ended = {"run": "x", "text": "forged"}
        self.assertIn("not this connection's", await self.refusal(worker, "worker.run.end", ended))
        worker_events: list[Event] = []
        worker.on_event(worker_events.append)
        self.assertIn("no worker that runs 'far'", await self.say("hello"))
        self.assertEqual([e.event for e in worker_events if e.event not in HEARD_BY_ALL], [])

    def as_worker(self) -> GatewayClient:
        introduction = Introduction(
            command_line_client(id="openclaw-worker", mode="worker"),
            Credentials(token=TOKEN),
            role="worker",
            scopes=("operator.admin",),
        )
        address = GatewayAddress("127.0.0.1", self.place.port)
        return GatewayClient(Dialer(address, introduction, reactor, device=DeviceIdentity()))

    async def refusal(self, client: GatewayClient, method: str, params: object) -> str:
        try:
            await client.request(method, params)
        except ClientError as error:
            return str(error)
        raise AssertionError(f"{method} was served")


class PiWorkerTests(WorkersCase):
    async def test_pi_uses_tools_on_a_worker(self) -> None:
        model, port = await model_stand_in(Path("."))
        self.addCleanup(model.stop, "KILL")
        try:
            program = pi.program()
        except Missing as missing:
            self.skipTest(str(missing))
        await self.start_gateway()
        directory = str(pi.pi_directory(self.place.directory, port))
        await self.worker(
            "one",
            [*program, "--provider", "standin", "--model", "mock-1"],
            *("--env", "PI_CODING_AGENT_DIR", "--env", "PI_OFFLINE", "--env", pi.KEY_NAME),
            PI_CODING_AGENT_DIR=directory,
            PI_OFFLINE="1",
            STANDIN_KEY=pi.KEY,
        )
        said = await self.say('[call=bash {"command":"echo canary-$((40+2)) | tee made.txt"}]')
        self.assertEqual(said, "Let me see.\n\nThe tool said: canary-42\n")
        made = self.place.directory / "one" / "workspace" / "made.txt"
        self.assertEqual(made.read_text(), "canary-42\n")
        items = [
            (one.payload["data"]["name"], one.payload["data"]["phase"])
            for one in self.events
            if one.event == "agent" and one.payload["stream"] == "item"
        ]
        self.assertEqual(items, [("bash", "start"), ("bash", "end")])


HEARD_BY_ALL = frozenset({"tick", "health", "heartbeat", "shutdown"})
SHOWN = '"hang": lambda: (delta("seen "), time.sleep(30))'


def agents_of(worker: Running) -> list[int]:
    """The processes that were started by a worker, also after its end."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
            cwd = os.readlink(entry.with_name("cwd"))
        except OSError:
            continue
        if str(RUDE).encode() in words and Path(cwd).is_relative_to(STATE[worker]):
            found.append(int(entry.parent.name))
    return found


STATE: dict[Running, Path] = {}
