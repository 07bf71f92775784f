"""A thousand runs that hang, crash or are aborted: every lane is free in time, nothing is lost."""

from random import Random

from openclaw.agents.runtimes.process.runtime import ProcessRuntime
from tests.agents.runtimes.process.rig import Programs
from tests.sessions.rig import OneRuntime, World, WorldCase

RUNS = 1000
SESSIONS = 50
DEADLINE = 30.0
SLACK = 10.0
KINDS = ("[hang]", "[deaf]", "[crash]", "[half]", "[garbage]", "[fail]", "[wait]", "fine")
ENDS = frozenset({"final", "error", "aborted"})


class LaneTests(WorldCase):
    """Sessions, runs and the runtime are the real ones; time and the programs are the test's."""

    def setUp(self) -> None:
        super().setUp()
        self.world = self.start(World(self.journal, timeout_seconds=DEADLINE))
        self.programs = Programs(self.world.clock)
        self.runtime: ProcessRuntime = self.programs.runtime(most_processes=SESSIONS)
        self.world.runs._models = OneRuntime(self.runtime)  # type: ignore[arg-type]
        self.random = Random(5)

    def test_every_lane_is_freed_and_no_input_is_dropped(self) -> None:
        keys = [f"agent:main:s{number}" for number in range(SESSIONS)]
        inputs = {f"r{number}": keys[number % SESSIONS] for number in range(RUNS)}
        for run_id, key in inputs.items():
            said = f"{self.random.choice(KINDS)} {run_id}"
            self.successResultOf(self.world.accept(run_id, said, key, owner=True))
        self.pass_time(inputs)
        started, ended = self.times()
        self.assertEqual(set(ended), set(inputs))
        for run_id in inputs:
            self.assertEqual(len([one for one in self.ends() if one == run_id]), 1, run_id)
            self.assertLessEqual(ended[run_id] - started[run_id], DEADLINE + SLACK, run_id)
        self.assertEqual(self.world.runs.active(), ())
        self.check_next_starts_at_once(inputs, started, ended)
        self.check_every_kind_of_end()
        self.check_lanes_work(keys)

    def pass_time(self, inputs: dict[str, str]) -> None:
        """Let it all happen; now and then somebody aborts what runs."""
        for _ in range(20 * int(DEADLINE + SLACK) * 4):
            active = self.world.runs.active()
            if not active and len(self.ends()) == len(inputs):
                return
            for run_id in active:
                if self.random.random() < 0.005:
                    self.world.runs.abort(inputs[run_id], run_id).addErrback(self.fail)
            self.programs.turn(0.25)

    def times(self) -> tuple[dict[str, int], dict[str, float]]:
        started = {
            one["runId"]: one["ts"] / 1000
            for one in self.world.heard.of("agent")
            if one["stream"] == "lifecycle" and one["data"]["phase"] == "start"
        }
        ended = {
            one["runId"]: one["ts"] / 1000
            for one in self.world.heard.of("agent")
            if one["stream"] == "lifecycle" and one["data"]["phase"] in ("end", "error")
        }
        return started, ended

    def ends(self) -> list[str]:
        return [one["runId"] for one in self.world.heard.of("chat") if one["state"] in ENDS]

    def check_next_starts_at_once(
        self, inputs: dict[str, str], started: dict[str, int], ended: dict[str, float]
    ) -> None:
        for number in range(RUNS - SESSIONS):
            pause = started[f"r{number + SESSIONS}"] - ended[f"r{number}"]
            self.assertLessEqual(pause, 1.0)
            self.assertGreaterEqual(pause, 0.0)

    def check_every_kind_of_end(self) -> None:
        counted = {state: self.world.counted.count(state) for state in set(self.world.counted)}
        self.assertEqual(set(counted), {"done", "failed", "timeout", "aborted"})
        self.assertGreater(min(counted.values()), 50, counted)
        self.assertGreater(len([one for one in self.programs.agents if "KILL" in one.signals]), 50)

    def check_lanes_work(self, keys: list[str]) -> None:
        """Each session answers, from a process of its own."""
        self.programs.turn(5)
        self.programs.turn(60)
        for key in keys:
            self.successResultOf(self.world.accept(f"after {key}", "fine", key, owner=True))
        for _ in range(5):
            self.programs.turn(0.25)
        finals = [one for one in self.world.heard.of("chat") if one["state"] == "final"]
        self.assertEqual({one["sessionKey"] for one in finals[-SESSIONS:]}, set(keys))
        stopped = self.runtime.stop()
        self.programs.turn(10)
        self.successResultOf(stopped)
        self.assertEqual(self.programs.alive, [])
        self.assertEqual(self.world.clock.getDelayedCalls(), [])
