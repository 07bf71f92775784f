"""Reading transcripts back: pages, deltas, and what a model is shown."""

import base64
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from openclaw.interfaces.agents import Turn
from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.chat import HistoryParams, Message, MessageMark
from openclaw.sessions.transcripts import (
    TURNS_CHARACTERS,
    Cursor,
    order_turns,
    read_cursor,
    write_cursor,
)
from tests.sessions.rig import MAIN, WorldCase, answers_itself
from tests.sessions.test_lanes import entry as make_entry


class HistoryCase(WorldCase):
    def history(self, **params: Any) -> dict[str, Any]:
        """Ask as a client does."""
        asked = HistoryParams(session_key=params.pop("key", MAIN), **params)
        plain: dict[str, Any] = to_plain(
            self.successResultOf(self.world.conversations.history(asked))
        )
        return plain

    def fill(self, number: int) -> None:
        """Say and answer; two messages each."""
        self.world.runtime.on_run = answers_itself
        for at in range(self.filled, self.filled + number):
            self.say(f"r{at}", f"text {at}")
        self.filled += number

    def setUp(self) -> None:
        super().setUp()
        self.filled = 0


def seqs(history: dict[str, Any]) -> list[int]:
    """Places of the messages of a page or a delta."""
    return [(one.get("message") or one)["__openclaw"]["seq"] for one in history["messages"]]


class PageTests(HistoryCase):
    def test_unknown_session_is_empty(self) -> None:
        for params in ({}, {"cursor": "x"}, {"before_seq": 3}, {"offset": 10}, {"max_bytes": 1024}):
            history = self.history(key="agent:main:never", **params)
            self.assertEqual((history["messages"], history["hasMore"]), ([], False))
            self.assertNotIn("sessionId", history)
            self.assertIs(history["sessionInfo"]["updatedAt"], None)
            self.assertEqual(history["pendingInputs"], {"items": [], "total": 0})
            self.assertEqual(history["defaults"]["model"], "mock-1")

    def test_the_latest_come_first_and_older_pages_by_place_or_offset(self) -> None:
        self.fill(5)
        page = self.history(limit=4)
        self.assertEqual(
            (seqs(page), page["hasMore"], page["totalMessages"]), ([7, 8, 9, 10], True, 10)
        )
        older = self.history(limit=4, before_seq=7)
        self.assertEqual(seqs(older), [3, 4, 5, 6])
        self.assertEqual(seqs(self.history(limit=4, offset=page["nextOffset"])), [3, 4, 5, 6])
        last = self.history(limit=4, offset=older["nextOffset"])
        self.assertEqual((seqs(last), last["hasMore"]), ([1, 2], False))
        self.assertNotIn("nextOffset", last)

    def test_pages_cover_everything_once(self) -> None:
        self.fill(23)
        for limit in (1, 2, 7, 46, 100):
            seen: list[int] = []
            page = self.history(limit=limit)
            seen[:0] = seqs(page)
            while page["hasMore"]:
                page = self.history(limit=limit, offset=page["nextOffset"])
                seen[:0] = seqs(page)
            self.assertEqual(seen, list(range(1, 47)), limit)

    def test_places_beyond_all_bounds(self) -> None:
        self.fill(2)
        for huge in (10**6, 2**62, 2**63, 10**30):
            self.assertEqual(seqs(self.history(before_seq=huge)), [1, 2, 3, 4])
            self.assertEqual(seqs(self.history(offset=huge)), [])
        self.assertEqual(seqs(self.history(before_seq=1)), [])

    def test_ids_stay(self) -> None:
        self.fill(2)
        before = [one["__openclaw"] for one in self.messages()]
        self.restart()
        self.assertEqual([one["__openclaw"] for one in self.messages()], before)
        self.assertEqual(len({one["id"] for one in before}), 4)

    def test_messages_in_the_shape_of_the_wire(self) -> None:
        self.say("r1", "hello")
        self.world.call.answer("hi")
        user, assistant = self.messages()
        self.assertEqual(user["content"], "hello")
        self.assertEqual(user["idempotencyKey"], "r1:user")
        self.assertEqual(assistant["content"], [{"type": "text", "text": "hi"}])
        self.assertEqual(
            (assistant["provider"], assistant["model"], assistant["stopReason"]),
            ("mock", "mock-1", "stop"),
        )
        self.assertEqual([one["__openclaw"]["runId"] for one in (user, assistant)], ["r1", "r1"])

    def test_an_answer_stands_behind_its_own_input(self) -> None:
        for run_id in ("r1", "r2"):
            self.say(run_id)
        self.world.call.answer("a1")
        self.world.turn()
        self.world.call.answer("a2")
        self.assertEqual([text for _, text in self.transcript()], ["r1", "a1", "r2", "a2"])

    def test_pages_of_limited_size(self) -> None:
        self.world.runtime.on_run = answers_itself
        for at in range(4):
            self.say(f"r{at}", "x" * 1000)
        self.assertEqual(seqs(self.history(max_bytes=100_000)), list(range(1, 9)))
        page = self.history(max_bytes=4000)
        self.assertEqual((seqs(page), page["hasMore"]), ([6, 7, 8], True))
        self.assertEqual(seqs(self.history(max_bytes=1024)), [8], "one at least")

    def test_what_waits_is_in_the_transcript_and_not_told_twice(self) -> None:
        for run_id in ("r1", "r2", "r3"):
            self.say(run_id)
        history = self.history()
        self.assertEqual(history["pendingInputs"], {"items": [], "total": 0})
        self.assertEqual(seqs(history), [1, 2, 3])
        self.assertEqual(history["sessionInfo"]["activeRunIds"], ["r1", "r2", "r3"])


