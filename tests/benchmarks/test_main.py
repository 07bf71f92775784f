"""Tests of the whole: a very small run with the real load generator against real servers."""

import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SkipTest, TestCase

from benchmarks.__main__ import arguments, make_plan
from benchmarks.install import ROOT
from benchmarks.results import Result, load
from benchmarks.servers import ORIGINAL, OURS


def find_modules() -> Path:
    """Find the npm packages of the tests; the load generator takes its socket from there."""
    for candidate in (ROOT / "node_modules", Path(os.environ.get("OPENCLAW_NODE_MODULES", "."))):
        if (candidate / "ws" / "package.json").is_file():
            return candidate
    raise SkipTest("the npm packages are not installed")


class PlanTests(TestCase):
    """What the options ask for."""

    timeout = 120

    def test_servers_take_turns(self) -> None:
        """Who comes first changes with every round."""
        plan = make_plan(arguments().parse_args([]))
        self.assertEqual(plan.order(1, ORIGINAL, OURS), [ORIGINAL, OURS])
        self.assertEqual(plan.order(2, ORIGINAL, OURS), [OURS, ORIGINAL])

    def test_one_server_alone(self) -> None:
        """Nothing else is started then."""
        plan = make_plan(arguments().parse_args(["--ours-only", "--only", "health"]))
        self.assertEqual((plan.servers, plan.measures), ((OURS,), ("health",)))


class SmokeTests(TestCase):
    """Runs of a few requests, through the command line."""

    timeout = 120

    async def run_benchmarks(self, *words: str) -> tuple[Result, str]:
        """Run ``python -m benchmarks``; gives its raw rounds and what it printed."""
        if not sys.platform.startswith("linux"):
            raise SkipTest("the benchmarks read /proc")
        modules = find_modules()
        out = Path(self.mktemp()).absolute()
        command = ["-m", "benchmarks", "--ours-only", "--rounds", "1", "--scale", "0.01"]
        command += ["--node-modules", str(modules), "--out", str(out), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        printed, errors, status = await getProcessOutputAndValue(
            sys.executable, command, env=environment, path=str(ROOT), reactor=reactor
        )
        self.assertEqual(status, 0, errors.decode())
        return load(out), printed.decode()

    async def test_floor_is_measured(self) -> None:
        """Echoes through both bare servers appear in the rounds and on the page."""
        result, text = await self.run_benchmarks("--only", "floor-websocket", "floor-tcp")
        for measure in ("floor-websocket", "floor-tcp"):
            (echoed,) = result.values(measure, "floor", "amount")
            self.assertEqual(echoed, 500.0)
        self.assertIn("bare Autobahn echo", text)

    async def test_gateway_is_measured(self) -> None:
        """Requests, handshakes, deliveries and model chunks all arrive, none fails."""
        measures = ("health", "sessions.list", "handshake-device", "fanout-100", "model-chunks")
        result, text = await self.run_benchmarks("--only", *measures)
        for measure in measures:
            self.assertEqual(len(result.values(measure, OURS, "cpuSeconds")), 1, measure)
        for measure in measures[:3]:
            self.assertEqual(result.values(measure, OURS, "failed"), [0.0], measure)
        self.assertEqual(
            result.values("fanout-100", OURS, "deliveries"),
            result.values("fanout-100", OURS, "expected"),
        )
        self.assertEqual(result.values("model-chunks", OURS, "finals"), [20.0])
        self.assertIn("not to be quoted", text)

    async def test_first_tokens_are_timed(self) -> None:
        """Each run's first token has a time, the requests beside it too; nothing fails."""
        measures = ("first-tokens", "first-tokens-at-once")
        result, text = await self.run_benchmarks("--only", *measures, "--scale", "0.05")
        for measure in measures:
            counts = [result.values(measure, OURS, name) for name in ("finals", "errors")]
            self.assertEqual(counts, [[100.0], [0.0]], measure)
            (latest,) = result.values(measure, OURS, "firstMaxMs")
            (median,) = result.values(measure, OURS, "firstP50Ms")
            self.assertGreater(median, 0)
            self.assertGreaterEqual(latest, median)
            (lag,) = result.values(measure, OURS, "reactorMaxMs")
            self.assertGreaterEqual(lag, 0)
        self.assertEqual(result.values("first-tokens-at-once", OURS, "firsts"), [100.0])
        (counted,) = result.values("first-tokens", OURS, "firsts")
        self.assertLessEqual(counted, 100)
        self.assertIn("first token on its way, 99th percentile", text)
