"""Tests of openclaw.client.link: answers, events, numbers and silence, without a socket."""

import json
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.errors import ConnectionLost, NoAnswer, RequestFailed
from openclaw.client.frames import Event
from openclaw.client.link import Link


class Recorder:
    """Both ends of a link: keeps what it sends, how it closes and what it hears."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed: list[tuple[int, str]] = []
        self.events: list[str] = []
        self.gaps: list[tuple[int, int]] = []

    def send(self, text: bytes) -> None:
        """Keep a frame."""
        self.sent.append(json.loads(text))

    def close(self, code: int, reason: str) -> None:
        """Keep a close."""
        self.closed.append((code, reason))

    def event(self, event: Event) -> None:
        """Keep an event's name."""
        self.events.append(event.event)

    def gap(self, expected: int, received: int) -> None:
        """Keep a gap."""
        self.gaps.append((expected, received))


class LinkTests(SynchronousTestCase):
    """One connection."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.peer = Recorder()
        self.link = Link(self.peer, self.clock, self.peer)
        self.link.challenge.addErrback(lambda _: None)

    def receive(self, **frame: object) -> None:
        """Let a frame arrive."""
        self.link.received(json.dumps(frame).encode())

    def answer(self, number: int = -1, **fields: object) -> None:
        """Answer one of the requests sent so far."""
        self.receive(type="res", id=self.peer.sent[number]["id"], **fields)

    def test_answers_find_their_requests_in_any_order(self) -> None:
        """Two requests, answered backwards."""
        first, second = self.link.request("a", {"x": 1}), self.link.request("b", None)
        self.answer(1, ok=True, payload="two")
        self.answer(0, ok=True, payload="one")
        self.assertEqual(self.successResultOf(first), "one")
        self.assertEqual(self.successResultOf(second), "two")
        self.assertEqual(self.peer.sent[0]["params"], {"x": 1})
        self.assertNotIn("params", self.peer.sent[1])

    def test_an_error_answer_keeps_all_its_parts(self) -> None:
        """Code, words, details, retry advice and the payload beside it."""
        asked = self.link.request("a", None)
        self.answer(
            ok=False,
            payload={"runId": "r"},
            error={
                "code": "UNAVAILABLE",
                "message": "later",
                "details": {"code": "BUSY"},
                "retryable": True,
                "retryAfterMs": 500,
            },
        )
        error = self.failureResultOf(asked, RequestFailed).value
        self.assertEqual(
            (error.code, error.message, error.detail_code, error.retryable, error.retry_after_ms),
            ("UNAVAILABLE", "later", "BUSY", True, 500),
        )
        self.assertEqual(error.payload, {"runId": "r"})

    def test_final_skips_the_answer_that_only_accepts(self) -> None:
        """Two answers with one id."""
        asked = self.link.request("agent", {}, final=True, timeout=None)
        self.answer(ok=True, payload={"status": "accepted"})
        self.assertNoResult(asked)
        self.answer(ok=True, payload={"status": "ok"})
        self.assertEqual(self.successResultOf(asked), {"status": "ok"})

    def test_without_final_the_first_answer_counts_and_the_second_is_ignored(self) -> None:
        """Nothing is logged or raised for it."""
        asked = self.link.request("agent", {})
        self.answer(ok=True, payload={"status": "accepted"})
        self.answer(ok=True, payload={"status": "ok"})
        self.assertEqual(self.successResultOf(asked), {"status": "accepted"})

    def test_a_missing_answer_is_an_error_in_time(self) -> None:
        """And one that comes too late changes nothing."""
        asked = self.link.request("slow", None, timeout=5)
        self.clock.advance(4.9)
        self.assertNoResult(asked)
        self.clock.advance(0.2)
        self.assertEqual(self.failureResultOf(asked, NoAnswer).value.what, "slow")
        self.answer(ok=True, payload=1)

    def test_cancelling_forgets_the_request(self) -> None:
        """No delayed call is left behind."""
        asked = self.link.request("slow", None)
        asked.cancel()
        self.failureResultOf(asked)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_losing_the_connection_fails_what_is_unanswered(self) -> None:
        """With the close code and words, also for requests made afterwards."""
        asked = self.link.request("a", None)
        told: list[ConnectionLost] = []
        self.link.when_lost(told.append)
        self.link.watch(30)
        self.link.lost(1012, "service restart")
        error = self.failureResultOf(asked, ConnectionLost).value
        self.assertEqual((error.code, error.reason), (1012, "service restart"))
        self.failureResultOf(self.link.request("b", None), ConnectionLost)
        self.assertEqual(told, [error])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_hole_in_the_numbers_is_reported_and_the_event_still_delivered(self) -> None:
        """The first number is the baseline; events without one do not count."""
        for seq in (7, 8, 11):
            self.receive(type="event", event=f"e{seq}", seq=seq)
        self.receive(type="event", event="targeted")
        self.receive(type="event", event="e12", seq=12)
        self.assertEqual(self.peer.gaps, [(9, 11)])
        self.assertEqual(self.peer.events, ["e7", "e8", "e11", "targeted", "e12"])

    def test_two_silent_ticks_close_the_connection(self) -> None:
        """4000 tick timeout, and whatever is heard puts it off."""
        self.link.watch(30)
        self.clock.advance(59)
        self.receive(type="event", event="tick", payload={"ts": 1})
        self.clock.advance(59)
        self.assertEqual(self.peer.closed, [])
        self.clock.advance(1)
        self.assertEqual(self.peer.closed, [(4000, "tick timeout")])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_frames_official_clients_drop_are_dropped(self) -> None:
        """Null for an absent field above all."""
        asked = self.link.request("a", None)
        request_id = self.peer.sent[0]["id"]
        frames: tuple[object, ...] = (
            {"type": "res", "id": request_id, "ok": True, "payload": 1, "error": None},
            {"type": "res", "id": request_id, "payload": 1},
            {"type": "event", "event": "x", "seq": None},
            {"type": "other"},
            [],
        )
        for frame in frames:
            self.link.received(json.dumps(frame).encode())
        self.link.received(b"not json")
        self.assertNoResult(asked)
        self.assertEqual(self.peer.events, [])
        self.answer(ok=True, payload=2)
        self.assertEqual(self.successResultOf(asked), 2)

    def test_the_challenge_is_not_an_event_for_listeners(self) -> None:
        """It belongs to the handshake."""
        self.receive(type="event", event="connect.challenge", payload={"nonce": "n", "ts": 1})
        self.assertEqual(self.successResultOf(self.link.challenge).nonce, "n")
        self.assertEqual(self.peer.events, [])