class DeltaTests(HistoryCase):
    def test_only_what_came_after_the_cursor(self) -> None:
        self.fill(2)
        cursor = self.history()["deltaCursor"]
        delta = self.history(cursor=cursor)
        self.assertEqual((delta["kind"], delta["messages"]), ("delta", []))
        self.fill(2)
        for _ in range(2):
            delta = self.history(cursor=cursor)
            self.assertEqual((delta["kind"], seqs(delta)), ("delta", [5, 6, 7, 8]))
        self.assertEqual(delta["messages"][0]["sessionKey"], MAIN)
        self.assertEqual(self.history(cursor=delta["deltaCursor"])["messages"], [])

    def test_a_delta_has_no_gap(self) -> None:
        self.fill(1)
        cursor = self.history()["deltaCursor"]
        self.fill(5)
        self.assertEqual(self.history(cursor=cursor, limit=10)["kind"], "delta")
        page = self.history(cursor=cursor, limit=9)
        self.assertNotIn("kind", page)
        self.assertEqual((seqs(page), page["hasMore"]), (list(range(4, 13)), True))

    def test_a_cursor_survives_a_restart(self) -> None:
        self.fill(1)
        cursor = self.history()["deltaCursor"]
        self.restart()
        self.assertEqual(self.history(cursor=cursor)["kind"], "delta")

    def test_cursors_that_are_not_ours_give_the_page(self) -> None:
        self.fill(1)
        session_id = self.history()["sessionId"]
        for cursor in (
            "",
            "garbage",
            "\ud7ff",
            base64.urlsafe_b64encode(b"{}").decode(),
            base64.urlsafe_b64encode(b"[1]").decode(),
            base64.urlsafe_b64encode(b"\xff\xfe").decode(),
            write_cursor("another session", 1),
            write_cursor(session_id, 3),
            write_cursor(session_id, -1),
            write_cursor(session_id, 10**30),
            "=" * 1000,
        ):
            page = self.history(cursor=cursor)
            self.assertNotIn("kind", page, cursor)
            self.assertEqual(seqs(page), [1, 2])

    def test_a_cursor_of_before_a_reset_gives_the_page(self) -> None:
        self.fill(3)
        cursor = self.history()["deltaCursor"]
        self.successResultOf(self.world.conversations.reset(MAIN))
        page = self.history(cursor=cursor)
        self.assertEqual((page["messages"], page["totalMessages"]), ([], 0))

    @given(st.text(max_size=80))
    def test_any_text_is_a_cursor_or_none(self, text: str) -> None:
        self.assertIsInstance(read_cursor(text), Cursor | None)

    @given(st.text(max_size=50), st.integers(0, 2**62))
    def test_round_trip(self, session_id: str, seq: int) -> None:
        cursor = read_cursor(write_cursor(session_id, seq))
        self.assertEqual(cursor, Cursor(session_id=session_id, seq=seq))

    @given(st.lists(st.sampled_from(["say", "end", "page", "delta"]), max_size=40))
    @settings(max_examples=60, deadline=None)
    def test_a_client_that_follows_by_deltas_has_everything_once(self, steps: list[str]) -> None:
        self.setUp()
        mine: list[int] = []
        cursor: str | None = None
        for at, step in enumerate([*steps, "delta"]):
            if step == "say":
                self.say(f"r{at}")
            elif step == "end" and self.world.runs.active():
                self.world.call.answer("x")
                self.world.turn()
            elif step == "page" or cursor is None:
                page = self.history(limit=10_000)
                mine, cursor = seqs(page), page.get("deltaCursor")
            else:
                delta = self.history(cursor=cursor)
                mine += seqs(delta)
                cursor = delta["deltaCursor"]
        self.assertEqual(sorted(mine), sorted(seqs({"messages": self.messages()})))
        self.assertEqual(len(mine), len(set(mine)))
        self.journal.stopService()


def user(seq: int, run_id: str, text: str = "") -> Message:
    return _message("user", seq, run_id, text or f"q {run_id}")


def assistant(seq: int, run_id: str, text: str | None = None) -> Message:
    return _message("assistant", seq, run_id, f"a {run_id}" if text is None else text)


def _message(role: Any, seq: int, run_id: str, text: str) -> Message:
    mark = MessageMark(id=f"m{seq}", seq=seq, run_id=run_id or UNSET)
    return Message(role=role, content=text, timestamp=1, mark=mark)


