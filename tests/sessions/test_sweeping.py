"""What is removed by itself, and what never is."""

from typing import Any

from twisted.logger import LogLevel, capturedLogs

from openclaw.protocol.schema.sessions import PatchParams
from openclaw.sessions.journal.inputs import load
from openclaw.sessions.journal.sweeping import used_bytes
from openclaw.sessions.sweeping import BATCH, ROOM_BATCH, SessionSweep, SweepRules
from openclaw.sessions.telling import Telling
from tests.sessions.rig import MAIN, WorldCase, answers_itself

DAY = 86_400
ONE_OFF = "agent:main:openai:0a1b"
USER = "agent:main:openai-user:ann"


class SweepCase(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.runtime.on_run = answers_itself
        self.said = 0

    def talk(self, *keys: str, text: str = "") -> None:
        """Say something in sessions, a second apart."""
        for key in keys:
            self.said += 1
            self.world.clock.advance(1)
            self.say(f"talk-{self.said}", text, key=key)

    def sweep(self, **rules: Any) -> None:
        world = self.world
        tell = Telling(world.heard, world.index, world.now_ms)
        fields = {"high_water_bytes": rules.get("most_bytes", 0), **rules}
        sweep = SessionSweep(
            world.store, world.index, world.keys, tell, SweepRules(**fields), world.now_ms
        )
        self.successResultOf(sweep.sweep())

    def left(self) -> list[str]:
        """The keys there are, the same before and after a restart."""
        keys = [one.key for one in self.world.index.oldest_first()]
        stored, _ = self.successResultOf(self.world.store.read(load))
        self.assertEqual(sorted(one.key for one in stored), sorted(keys))
        return keys

    def used(self) -> int:
        return self.successResultOf(self.world.store.read(used_bytes))


class AgeTests(SweepCase):
    def test_what_nobody_used_for_long_goes_with_its_transcript(self) -> None:
        self.talk("agent:main:a", "agent:main:b")
        self.world.clock.advance(DAY - 1)
        self.sweep(idle_ms=DAY * 1000)
        self.assertEqual(self.left(), ["agent:main:a", "agent:main:b"])
        self.world.clock.advance(1)
        self.sweep(idle_ms=DAY * 1000)
        self.assertEqual(self.left(), ["agent:main:b"])
        self.assertEqual(self.transcript("agent:main:a"), [])
        changes = self.world.heard.of("sessions.changed")
        self.assertEqual(
            (changes[-1]["sessionKey"], changes[-1]["reason"]), ("agent:main:a", "delete")
        )

    def test_single_requests_of_programs_go_sooner(self) -> None:
        self.talk(ONE_OFF, USER, "agent:main:openai")
        self.world.clock.advance(DAY)
        self.sweep(idle_ms=30 * DAY * 1000, one_off_ms=DAY * 1000)
        self.assertEqual(self.left(), [USER, "agent:main:openai"])
        self.world.clock.advance(30 * DAY)
        self.sweep(idle_ms=30 * DAY * 1000, one_off_ms=DAY * 1000)
        self.assertEqual(self.left(), [])

    def test_what_never_goes(self) -> None:
        self.talk(MAIN, "agent:main:archived", "agent:main:gone")
        patch = PatchParams(key="agent:main:archived", archived=True)
        self.successResultOf(self.world.conversations.patch(patch))
        self.world.runtime.on_run = lambda call: None
        self.talk("agent:main:runs", "agent:main:waits")
        self.successResultOf(self.world.accept("behind", key="agent:main:waits"))
        self.world.clock.advance(1)
        self.sweep(idle_ms=1, most=1, most_bytes=1)
        self.assertEqual(
            sorted(self.left()),
            sorted([MAIN, "agent:main:archived", "agent:main:runs", "agent:main:waits"]),
        )

    def test_without_bounds_nothing_goes(self) -> None:
        self.talk("agent:main:a")
        self.world.clock.advance(1000 * DAY)
        self.sweep()
        self.assertEqual(self.left(), ["agent:main:a"])

    def test_what_is_said_while_a_session_goes_begins_a_new_one(self) -> None:
        self.talk("agent:main:a")
        self.world.clock.advance(2 * DAY)
        self.world.store.holding = True
        world = self.world
        tell = Telling(world.heard, world.index, world.now_ms)
        rules = SweepRules(idle_ms=DAY * 1000)
        sweeping = SessionSweep(
            world.store, world.index, world.keys, tell, rules, world.now_ms
        ).sweep()
        accepting = self.world.accept("late", key="agent:main:a")
        self.world.store.holding = False
        self.world.store.release()
        self.successResultOf(sweeping)
        self.successResultOf(accepting)
        self.world.turn()
        self.assertEqual(self.left(), ["agent:main:a"])
        self.assertEqual(self.transcript("agent:main:a")[0], ("user", "late"))

    def test_what_was_said_before_a_session_goes_keeps_it(self) -> None:
        self.talk("agent:main:a")
        self.world.clock.advance(2 * DAY)
        self.world.store.holding = True
        accepting = self.world.accept("early", key="agent:main:a")
        world = self.world
        tell = Telling(world.heard, world.index, world.now_ms)
        rules = SweepRules(idle_ms=DAY * 1000)
        sweeping = SessionSweep(
            world.store, world.index, world.keys, tell, rules, world.now_ms
        ).sweep()
        self.world.store.holding = False
        self.world.store.release()
        self.successResultOf(accepting)
        self.successResultOf(sweeping)
        self.world.turn()
        said = [text for role, text in self.transcript("agent:main:a") if role == "user"]
        self.assertEqual(said, ["talk-1", "early"])


class RoomTests(SweepCase):
    def test_too_many(self) -> None:
        keys = [f"agent:main:n{number}" for number in range(6)]
        self.talk(MAIN, *keys)
        self.sweep(most=7)
        self.assertEqual(len(self.left()), 7)
        self.talk(keys[0])
        self.sweep(most=4)
        self.assertEqual(self.left(), [MAIN, *keys[4:], keys[0]])

    def test_too_much_on_disk(self) -> None:
        keys = [f"agent:main:n{number}" for number in range(5 * ROOM_BATCH)]
        self.talk(*keys, text="x" * 20_000)
        self.world.clock.advance(2 * DAY)
        self.successResultOf(self.world.conversations.forget_old_runs())
        full = self.used()
        self.sweep(most_bytes=full, high_water_bytes=full // 2)
        self.assertEqual(len(self.left()), len(keys))
        self.sweep(most_bytes=full - 1, high_water_bytes=full // 2)
        self.assertEqual(self.left(), keys[3 * ROOM_BATCH :])
        self.assertLess(self.used(), full // 2)

    def test_many_go_a_few_at_a_time(self) -> None:
        self.talk(*(f"agent:main:n{number}" for number in range(BATCH + 1)))
        self.world.store.ran.clear()
        self.sweep(most=1)
        self.assertEqual(len(self.left()), 1)
        self.talk(*(f"agent:main:n{number}" for number in range(BATCH + 2)))
        self.sweep(most=1)
        self.assertEqual(self.world.store.ran.count("delete_idle"), 3)

    def test_no_room_and_nothing_to_remove_is_said(self) -> None:
        self.talk(MAIN)
        with capturedLogs() as logs:
            self.sweep(most_bytes=1)
        self.assertIn("maxDiskBytes", str([one["log_format"] for one in logs]))

    def test_warnings_remove_nothing(self) -> None:
        self.talk("agent:main:a", "agent:main:b")
        with capturedLogs() as logs:
            self.sweep(most=1, most_bytes=1, enforce=False)
        warned = [one for one in logs if one["log_level"] is LogLevel.warn]
        self.assertEqual([one["count"] for one in warned], [1])
        self.assertEqual(len(self.left()), 2)
