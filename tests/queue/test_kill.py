"""kill -9 in the middle of everything: nothing acknowledged is lost, nothing happens twice."""

import random
from collections.abc import Sequence
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.queue.victim_process import LANES, SENT_AGAIN
from tests.storage.victims import KILLS, run_victim

Line = tuple[str, int]


def judge(history: Sequence[Line]) -> list[str]:
    """What is wrong with everything that all processes said, in order; the last one drained."""
    faults = []
    acknowledged = {number for what, number in history if what == "E"}
    effects = [number for what, number in history if what == "D"]
    parked = {number for what, number in history if what == "U"}
    lost = acknowledged - set(effects) - parked
    faults += [f"lost {number}" for number in sorted(lost)]
    twice = {number for number in effects if effects.count(number) > 1} if _repeats(effects) else ()
    faults += [f"twice {number}" for number in sorted(twice)]
    latest = dict.fromkeys(range(LANES), 0)
    for what, number in history:
        if what == "S":
            lane = number % LANES
            if number < latest[lane]:
                faults.append(f"order {number} after {latest[lane]}")
            latest[lane] = max(latest[lane], number)
    return faults


def _repeats(numbers: Sequence[int]) -> bool:
    return len(set(numbers)) < len(numbers)


class KillTests(TestCase):
    timeout = max(120, 5 * KILLS)

    async def run_process(self, path: Path, first: int, lines: int | None) -> list[Line]:
        end = "drain" if lines is None else "on"
        module = "tests.queue.victim_process"
        said = await run_victim(module, str(path), str(first), end, lines=lines)
        return [(what, int(number)) for what, number in map(str.split, said)]

    async def test_nothing_is_lost_doubled_or_overtaken(self) -> None:
        path = Path(self.mktemp()).absolute() / "journal.sqlite"
        chance = random.Random()
        history: list[Line] = []
        released = 0
        for _ in range(KILLS):
            newest = max((number for what, number in history if what == "E"), default=0)
            first = max(1, newest - SENT_AGAIN)
            # Some die while opening, some while sending again, most at work.
            lines = chance.choice((0, chance.randint(1, 500), chance.randint(500, 3000)))
            said = await self.run_process(path, first, lines)
            released += sum(number for what, number in said if what == "R")
            history += said
        history += await self.run_process(path, 0, None)
        self.assertEqual(history[-1], ("Z", 0))
        self.assertEqual(judge(history), [])
        done = sum(what == "D" for what, _ in history)
        self.assertGreater(done, KILLS * 20, "there was work")
        self.assertGreater(released, 0, "some died at work")


class JudgeTests(SynchronousTestCase):
    """The judge sees what it is there for."""

    GOOD: tuple[Line, ...] = (
        *(("E", 1), ("S", 1), ("E", 17), ("S", 17), ("D", 17)),
        *(("E", 2), ("S", 2), ("S", 2), ("D", 2), ("E", 1), ("U", 1), ("Z", 0)),
    )

    def test_good(self) -> None:
        self.assertEqual(judge(self.GOOD), [])

    def test_planted_faults(self) -> None:
        self.assertEqual(judge([one for one in self.GOOD if one != ("U", 1)]), ["lost 1"])
        self.assertEqual(judge([*self.GOOD, ("D", 2)]), ["twice 2"])
        self.assertEqual(judge([*self.GOOD, ("S", 1), ("D", 1)]), ["order 1 after 17"])
