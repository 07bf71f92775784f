"""One gateway connection on a clock that only the test moves: hours pass in a moment."""

import json
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.discord.gateway import (
    Connection,
    Greeting,
    IdentifyPace,
    Patience,
)
from openclaw.channels.platforms.discord.session import Session
from openclaw.interfaces.channels import ChannelDown

INTERVAL_MS = 41_250
SESSION = Session(id="s", url="wss://x", seq=7, intents=1, user_id="9", user_name="me")


class Line:
    """A connection, and the server's end of it; the server closes when it is asked to."""

    def __init__(self, session: Session | None = None, seed: int = 1) -> None:
        self.clock = Clock()
        self.sent: list[tuple[float, Any]] = []
        self.codes: list[int] = []
        self.acking = True
        self.failures: list[Any] = []
        self.pace = IdentifyPace()
        greeting = Greeting(token="t", intents=1, session=session, pace=self.pace)
        self.connection = Connection(
            self.clock, Random(seed), Patience(), greeting, lambda *_: None, lambda: None
        )
        self.connection.safe = lambda: 7
        self.connection.ended.addErrback(self.failures.append)
        self.connection.opened(self)  # type: ignore[arg-type]

    def send(self, text: str) -> None:
        """Hear a frame, and answer heartbeats."""
        frame = json.loads(text)
        self.sent.append((self.clock.seconds(), frame))
        if frame["op"] == 1 and self.acking:
            self.tell(11)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """The client closes."""
        self.codes.append(code)
        self.connection.closed(code, reason)

    def tell(self, op: int, data: Any = None, **more: Any) -> None:
        """Say something."""
        self.connection.received(json.dumps({"op": op, "d": data, **more}))

    def greet(self) -> None:
        """HELLO, and READY or RESUMED once the client has introduced itself."""
        self.tell(10, {"heartbeat_interval": INTERVAL_MS})
        self.clock.advance(0)
        self.tell(0, {}, s=1, t="RESUMED")

    def pass_time(self, seconds: float, step: float = 0.25) -> None:
        """Let time go by."""
        self.clock.pump([step] * int(seconds / step))

    def of(self, op: int) -> list[tuple[float, Any]]:
        """What the client sent of one kind, and when."""
        return [(at, frame["d"]) for at, frame in self.sent if frame["op"] == op]


class QuietTests(SynchronousTestCase):
    def test_a_quiet_day_needs_no_new_connection(self) -> None:
        line = Line()
        line.greet()
        line.pass_time(24 * 3600, 5.0)
        self.assertEqual((line.codes, line.failures), ([], []))
        beats = len(line.of(1))
        # The test's clock moves in steps of five seconds, so they come a little late.
        self.assertTrue(24 * 3600 / 46.25 - 1 <= beats <= 24 * 3600 / 41.25 + 1, beats)

    @given(st.floats(0, 200), st.integers(0, 1_000))
    def test_a_dead_line_is_noticed_within_a_minute(self, lived: float, seed: int) -> None:
        line = Line(seed=seed)
        line.greet()
        line.pass_time(lived)
        self.assertEqual(line.codes, [])
        line.acking = False
        died = line.clock.seconds()
        while not line.codes:
            line.pass_time(0.5)
            self.assertLess(line.clock.seconds() - died, 57.5)
        self.assertEqual(line.codes, [4000])
        [failure] = line.failures
        self.assertFalse(failure.value.at_once, "it must not look connected while it dials")
        self.assertEqual(line.clock.getDelayedCalls(), [])


