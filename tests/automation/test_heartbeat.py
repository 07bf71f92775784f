"""The heartbeat: when it beats, what it says, what survives."""

from zope.interface.verify import verifyObject

from openclaw.automation.heartbeat import (
    MAX_NOTES,
    MAX_NOTES_CHARACTERS,
    PROMPT,
    HeartbeatPlan,
    HeartbeatService,
)
from openclaw.errors import Busy, StoreError
from openclaw.interfaces.monitoring import IHeartbeats
from tests.sessions.rig import MAIN, World, WorldCase, make_id

MINUTE = 60


class HeartbeatCase(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = self.start(World(self.journal, timeout_seconds=86_400))
        self.heartbeat = self.make()

    def make(
        self, every_seconds: int = 30 * MINUTE, world: World | None = None
    ) -> HeartbeatService:
        """A heartbeat of this process, loaded and started; every test finds it stopped."""
        world = world or self.world
        heartbeat = HeartbeatService(
            HeartbeatPlan(every_seconds=every_seconds, session_key=MAIN),
            world.conversations,
            world.heard,
            world.store,
            world.clock,
            world.now_ms,
            make_id,
        )
        self.successResultOf(heartbeat.load())
        heartbeat.startService()
        self.addCleanup(self.stop, heartbeat, world)
        return heartbeat

    def stop(self, heartbeat: HeartbeatService, world: World) -> None:
        if heartbeat.running:
            self.successResultOf(heartbeat.stopService())
            world.runs.interrupt()
            self.assertEqual(world.clock.getDelayedCalls(), [])

    def restarted(self) -> HeartbeatService:
        """The next process."""
        self.stop(self.heartbeat, self.world)
        self.restart()
        self.heartbeat = self.make()
        return self.heartbeat

    def pass_minutes(self, minutes: float) -> None:
        """Let time go by, and what is due begin."""
        self.world.clock.advance(minutes * MINUTE)
        self.world.turn()

    @property
    def beats(self) -> list[str]:
        """What the model was asked by beats."""
        return [call.request.turns[-1].text for call in self.world.runtime.calls]


class IntervalTests(HeartbeatCase):
    def test_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IHeartbeats, self.heartbeat))

    def test_off_without_an_interval(self) -> None:
        self.stop(self.heartbeat, self.world)
        off = self.make(0)
        self.pass_minutes(10_000)
        self.assertEqual(self.beats, [])
        self.assertEqual((off.describe().enabled, off.describe().every_ms), (False, 0))
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_the_first_after_one_interval_then_steadily(self) -> None:
        self.pass_minutes(29.9)
        self.assertEqual(self.beats, [])
        for number in range(1, 4):
            self.pass_minutes(30)
            self.assertEqual(len(self.beats), number)
            self.world.call.answer("NO_REPLY")
        self.assertEqual(self.beats, [PROMPT] * 3)

    def test_a_beat_is_a_run_of_the_main_session(self) -> None:
        self.pass_minutes(30)
        self.assertEqual(self.world.call.request.session_key, MAIN)
        self.assertTrue(self.world.heard.of("agent")[0]["isHeartbeat"])
        self.assertEqual(self.transcript(), [("user", PROMPT)])

    def test_how_it_is_described(self) -> None:
        self.assertEqual(self.heartbeat.describe().every, "30m")
        self.stop(self.heartbeat, self.world)
        for seconds, words in ((90, "90s"), (60, "1m"), (3600, "60m")):
            heartbeat = self.make(seconds)
            self.assertEqual(heartbeat.describe().every, words)
            self.stop(heartbeat, self.world)


class SkipTests(HeartbeatCase):
    def test_a_beat_that_lasts_is_not_joined_by_another(self) -> None:
        self.pass_minutes(30)
        self.pass_minutes(90)
        self.assertEqual(len(self.beats), 1)
        self.world.call.answer("NO_REPLY")
        self.pass_minutes(30)
        self.assertEqual(len(self.beats), 2)

    def test_while_the_session_is_busy_it_is_skipped_and_says_so(self) -> None:
        self.say("r1")
        self.heartbeat.wake("a note", now=False)
        self.pass_minutes(30)
        self.assertEqual(len(self.world.runtime.calls), 1)
        last = self.heartbeat.last
        assert last is not None
        self.assertEqual((last.status, last.reason), ("skipped", "requests-in-flight"))
        self.assertEqual(self.world.heard.of("heartbeat")[0]["status"], "skipped")
        self.world.call.answer("x")
        self.pass_minutes(30)
        self.assertEqual(self.beats[-1], f"{PROMPT}\na note", "the note was not lost")

    def test_a_woken_beat_counts_until_its_own_end(self) -> None:
        self.pass_minutes(30)
        self.successResultOf(self.heartbeat.wake("now", now=True))
        self.world.call.answer("first")
        self.world.turn()
        self.pass_minutes(30)
        self.assertEqual(self.beats, [PROMPT, "now"])

    def test_switched_off(self) -> None:
        self.successResultOf(self.heartbeat.switch(False))
        self.pass_minutes(300)
        self.assertEqual(self.beats, [])
        self.successResultOf(self.heartbeat.switch(True))
        self.pass_minutes(30)
        self.assertEqual(len(self.beats), 1)


