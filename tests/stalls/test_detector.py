"""The detector sees planted faults: in trial's own process, and in that of a gateway."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest, TestCase

from tests.integration.running import Place, run
from tests.stalls.blame import ROOT
from tests.stalls.child import possible
from tests.stalls.reports import Reports

reactor: Any = the_reactor

# A figure that the reactor asks for every second comes from where it has to be waited for.
GATEWAY = """\
import sys, time
from openclaw.monitoring import lag
waits = [6.4, 3.2, 1.6, 0.8, 0.4]
def slow():
    time.sleep(waits.pop() if len(waits) > 1 else waits[0])
    return 0.0
lag._process_cpu = slow
from openclaw.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


class DetectorCase(TestCase):
    timeout = 300

    def setUp(self) -> None:
        if not possible():
            raise SkipTest("the detector needs the clocks that Linux keeps of each thread")


class TrialTests(DetectorCase):
    async def run_planted(self, *names: str, options: Sequence[str] = ()) -> tuple[int, str]:
        """Run planted tests as a person would; gives the exit status and what was printed."""
        tests = [f"tests.stalls.planted.PlantedTests.{name}" for name in names]
        command = ["-m", "tools.run_tests", *options, *tests]
        environment = {**os.environ, "PYTHONPATH": ROOT, "OPENCLAW_REQUIRE_ALL": "0"}
        directory = Path(self.mktemp())
        directory.mkdir()
        out, _, status = await getProcessOutputAndValue(
            sys.executable, command, environment, str(directory), reactor
        )
        return status, out.decode()

    async def test_each_fault_fails_its_test_by_name(self) -> None:
        faults = ("sleep", "compute", "compute_in_one_call", "look_up")
        status, said = await self.run_planted(*(f"test_{name}" for name in faults))
        self.assertEqual(status, 1, said)
        for name in faults:
            kind = "computing" if name.startswith("compute") else "blocked in a call"
            self.assertRegex(said, rf"held for [0-9]+ ms, {kind}:\n(.*\n)*?.* in {name}\n", name)
            self.assertIn(f"tests.stalls.planted.PlantedTests.test_{name}\n", said)
        self.assertRegex(said.splitlines()[-1], "^0 passed, [0-9]+ failed, 0 skipped$")

    async def test_in_several_processes(self) -> None:
        """As continuous integration runs the tests."""
        names = ("test_sleep", "test_of_the_test")
        status, said = await self.run_planted(*names, options=("--jobs", "2"))
        self.assertEqual(status, 1, said)
        self.assertIn("tests.stalls.planted.PlantedTests.test_sleep\n", said)
        self.assertRegex(said.splitlines()[-1], "^1 passed, [0-9]+ failed, 0 skipped$")

    async def test_a_stall_that_a_test_hides_fails_the_run(self) -> None:
        status, said = await self.run_planted("test_forgiven")
        self.assertEqual(status, 1, said)
        self.assertIn("A reactor was held, which counts as failed:", said)
        self.assertEqual(said.splitlines()[-1], "1 passed, 0 failed, 0 skipped")

    async def test_what_the_test_itself_does_is_let_pass(self) -> None:
        status, said = await self.run_planted("test_of_the_test")
        self.assertEqual(status, 0, said)
        self.assertEqual(said.splitlines()[-1], "1 passed, 0 failed, 0 skipped")


class GatewayTests(DetectorCase):
    async def test_fault_in_a_gateway_process(self) -> None:
        place = Place(self.mktemp())
        reports = Reports(Path(self.mktemp()))
        environment = place.environment(PYTHONPATH=f"{ROOT}{os.pathsep}{reports.site}")
        program = [sys.executable, "-c", GATEWAY, *place.options()]
        running = run(program, environment, place.directory)
        self.addCleanup(running.stop)
        found: list[str] = []
        while not found:
            self.assertIsNone(running.gone, running.printed)
            await deferLater(reactor, 0.05)
            found = reports.new()
        self.assertRegex(found[0], "held for [0-9]+ ms, blocked in a call:")
        self.assertIn(f"in {place.directory}: ", found[0])
        self.assertIn('File "openclaw/monitoring/lag.py"', found[0])
        self.assertIn("in slow", found[0])
