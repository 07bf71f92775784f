"""Tests of conversations that no API would take as they are."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.turns import (
    NO_RESULT,
    arguments_object,
    call_name,
    flattened,
    mended,
    wire_arguments,
    wire_id,
)
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.tools import ToolCall

IDS = ("a", "b", "c")


def calling(*ids: str) -> Turn:
    """An answer that asks for tools."""
    return Turn("assistant", "", calls=tuple(ToolCall(id=id, name=f"tool_{id}") for id in ids))


def result(id: str) -> Turn:
    """What a tool said."""
    return Turn("tool", f"result {id}", call_id=id)


conversations = st.lists(
    st.one_of(
        st.builds(Turn, st.just("user"), st.sampled_from(["hi", ""])),
        st.builds(lambda ids: calling(*ids), st.lists(st.sampled_from(IDS), unique=True)),
        st.builds(result, st.sampled_from(IDS)),
        st.builds(Turn, st.just("system"), st.just("note")),
    ),
    max_size=12,
)


class MendTests(SynchronousTestCase):
    """Every call has its result, and every result its call."""

    def test_results_move_to_their_calls(self) -> None:
        user = Turn("user", "wait")
        turns = [calling("a", "b"), user, result("b"), result("a")]
        self.assertEqual(mended(turns), [turns[0], result("a"), result("b"), user])

    def test_missing_result(self) -> None:
        found = mended([calling("a"), Turn("user", "hi")])
        self.assertEqual(found[1], Turn("tool", NO_RESULT, call_id="a", is_error=True))

    def test_result_without_a_call_is_told(self) -> None:
        self.assertEqual(mended([result("a")]), [Turn("user", "[Result of a tool]\nresult a")])

    @given(conversations)
    def test_any_conversation(self, turns: list[Turn]) -> None:
        waiting: list[str] = []
        for turn in mended(turns):
            if turn.role == "tool":
                self.assertEqual(waiting.pop(0), turn.call_id)
            else:
                self.assertEqual(waiting, [])
            waiting += [call.id for call in turn.calls]
        self.assertEqual(waiting, [])
        said = [turn.text for turn in turns if turn.role == "user"]
        self.assertEqual(
            [t.text for t in mended(turns) if t.text in ("hi", "") and t.role == "user"], said
        )

    @given(conversations)
    def test_nothing_of_tools_is_left(self, turns: list[Turn]) -> None:
        found = flattened(turns)
        self.assertEqual([t for t in found if t.role == "tool" or t.calls], [])
        self.assertEqual(len(found), len(turns))


class WireTests(SynchronousTestCase):
    """Ids and arguments that every API takes."""

    def test_ids(self) -> None:
        self.assertEqual(wire_id("toolu_1-x"), "toolu_1-x")
        for id in ("", "a b", "x" * 65, "chatcmpl:1", "é", "\ud800"):
            self.assertRegex(wire_id(id), "^call_[0-9a-f]{24}$")
        self.assertEqual(wire_id("a b"), wire_id("a b"))

    @given(st.text(max_size=40))
    def test_arguments_are_an_object_in_any_case(self, text: str) -> None:
        call = ToolCall(id="a", name="n", arguments=text)
        self.assertIsInstance(arguments_object(call), dict)

    def test_good_arguments_stay_as_they_are(self) -> None:
        text = '{ "a": [1, 2.50] }'
        self.assertEqual(wire_arguments(ToolCall(id="a", name="n", arguments=text)), text)

    def test_name_of_a_call(self) -> None:
        self.assertEqual(call_name([calling("a"), result("a")], "a"), "tool_a")
        self.assertEqual(call_name([], "a"), "")
