"""Whether a turn was held, from numbers: no clock, no thread, no load of the machine."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stalls.verdict import NOBODY, PRODUCT, TESTS, Look, Point, Stall, verdict

BEGAN = Point(100.0, 5.0, 1.0, 2.0)
HERE = (("openclaw/somewhere.py", 12, "work"),)
THERE = (("openclaw/elsewhere.py", 3, "other"),)


class VerdictTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = BEGAN
        self.looks: list[Look] = []

    def pass_time(
        self, wall: float, cpu: float = 0.0, queued: float = 0.0, stolen: float = 0.0
    ) -> None:
        at = self.now
        self.now = Point(at.at + wall, at.cpu + cpu, at.queued + queued, at.stolen + stolen)

    def look(self, blame: str = PRODUCT, **more: Any) -> None:
        shown = {"late": 0.0, "starved": 0.0, "asleep": False, "calls": frozenset({1})}
        self.looks.append(Look(self.now, blame=blame, **{**shown, "stack": HERE, **more}))

    def judged(self) -> Stall | None:
        return verdict(BEGAN, self.looks, self.now)

    def spend(self, times: int, blame: str = PRODUCT, cpu: float = 0.025, **more: Any) -> None:
        """So many looks, each 25 ms after the last."""
        clocks = {name: more.pop(name) for name in ("queued", "stolen") if name in more}
        for _ in range(times):
            self.pass_time(0.025, cpu, **clocks)
            self.look(blame, **more)

    def sleep(self, times: int, **more: Any) -> None:
        self.spend(times, cpu=0.0, asleep=True, **more)

    def assertHeld(self, kind: str, milliseconds: int) -> None:
        stall = self.judged()
        assert stall is not None
        self.assertEqual((stall.kind, round(stall.seconds * 1000)), (kind, milliseconds))

    def assertFree(self) -> None:
        self.assertIsNone(self.judged())

    def test_computing(self) -> None:
        self.spend(9)
        self.assertFree()
        self.spend(2)
        self.assertHeld("computing", 275)

    def test_sleeping(self) -> None:
        self.sleep(9)
        self.assertFree()
        self.pass_time(0.045)
        self.assertHeld("blocked in a call", 270)

    def test_the_longest_part_is_named(self) -> None:
        self.spend(4, stack=THERE)
        self.pass_time(0.2, 0.2)
        self.look()
        stall = self.judged()
        assert stall is not None
        self.assertEqual(stall.stack, HERE)
        self.assertIn('File "openclaw/somewhere.py", line 12, in work', stall.words())
        self.assertIn("held for 300 ms, computing", stall.words())

    def test_one_call_that_lets_nobody_look_in_between(self) -> None:
        self.pass_time(0.4, 0.4)
        self.look(late=0.375)
        self.assertHeld("computing", 400)

    def test_nobody_looked(self) -> None:
        self.pass_time(3.0, 3.0)
        self.assertFree()

    def test_no_core_was_free(self) -> None:
        """The turn is long because it waits for a core, whether whoever looks does too or not."""
        self.spend(100, cpu=0.001, queued=0.024)
        self.assertFree()
        self.spend(100, cpu=0.001, queued=0.024, late=0.1, starved=0.1)
        self.assertFree()

    def test_somebody_else_has_the_interpreter(self) -> None:
        """Then the reactor's thread sleeps, but whoever looks comes late as well."""
        self.sleep(100, late=0.025)
        self.assertFree()

    def test_what_is_certain_of_a_sleep(self) -> None:
        for _ in range(4):
            self.pass_time(0.085)
            self.look(asleep=True, late=0.02)
        self.assertHeld("blocked in a call", 260)

    def test_the_interpreter_is_shared(self) -> None:
        self.spend(16, cpu=0.0125, asleep=True, late=0.005)
        self.assertFree()

    def test_waiting_for_a_disk(self) -> None:
        self.spend(100, cpu=0.0, asleep=False)
        self.assertFree()

    def test_the_hypervisor_was_elsewhere(self) -> None:
        self.spend(20, stolen=0.015)
        self.assertFree()
        self.spend(20, stolen=0.0)
        self.assertHeld("computing", 700)

    def test_what_tests_do_does_not_count(self) -> None:
        for blame in (TESTS, NOBODY):
            self.spend(100, blame)
            self.sleep(100, blame=blame)
        self.assertFree()

    def test_only_the_products_part_counts(self) -> None:
        self.spend(20, TESTS)
        self.spend(10)
        self.spend(20, TESTS)
        self.assertFree()
        self.spend(4)
        self.assertHeld("computing", 300)

    def test_a_stretch_that_began_with_others(self) -> None:
        """Nobody saw when it became the product's: what came before may have taken it all."""
        self.spend(1, TESTS)
        self.pass_time(1.0, 1.0)
        self.look()
        self.assertFree()

    def test_a_look_that_could_not_come(self) -> None:
        """What ran meanwhile is known only if one call goes on."""
        self.spend(1)
        self.pass_time(0.5, 0.5)
        self.look(starved=0.4, calls=frozenset({2}))
        self.assertFree()
        self.pass_time(0.5, 0.5)
        self.look(starved=0.4, calls=frozenset({2, 3}))
        self.assertHeld("computing", 625)

    def test_a_long_call_while_no_core_was_free(self) -> None:
        """The look was late, but it had asked for the interpreter most of the time."""
        self.pass_time(9.0, 0.7)
        self.look(late=9.0, starved=8.0)
        self.assertFree()
        self.pass_time(9.0, 1.0)
        self.look(starved=8.0, calls=frozenset({2}))
        self.assertHeld("computing", 700)

    def test_the_end_that_nobody_saw(self) -> None:
        self.spend(5)
        self.pass_time(1.0, 1.0)
        self.assertFree()
