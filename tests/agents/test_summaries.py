"""Summaries: in pieces that a model takes, with no more authority than that needs."""

from typing import Any

from twisted.internet.defer import TimeoutError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.summaries import INSTRUCTION, TIMEOUT_SECONDS, Summaries, pieces
from openclaw.errors import ModelError
from openclaw.interfaces.agents import ModelInfo, Turn
from openclaw.interfaces.tools import Image, ToolCall
from tests.sessions.rig import MAIN, MODEL, OneRuntime, ScriptedRuntime


class PieceTests(SynchronousTestCase):
    def test_everything_in_order_and_no_piece_too_large(self) -> None:
        for letter in ("x", "字", "🎈"):
            turns = [Turn("user", letter * (37 * number)) for number in range(120)]
            found = pieces(turns, 1_000)
            self.assertGreater(len(found), 5)
            told = "".join(turn.text for piece in found for turn in piece)
            self.assertEqual(told, "".join(turn.text for turn in turns))
            for piece in found:
                size = sum(len(turn.text.encode()) for turn in piece)
                self.assertLessEqual(size, 1_800)

    def test_a_small_one_is_one_piece(self) -> None:
        turns = [Turn("user", "a"), Turn("assistant", "b")]
        self.assertEqual(pieces(turns, 0), [turns])
        self.assertEqual(pieces([], 0), [])

    def test_what_is_not_words(self) -> None:
        image = Image(mime="image/png", data="AAAA")
        call = ToolCall(id="c", name="write", arguments='{"text":"' + "x" * 5_000 + '"}')
        turns = [
            Turn("user", "see", (image,)),
            Turn("assistant", "", calls=(call,), thinking="deep"),
            Turn("tool", "y" * 5_000, call_id="c"),
        ]
        found = [turn for piece in pieces(turns, 1_000) for turn in piece]
        self.assertFalse(any(turn.images or turn.thinking or turn.calls for turn in found))
        told = "".join(turn.text for turn in found)
        self.assertIn(call.arguments, told)
        self.assertIn("y" * 5_000, told)
        self.assertEqual(sum(turn.role == "tool" for turn in found), 1)


class SummaryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.runtime = ScriptedRuntime(MODEL)
        self.summaries = Summaries(OneRuntime(self.runtime), self.clock, lambda: "1")

    def write(self, *turns: Turn, owner: bool = True) -> Any:
        return self.summaries.write(MODEL.ref, MAIN, "main", turns, owner)

    def refuse(self, kind: str = "auth") -> None:
        self.runtime.calls[-1].done.errback(ModelError("no", kind=kind))

    def test_a_server_is_asked_with_no_authority(self) -> None:
        writing = self.write(Turn("user", "hi"))
        (call,) = self.runtime.calls
        self.assertEqual(call.said, [("user", "hi"), ("user", INSTRUCTION)])
        self.assertEqual((call.request.authority.owner, call.request.tools), (False, ()))
        call.finish(" they met ")
        self.assertEqual(self.successResultOf(writing), "they met")

    def test_pieces_build_on_what_was_summed_up(self) -> None:
        half = "x" * (MODEL.context_window * 2 // 3)
        writing = self.write(*[Turn("user", half)] * 4)
        for number in range(20):
            if writing.called:
                break
            self.runtime.calls[-1].finish(f"sum {number}")
        self.assertGreater(len(self.runtime.calls), 1)
        for number, call in enumerate(self.runtime.calls[1:]):
            self.assertEqual(
                call.said[0], ("system", f"What was said before, in short:\nsum {number}")
            )
        last = f"sum {len(self.runtime.calls) - 1}"
        self.assertEqual(self.successResultOf(writing), last)

    def test_a_program_that_works_for_the_owner_alone(self) -> None:
        for name in ("process", "worker"):
            self.runtime.name = name
            writing = self.write(Turn("user", "hi"))
            self.assertFalse(self.runtime.calls[-1].request.authority.owner)
            self.refuse()
            authority = self.runtime.calls[-1].request.authority
            self.assertEqual((authority.owner, authority.scopes), (True, frozenset()))
            self.runtime.calls[-1].finish("they met")
            self.assertEqual(self.successResultOf(writing), "they met")

    def test_nobody_else_gets_the_owners_authority(self) -> None:
        for name, owner, kind in (
            ("process", False, "auth"),
            ("scripted", True, "auth"),
            ("process", True, "timeout"),
        ):
            self.runtime.name = name
            before = len(self.runtime.calls)
            writing = self.write(Turn("user", "hi"), owner=owner)
            self.refuse(kind)
            self.failureResultOf(writing, ModelError)
            self.assertEqual(len(self.runtime.calls), before + 1)

    def test_nothing_said_and_too_late(self) -> None:
        writing = self.write(Turn("user", "hi"))
        self.runtime.calls[-1].finish("  ")
        self.assertEqual(self.successResultOf(writing), "")
        writing = self.write(Turn("user", "hi"))
        self.clock.advance(TIMEOUT_SECONDS)
        self.failureResultOf(writing, TimeoutError)

    def test_the_embedded_agent_cannot(self) -> None:
        self.assertTrue(self.summaries.can(MODEL.ref))
        embedded = ModelInfo(provider="embedded", id="assistant", name="A")

        class Embedded(OneRuntime):
            def resolve(self, ref: str = "", agent_id: str = "") -> ModelInfo:
                return embedded

        summaries = Summaries(Embedded(self.runtime), self.clock, lambda: "1")
        self.assertFalse(summaries.can("embedded/assistant"))
