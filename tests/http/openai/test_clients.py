"""The official clients, in Python and Node, against a whole gateway."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.threads import deferToThread

from tests.attacks.live import TOKEN
from tests.conformance import packages
from tests.conformance.cases import require
from tests.http.openai.rig import ProgramsCase

HERE = Path(__file__).parent / "clients"
REPLY = "Hello from the mock model."
FOUND = {
    "models": ["openclaw", "openclaw/default", "openclaw/main"],
    "model": "openclaw/default",
    "plain": [REPLY, 15],
    "stream": ["w1 w2 w3 w4", 15],
    "tools": "The tool said: clock noon",
    "streamed tools": ["Let me see.", "clock", '{"zone":"UTC"}'],
    "responses": [
        [REPLY, "more", "w1 w2 w3", "The tool said: noon"],
        "response.created",
        "response.completed",
        "clock",
    ],
    "forms": ["UTC", "UTC"],
    "embeddings": [3, 2, 0.5],
    "errors": [
        ["AuthenticationError", 401, None],
        ["NotFoundError", 404, "model_not_found"],
        ["BadRequestError", 400, "model_not_found"],
        ["BadRequestError", 400, "unsupported_value"],
        ["RateLimitError", 429, None],
        ["InternalServerError", 502, None],
    ],
    "abort": "w1",
}


def run(*arguments: str) -> str:
    """Run a client to its end; what it printed."""
    environment = {name: one for name, one in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=100)
    if done.returncode:
        raise AssertionError(done.stderr[-3000:])
    return done.stdout


class ClientTests(ProgramsCase):
    timeout = 120

    async def judged(self, *program: str) -> None:
        address = f"http://127.0.0.1:{self.port}/v1"
        said = await deferToThread(run, *program, address, TOKEN)
        found: Any = msgspec.json.decode(said)
        for step, expected in FOUND.items():
            self.assertEqual(found[step], expected, step)
        forms = [one["response_format"] for one in self.model.asked if "response_format" in one]
        self.assertEqual([one["json_schema"]["name"] for one in forms], ["Clock", "Clock"])
        for form in forms:
            self.assertEqual(form["json_schema"]["schema"]["required"], ["zone"])
            self.assertTrue(form["json_schema"]["strict"])
        last = self.model.seen[-1]
        await self.until(lambda: last["outcome"] == "caller left")
        # The model's server may see the client leave before the run has come to its end.
        await self.until(lambda: not self.parts.runs.active())
        self.assertEqual(self.parts.runs.active(), ())

    async def test_python(self) -> None:
        await self.judged(sys.executable, str(HERE / "python_client.py"))

    async def test_node(self) -> None:
        require(lambda: (packages.node(), packages.package("openai")))
        script, directory = HERE / "node_client.mjs", packages.package("openai")
        await self.judged(str(packages.node()), str(script), str(directory))
