"""A gateway dies at every write boundary, and anywhere; people on its platforms miss nothing.

``OPENCLAW_TEST_KILLS_CHANNELS`` (or ``OPENCLAW_TEST_KILLS``) says how many stops; by default one at
each boundary and a few more.
"""

import os
import random
import sys
from collections.abc import Sequence

from twisted.trial.unittest import TestCase

from tests.faults.boundaries import AFTER, Boundary, everywhere
from tests.faults.siege import Siege

BOUNDARIES = tuple(everywhere())
ANYWHERE = 10
ROUNDS = 5
STOPS = int(
    os.environ.get("OPENCLAW_TEST_KILLS_CHANNELS")
    or os.environ.get("OPENCLAW_TEST_KILLS")
    or len(BOUNDARIES) + ANYWHERE
)


def plan(stops: int, chance: random.Random) -> list[Boundary | None]:
    """Where so many lives end: every boundary in turn, anywhere in between."""
    places: list[Boundary | None] = []
    while len(places) < stops:
        places += BOUNDARIES
        places += [None] * ANYWHERE
    places = places[:stops]
    chance.shuffle(places)
    return prepared(places)


def prepared(places: Sequence[Boundary | None]) -> list[Boundary | None]:
    """The same with the lives that some of them need before them."""
    lives: list[Boundary | None] = []
    for one in places:
        if one is not None and one.place in AFTER:
            lives.append(AFTER[one.place])
        lives.append(one)
    return lives


class ChannelKillTests(TestCase):
    """One long siege; everything is judged at its end."""

    timeout = 600 + 15 * STOPS

    async def test_people_miss_nothing_and_get_nothing_twice(self) -> None:
        seed = int(os.environ.get("OPENCLAW_TEST_SEED") or random.SystemRandom().randrange(2**31))
        chance = random.Random(seed)
        siege = Siege(self.mktemp(), chance)
        self.addCleanup(siege.close)
        await siege.endure(plan(STOPS, chance))
        for _ in range(ROUNDS):  # What was not met so far: rare steps need luck, and time.
            missed, siege.stops.missed = siege.stops.missed, []
            siege.patience *= 1.5
            await siege.endure(prepared(missed))
        verdict = await siege.settle()
        stops = siege.stops
        words = [
            verdict.line(stops.count),
            f"{len(set(stops.reached))} of {len(BOUNDARIES)} boundaries, {stops.terms} SIGTERM;"
            f" {len(siege.record.written)} messages written, the model asked"
            f" {len(siege.record.asked)} times, {verdict.interrupted} answers cut off and told,"
            f" {verdict.parked} parked; seed {seed}",
        ]
        sys.stdout.write("\n" + "\n".join(words) + "\n")
        siege.keep(words, verdict)
        self.assertEqual(stops.bad, [])
        self.assertTrue(verdict.clean, verdict)
        self.assertGreater(verdict.acknowledged, STOPS)
        if len(BOUNDARIES) <= STOPS:
            self.assertEqual(set(map(str, BOUNDARIES)) - set(stops.reached), set())