class WakeTests(HeartbeatCase):
    def test_now_is_on_disk_when_it_is_answered(self) -> None:
        self.world.store.holding = True
        waking = self.heartbeat.wake("look at the mail", now=True)
        self.assertNoResult(waking)
        self.world.store.release()
        self.successResultOf(waking)
        self.world.store.holding = False
        self.world.turn()
        self.assertEqual(self.beats, ["look at the mail"])

    def test_now_works_even_if_beats_are_off(self) -> None:
        self.successResultOf(self.heartbeat.switch(False))
        self.successResultOf(self.heartbeat.wake("look", now=True))
        self.world.turn()
        self.assertEqual(self.beats, ["look"])

    def test_notes_go_with_the_next_beat_once(self) -> None:
        for note in ("one", "two"):
            self.successResultOf(self.heartbeat.wake(note, now=False))
        self.assertEqual(self.heartbeat.waiting_notes, ["one", "two"])
        self.pass_minutes(30)
        self.assertEqual(self.beats, [f"{PROMPT}\none\ntwo"])
        self.assertEqual(self.heartbeat.waiting_notes, [])
        self.world.call.answer("NO_REPLY")
        self.pass_minutes(30)
        self.assertEqual(self.beats[-1], PROMPT)

    def test_notes_are_on_disk_when_they_are_answered(self) -> None:
        self.world.store.holding = True
        waking = self.heartbeat.wake("one", now=False)
        self.assertNoResult(waking)
        self.world.store.release()
        self.successResultOf(waking)
        self.world.store.holding = False
        self.assertEqual(self.restarted().waiting_notes, ["one"])
        self.pass_minutes(30)
        self.assertEqual(self.beats, [f"{PROMPT}\none"])
        self.world.call.answer("NO_REPLY")
        self.assertEqual(self.restarted().waiting_notes, [])

    def test_notes_are_bounded(self) -> None:
        self.successResultOf(self.heartbeat.switch(False))
        for _ in range(MAX_NOTES):
            self.successResultOf(self.heartbeat.wake("x", now=False))
        self.failureResultOf(self.heartbeat.wake("one more", now=False), Busy)
        self.assertEqual(self.heartbeat.waiting_notes, ["x"] * MAX_NOTES)
        self.assertEqual(self.restarted().waiting_notes, ["x"] * MAX_NOTES)

    def test_one_note_may_not_be_a_book(self) -> None:
        book = "x" * (MAX_NOTES_CHARACTERS + 1)
        self.failureResultOf(self.heartbeat.wake(book, now=False), Busy)
        self.successResultOf(self.heartbeat.wake(book[1:], now=False))

    def test_a_store_that_fails(self) -> None:
        self.world.store.failing = {"store_input"}
        self.failureResultOf(self.heartbeat.wake("look", now=True), StoreError)
        self.heartbeat.wake("note", now=False)
        self.pass_minutes(30)
        self.assertEqual(self.heartbeat.waiting_notes, ["note"])
        self.world.store.failing = set()
        self.pass_minutes(30)
        self.assertEqual(self.beats, [f"{PROMPT}\nnote"])


class ResultTests(HeartbeatCase):
    def test_a_good_end(self) -> None:
        self.pass_minutes(30)
        began = self.world.now_ms()
        self.world.clock.advance(2)
        self.world.call.answer("Mail ", "from Bob.")
        last = self.heartbeat.last
        assert last is not None
        self.assertEqual(
            (last.status, last.ts, last.duration_ms, last.preview),
            ("ok", began + 2000, 2000, "Mail from Bob."),
        )
        (told,) = self.world.heard.of("heartbeat")
        self.assertEqual(told["preview"], "Mail from Bob.")

    def test_a_bad_end(self) -> None:
        self.pass_minutes(30)
        self.world.call.done.errback(ValueError())
        self.flushLoggedErrors(ValueError)
        last = self.heartbeat.last
        assert last is not None
        self.assertEqual((last.status, last.reason), ("error", "the runtime failed"))

    def test_a_long_answer_is_cut(self) -> None:
        self.pass_minutes(30)
        self.world.call.answer("x" * 5000)
        last = self.heartbeat.last
        assert last is not None
        self.assertEqual(last.preview, "x" * 200)

    def test_the_result_survives_a_restart(self) -> None:
        self.pass_minutes(30)
        self.world.call.answer("Mail.")
        before = self.heartbeat.last
        self.assertEqual(self.restarted().last, before)

    def test_the_switch_survives_a_restart(self) -> None:
        self.successResultOf(self.heartbeat.switch(False))
        self.assertFalse(self.restarted().describe().enabled)
        self.successResultOf(self.heartbeat.switch(True))
        self.assertTrue(self.restarted().describe().enabled)

    def test_a_switch_that_meets_the_end_of_a_beat_is_not_undone(self) -> None:
        self.pass_minutes(30)
        self.world.store.holding = True
        switching = self.heartbeat.switch(False)
        held, self.world.store.held = self.world.store.held, []
        self.world.store.holding = False
        self.world.call.answer("x")
        self.world.store.held = held
        self.world.store.release()
        self.successResultOf(switching)
        restarted = self.restarted()
        self.assertFalse(restarted.describe().enabled)
        assert restarted.last is not None
        self.assertEqual(restarted.last.preview, "x")

    def test_a_result_that_cannot_be_stored_does_not_stop_the_beat(self) -> None:
        self.pass_minutes(30)
        self.world.store.failing = {"_change"}
        self.world.call.answer("x")
        self.assertEqual(len(self.flushLoggedErrors(StoreError)), 1)
        self.world.store.failing = set()
        self.pass_minutes(30)
        self.assertEqual(len(self.beats), 2)

    def test_a_stop_in_the_middle(self) -> None:
        self.pass_minutes(30)
        self.stop(self.heartbeat, self.world)
        self.assertIs(self.heartbeat.last, None)
