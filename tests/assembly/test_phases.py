"""The start in eight steps."""

from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent
from twisted.logger import capturedLogs as captured_logs
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.phases import PHASES, Phases


class PhasesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.phases = Phases(self.clock.seconds, self.clock.seconds())

    def told(self) -> list[str]:
        with captured_logs() as events:
            self.phases.report()
        return [_words(event) for event in events]

    def test_each_is_told_once_with_its_own_time(self) -> None:
        self.clock.advance(0.25)
        self.phases.done("config")
        self.assertEqual(self.told(), ["start 1/8 config: 250 ms"])
        self.clock.advance(1)
        self.phases.done("log")
        self.phases.done("skills")
        self.assertEqual(self.told(), ["start 2/8 log: 1000 ms", "start 3/8 skills: 0 ms"])
        self.assertEqual(self.told(), [])
        self.assertEqual(self.phases.total_ms(), 1250)

    def test_current_is_the_one_that_runs(self) -> None:
        seen = []
        for phase in PHASES:
            seen.append(self.phases.current)
            self.phases.done(phase)
        self.assertEqual(tuple(seen), PHASES)
        self.assertEqual(self.phases.current, "ready")


def _words(event: LogEvent) -> str:
    return formatEvent(event)