class HeartbeatTests(SynchronousTestCase):
    def test_the_first_beat_comes_at_a_random_moment_of_the_interval(self) -> None:
        expected = Random(5).random() * INTERVAL_MS / 1000
        line = Line(seed=5)
        line.greet()
        line.pass_time(45)
        self.assertTrue(0 <= line.of(1)[0][0] - expected <= 0.25)
        self.assertEqual(line.of(1)[0][1], 7)

    def test_discord_may_ask_for_one_at_once(self) -> None:
        line = Line()
        line.greet()
        line.tell(1)
        self.assertEqual(len(line.of(1)), 1)

    def test_no_flood_of_such_wishes_breaks_the_limit_of_frames(self) -> None:
        line = Line()
        line.greet()
        for _ in range(500):
            line.tell(1)
        self.assertEqual(len(line.sent), 120)

    def test_a_server_in_haste_is_complained_of_once(self) -> None:
        with capturedLogs() as logged:
            line = Line()
            line.greet()
            for _ in range(500):
                line.tell(1)
        told = [one for one in logged if "more heartbeats wanted" in (one["log_format"] or "")]
        self.assertEqual(len(told), 1)

    def test_a_beat_that_is_due_while_one_is_unanswered_is_the_end(self) -> None:
        line = Line()
        line.acking = False
        line.greet()
        line.tell(1)
        line.pass_time(13)
        self.assertEqual(line.codes, [4000])


class GreetingTests(SynchronousTestCase):
    def ended(self, line: Line) -> ChannelDown:
        """Why it ended."""
        [failure] = line.failures
        error = failure.value
        assert isinstance(error, ChannelDown)
        return error

    def test_a_new_session_identifies_and_an_old_one_resumes(self) -> None:
        line = Line()
        line.greet()
        self.assertEqual(len(line.of(2)), 1)
        line = Line(SESSION)
        line.greet()
        self.assertEqual(line.of(6)[0][1], {"token": "t", "session_id": "s", "seq": 7})
        self.assertEqual(line.of(2), [])

    def test_a_session_is_resumed_without_a_number_too(self) -> None:
        line = Line(SESSION)
        heard: list[Any] = []
        line.connection._on_event = lambda *event: heard.append(event)
        line.tell(10, {"heartbeat_interval": INTERVAL_MS})
        line.tell(0, {}, s=None, t="RESUMED")
        self.assertEqual(heard, [("RESUMED", SESSION.seq, {})])
        line.pass_time(60)
        self.assertEqual(line.codes, [])

    def test_an_identify_waits_for_five_seconds_after_the_last(self) -> None:
        line = Line()
        line.pace.last = line.clock.seconds() - 2
        line.tell(10, {"heartbeat_interval": INTERVAL_MS})
        line.pass_time(2.75)
        self.assertEqual(line.of(2), [])
        line.pass_time(0.5)
        self.assertEqual(len(line.of(2)), 1)

    def test_ready_is_waited_for_15_seconds_and_resumed_for_30(self) -> None:
        for session, seconds in ((None, 15), (SESSION, 30)):
            line = Line(session)
            line.tell(10, {"heartbeat_interval": INTERVAL_MS})
            line.clock.advance(0)
            line.pass_time(seconds - 0.5)
            self.assertEqual(line.codes, [])
            line.pass_time(1)
            self.assertEqual(line.codes, [4000])
            self.assertFalse(self.ended(line).at_once)

    def test_an_invalid_session_ends_with_a_random_pause(self) -> None:
        pauses = set()
        for seed in range(20):
            line = Line(SESSION, seed)
            line.tell(9, False)
            pauses.add(round(self.ended(line).after_seconds, 3))
            self.assertTrue(line.connection.forgets_session)
        self.assertGreater(len(pauses), 15)
        self.assertTrue(all(1 <= pause <= 5 for pause in pauses))

    def test_a_hello_without_an_interval_is_the_end(self) -> None:
        bad: list[Any] = [None, {}, {"heartbeat_interval": 0}, {"heartbeat_interval": "x"}, []]
        for data in bad:
            line = Line()
            line.tell(10, data)
            self.assertIn("heartbeat_interval", str(self.ended(line)))

    def test_unknown_ops_are_ignored_and_nothing_is_heard_after_the_end(self) -> None:
        line = Line()
        line.greet()
        line.tell(99, {})
        self.assertEqual(line.codes, [])
        line.tell(7)
        line.tell(1)
        self.assertEqual((line.codes, line.of(1)), ([4000], []))

    def test_a_token_that_is_no_token_is_told(self) -> None:
        line = Line()
        line.connection._greeting = Greeting(
            token="x" * 5000, intents=1, session=None, pace=IdentifyPace()
        )
        line.tell(10, {"heartbeat_interval": INTERVAL_MS})
        line.clock.advance(0)
        self.assertIn("too long", str(line.failures[0].value))
