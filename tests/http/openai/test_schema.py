"""Schemathesis over the gateway's own description: what it invents is answered as described."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from twisted.internet.threads import deferToThread

from openclaw.http.openai.document import document, document_text
from tests.attacks.live import TOKEN
from tests.http.openai.rig import ProgramsCase

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EXAMPLES = int(os.environ.get("OPENCLAW_TEST_SCHEMA", "12"))
FULL = 3500


# Conversations are slow to invent, and there are two endpoints for them.
CONVERSATIONS = ("/v1/chat/completions", "/v1/responses")
SLOWER = 4


def run(port: int, examples: int, *chosen: str) -> tuple[int, str]:
    """Run it on some of the operations; its exit status, and what it printed."""
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.http.openai.schema_hooks",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={HERE / 'schemathesis.toml'}",
            "run",
            f"http://127.0.0.1:{port}/openapi.json",
            f"--header=Authorization: Bearer {TOKEN}",
            f"--max-examples={examples}",
            "--phases=examples,coverage,fuzzing",
            "--continue-on-failure",
            "--no-color",
            "--request-timeout=20",
            *chosen,
        ],
        capture_output=True,
        text=True,
        env=environment,
    )
    return done.returncode, done.stdout + done.stderr


class SchemaTests(ProgramsCase):
    timeout = 7200

    async def test_requests_that_a_program_invented(self) -> None:
        statuses: Counter[int] = Counter()
        site = self.parts.factory.site
        self.patch(site, "log", lambda request: statuses.update([request.code]))
        invented = 0
        for examples, how in ((EXAMPLES // SLOWER, "include"), (EXAMPLES, "exclude")):
            chosen = [f"--{how}-path={path}" for path in CONVERSATIONS]
            status, said = await deferToThread(run, self.port, max(examples, 10), *chosen)
            self.assertEqual(status, 0, said[-9000:])
            match = re.search(r"(\d+) generated, \d+ passed", said)
            assert match is not None, said[-2000:]
            invented += int(match[1])
        asked = sum(statuses.values())
        print(f"\nschemathesis: {asked} requests, {dict(sorted(statuses.items()))}")
        # A few are no HTTP, and end before they are requests.
        self.assertGreater(asked, 0.98 * invented)
        self.assertGreaterEqual(asked, 10_000 if EXAMPLES >= FULL else 500)
        self.assertEqual([one for one in statuses if one >= 500], [])
        self.assertGreater(statuses[200], asked / 50)
        self.assertEqual(self.parts.runs.active(), ())


class DocumentTests(ProgramsCase):
    async def test_what_is_served_is_what_is_kept(self) -> None:
        reply = await self.ask("/openapi.json")
        models = ["openclaw", "openclaw/default", "openclaw/main"]
        self.assertEqual(reply.document, document(models))
        self.assertEqual((ROOT / "docs" / "openapi.json").read_text(), document_text())
