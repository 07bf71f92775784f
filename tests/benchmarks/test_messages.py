"""A short run of the way of messages: what is counted, never how fast it was."""

import os
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from benchmarks.messages.page import ALONE, LONG, MEASURE, TROUBLED, page
from benchmarks.messages.run import Load, once, slope
from benchmarks.messages.spread import Spread
from benchmarks.results import Result, Sample


class MessageRunTests(TestCase):
    timeout = 180

    async def run_it(self, **load: Any) -> dict[str, float]:
        home = Path(self.mktemp()).absolute()
        home.mkdir()
        cores = sorted(os.sched_getaffinity(0))
        figures: dict[str, float] = await deferToThread(
            once, Load(per_second=80, seconds=5, accounts=4, **load), cores, home
        )
        return figures

    def check(self, figures: dict[str, float]) -> None:
        """Everything was answered, once, in order, and repeats were seen for what they are."""
        wrong = {name: figures[name] for name in ("lost", "doubled", "inverted", "failed")}
        self.assertEqual(wrong, dict.fromkeys(wrong, 0))
        self.assertEqual(figures["made"], 400)
        self.assertEqual(figures["accepted"], 400)
        self.assertEqual(figures["amount"], 400)
        self.assertEqual(figures["repeats"], 8)

    async def test_nothing_is_lost_and_nothing_doubled(self) -> None:
        figures = await self.run_it()
        self.check(figures)
        self.assertGreater(figures["cpuSeconds"], 0)
        self.assertGreater(figures["answering99"], figures["accepting50"])

    async def test_neither_beside_an_account_that_blocks_and_one_that_crashes(self) -> None:
        figures = await self.run_it(neighbour="blocks")
        self.check(figures)
        self.assertEqual(figures["blockedAccepted"], 100)
        self.assertEqual(figures["blockedFailed"], 0)
        self.assertGreater(figures["blockedHeld"], 0)


class FigureTests(SynchronousTestCase):
    def test_a_spread_knows_its_shares_to_one_percent(self) -> None:
        spread = Spread()
        for number in range(1, 1001):
            spread.add(number / 1000)
        self.assertEqual(len(spread), 1000)
        self.assertLess(abs(spread.share(0.5) - 0.5), 0.005)
        self.assertLess(abs(spread.share(0.99) - 0.99), 0.01)
        again = Spread.joined([spread.counts(), spread.counts()])
        self.assertEqual((len(again), again.share(0.5)), (2000, spread.share(0.5)))
        self.assertEqual(Spread().share(0.99), 0)

    def test_growth(self) -> None:
        self.assertAlmostEqual(slope([(0, 10), (1, 12), (2, 14)]), 2)
        self.assertEqual(slope([(0, 10)]), 0)

    def page_of(self, *pairs: tuple[float, float]) -> str:
        """The page for rounds that took so long alone and beside trouble."""
        figures = {"cpuSeconds": 2.0, "amount": 1000.0, "perSecond": 500.0}
        samples = [Sample(LONG, ALONE, 0, {**figures, "answering99": 0.1})]
        for number, pair in enumerate(pairs, 1):
            for server, seconds in zip((ALONE, TROUBLED), pair, strict=True):
                samples.append(Sample(MEASURE, server, number, {**figures, "answering99": seconds}))
        return page(Result(date="2026-01-01", machine={}, versions={}, scale=1, samples=samples))

    def test_the_page_says_what_trouble_changes(self) -> None:
        shown = self.page_of((0.1, 0.105), (0.1, 0.09), (0.2, 0.212))
        self.assertIn("in 3 pairs of rounds: from -10.0 % to +6.0 %, median +5.0 %: met", shown)
        self.assertIn("100 (100 to 200)", shown)
        shown = self.page_of((0.1, 0.2), (0.1, 0.2), (0.1, 0.12))
        self.assertIn("+100.0 %: **missed**", shown)
        self.assertIn("Not measured", page(Result("d", {}, {}, 1, [])))

    def test_the_page_judges_by_no_few_rounds_and_by_none_that_disagree(self) -> None:
        shown = self.page_of((0.2, 0.1))
        self.assertIn("in one pair of rounds: -50.0 %: not shown, for that takes 3 pairs", shown)
        self.assertIn("not shown", self.page_of((0.1, 0.1), (0.1, 0.1)))
        shown = self.page_of((0.1, 0.1), (0.1, 0.1), (0.1, 0.111))
        self.assertIn("not shown, for the pairs differ too much", shown)
