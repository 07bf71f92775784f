"""The commands and the program of ``docs/openai-api.rst``, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from tests.attacks.live import TOKEN
from tests.http.openai.rig import ProgramsCase

PAGE = Path(__file__).resolve().parents[3] / "docs" / "openai-api.rst"
EXPECTED = (
    "openclaw/default",
    "Hello from the mock model.",
    "data: [DONE]",
    '"completed"',
    "openapi",
)


def blocks(language: str) -> list[str]:
    """The code of one language, without its indent."""
    found = re.findall(rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", PAGE.read_text())
    return [re.sub(r"(?m)^   ", "", one).strip() for one in found]


def run(*command: str) -> str:
    """Run a program to its end; what it printed."""
    environment = {name: one for name, one in os.environ.items() if "proxy" not in name.lower()}
    environment["OPENCLAW_GATEWAY_TOKEN"] = TOKEN
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return done.stdout


class PageTests(ProgramsCase):
    def here(self, text: str) -> str:
        """The same for this gateway's port."""
        self.assertIn("127.0.0.1:18789", text)
        return text.replace("127.0.0.1:18789", self.host)

    async def test_commands(self) -> None:
        if shutil.which("curl") is None:
            raise SkipTest("curl is not installed")
        lines = [line[2:] for one in blocks("console") for line in one.splitlines()]
        self.assertEqual(len(lines), len(EXPECTED))
        for line, expected in zip(lines, EXPECTED, strict=True):
            said = await deferToThread(run, "sh", "-c", self.here(line))
            self.assertIn(expected, said, line)

    async def test_program(self) -> None:
        (program,) = blocks("python")
        said = await deferToThread(run, sys.executable, "-c", self.here(program))
        self.assertEqual(said.strip(), "Hello from the mock model.")