def input_at(seq: int, run_id: str) -> Any:
    entry = make_entry(run_id)
    object.__setattr__(entry, "message_seq", seq)
    object.__setattr__(entry, "text", f"q {run_id}")
    return entry


class OrderTests(HistoryCase):
    def said(self, messages: list[Message], seq: int, run_id: str) -> list[str]:
        return [turn.text for turn in order_turns(messages, input_at(seq, run_id))]

    def test_inputs_that_came_while_another_ran(self) -> None:
        messages = [user(1, "1"), user(2, "2"), user(3, "3"), assistant(4, "1")]
        self.assertEqual(self.said(messages, 2, "2"), ["q 1", "a 1", "q 2"])
        messages.append(assistant(5, "2"))
        self.assertEqual(self.said(messages, 3, "3"), ["q 1", "a 1", "q 2", "a 2", "q 3"])

    def test_answers_that_say_nothing_are_left_out(self) -> None:
        messages = [user(1, "1"), assistant(2, "1", ""), user(3, "2")]
        self.assertEqual(self.said(messages, 3, "2"), ["q 1", "q 2"])

    def test_an_earlier_attempt_is_not_the_answer(self) -> None:
        messages = [user(1, "1"), assistant(2, "1")]
        self.assertEqual(self.said(messages, 1, "1"), ["q 1"])

    def test_nothing_could_be_read(self) -> None:
        self.assertEqual(self.said([], 7, "1"), ["q 1"])

    def test_what_is_too_long_loses_its_beginning(self) -> None:
        half = "x" * (TURNS_CHARACTERS // 2)
        messages = [user(1, "1", half), assistant(2, "1", half), user(3, "2")]
        self.assertEqual(self.said(messages, 3, "2"), [half, "q 2"])
        entry = input_at(1, "1")
        object.__setattr__(entry, "text", half * 3)
        self.assertEqual(order_turns([], entry), [Turn("user", half * 3)])

    @given(st.integers(0, 2**32))
    @settings(max_examples=100, deadline=None)
    def test_each_input_sees_exactly_what_came_before_it(self, seed: int) -> None:
        random = Random(seed)
        self.setUp()
        asked: list[str] = []
        answers: dict[str, str] = {}
        for at in range(25):
            if random.random() < 0.6:
                asked.append(f"r{at}")
                self.say(f"r{at}", f"q {at}")
            elif self.world.runs.active():
                self.end_one(random, answers)
            if random.random() < 0.1:
                self.restart()
            self.check(asked, answers)
        self.journal.stopService()

    def test_a_runtime_that_looks_at_few_turns_gets_the_latest_before_its_input(self) -> None:
        self.world.runtime.most_turns = 3
        for number in range(6):
            self.say(f"r{number}", f"q {number}")
        for number in range(6):
            self.world.turn()
            self.assertEqual(self.world.call.said[-1], ("user", f"q {number}"))
            self.world.call.answer(f"a {number}")
            self.world.turn()
        expected = [("user", "q 4"), ("assistant", "a 4"), ("user", "q 5")]
        self.assertEqual(self.world.call.said, expected)

    def end_one(self, random: Random, answers: dict[str, str]) -> None:
        call = self.world.call
        self.world.turn()
        text = "" if random.random() < 0.2 else f"a {call.request.run_id}"
        call.answer(*([text] if text else []))
        answers[call.request.run_id] = text
        self.world.turn()

    def check(self, asked: list[str], answers: dict[str, str]) -> None:
        for call in self.world.runtime.calls:
            run_id = call.request.run_id
            expected = []
            for one in asked[: asked.index(run_id)]:
                expected.append(("user", f"q {one[1:]}"))
                expected += [("assistant", answers[one])] if answers.get(one) else []
            self.assertEqual(call.said, [*expected, ("user", f"q {run_id[1:]}")])


class SummaryTests(HistoryCase):
    def shorten(self, summary: str, seq: int) -> None:
        session = self.world.index.get(MAIN)
        assert session is not None
        self.successResultOf(
            self.world.conversations.shorten(MAIN, session.session_id, summary, seq)
        )

    def test_a_model_is_told_the_summary_and_what_came_after(self) -> None:
        self.fill(2)
        self.shorten("they met", 4)
        self.fill(1)
        expected = [("system", "What was said before, in short:\nthey met"), ("user", "text 2")]
        self.assertEqual(self.world.call.said, expected)
        self.assertEqual(len(self.messages()), 6, "the transcript stays")
        said = self.successResultOf(self.world.conversations.said(MAIN))
        self.assertEqual([turn.text for turn in said][1:], ["text 2", "re text 2"])

    def test_an_input_that_waited_meanwhile_is_still_the_last(self) -> None:
        self.say("r1")
        self.say("r2")
        self.shorten("they met", 2)
        self.world.call.answer("x")
        self.world.turn()
        self.assertEqual(self.world.call.said[-1], ("user", "r2"))
