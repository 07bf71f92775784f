"""Whole sessions in parts: nothing missing, nothing twice, however long and however large."""

import json
from typing import Any

from openclaw.errors import InvalidRequest
from openclaw.interfaces.exports import ExportPart
from openclaw.sessions import exports
from openclaw.sessions.exports import MESSAGES_PER_PART, PART_BYTES, Exports
from tests.sessions.rig import MAIN
from tests.sessions.test_transcripts import HistoryCase


class ExportTests(HistoryCase):
    def part(self, key: str = MAIN, session_id: str | None = None, after: int = 0) -> ExportPart:
        """One part."""
        found: ExportPart = self.successResultOf(self.exports().part(key, session_id, after))
        return found

    def exports(self) -> Exports:
        """What reads the world's journal."""
        world = self.world
        of = world.conversations
        return Exports(world.store, of._index, of._keys, world.now_ms)

    def parts(self, key: str = MAIN) -> list[ExportPart]:
        """All parts of one export."""
        found = [self.part(key)]
        while (after := found[-1].after) is not None:
            found.append(self.part(key, found[-1].session_id, after))
        return found

    def lines(self, parts: list[ExportPart]) -> list[Any]:
        """Every line of an export."""
        text = "".join(part.text for part in parts)
        self.assertTrue(text.endswith("\n"))
        return [json.loads(line) for line in text.splitlines()]

    def test_a_head_every_message_and_an_end(self) -> None:
        self.fill(2)
        (part,) = self.parts()
        head, *messages, end = self.lines([part])
        self.assertEqual((head["type"], head["version"], head["key"]), ("session", 1, MAIN))
        self.assertEqual(head["sessionId"], part.session_id)
        self.assertEqual(end, {"type": "end"})
        self.assertEqual([one["message"] for one in messages], self.history()["messages"])

    def test_every_length_comes_out_whole(self) -> None:
        for number in (1, MESSAGES_PER_PART // 2, MESSAGES_PER_PART // 2 + 1, MESSAGES_PER_PART):
            self.fill(number)
            lines = self.lines(self.parts())
            seqs = [one["message"]["__openclaw"]["seq"] for one in lines[1:-1]]
            self.assertEqual(seqs, list(range(1, 2 * self.filled + 1)))

    def test_large_messages_go_into_parts_of_their_own(self) -> None:
        self.patch(exports, "PART_BYTES", PART_BYTES // 64)
        big = "x" * (PART_BYTES // 96)
        for number in range(5):
            self.say(f"big-{number}", f"{number} {big}")
            self.world.call.answer("ok")
        parts = self.parts()
        self.assertGreater(len(parts), 4)
        self.assertLess(max(len(part.text) for part in parts), PART_BYTES // 64 + 1000)
        seqs = [one["message"]["__openclaw"]["seq"] for one in self.lines(parts)[1:-1]]
        self.assertEqual(seqs, list(range(1, 11)))

    def test_an_empty_session_is_a_head_and_an_end(self) -> None:
        self.successResultOf(self.world.conversations.reset(MAIN))
        self.assertEqual([one["type"] for one in self.lines(self.parts())], ["session", "end"])

    def test_another_session_under_the_same_key_is_not_mixed_in(self) -> None:
        self.fill(MESSAGES_PER_PART)
        first = self.part()
        assert first.after is not None
        self.successResultOf(self.world.conversations.reset(MAIN))
        again = self.exports().part(MAIN, first.session_id, first.after)
        self.assertIn("changed", self.failureResultOf(again, InvalidRequest).value.message)

    def test_a_session_that_is_not_there(self) -> None:
        nothing = self.exports().part("agent:main:never", None, 0)
        self.failureResultOf(nothing, InvalidRequest)
