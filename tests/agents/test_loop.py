"""A model that asks for tools, and gets them under the authority of whoever asked it."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from openclaw.agents.loop import MOST_REPEATS, MOST_STEPS
from openclaw.interfaces.agents import IToolSink, RunOutcome, Turn, Usage
from openclaw.interfaces.tools import (
    Authority,
    Effect,
    ITool,
    IToolbox,
    IToolSource,
    ToolCall,
    ToolPlace,
    ToolResult,
    ToolSpec,
    ToolUse,
)
from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.chat import HistoryParams
from tests.sessions.rig import MAIN, World, WorldCase

LOOK = ToolSpec(name="look", description="Looks.", parameters={"type": "object"})
SEND = ToolSpec(name="send", description="Sends.", parameters={"type": "object"})


@implementer(IToolbox)
@define
class Box:
    """Two tools; answers at once unless told otherwise.

    :ivar uses: what was used: name, arguments, and by whom.
    """

    uses: list[tuple[str, str, ToolUse]] = field(factory=list)
    asked: list[Authority] = field(factory=list)
    answer: Callable[[str], Deferred[ToolResult]] = lambda name: succeed(
        ToolResult(text=f"{name} done", title=f"{name}ed")
    )

    def register(self, tool: ITool, seconds: float | None = None) -> None:
        """Not here."""
        raise NotImplementedError

    def register_source(self, source: IToolSource) -> None:
        """Not here."""
        raise NotImplementedError

    def specs(self, place: ToolPlace, authority: Authority) -> Deferred[Sequence[ToolSpec]]:
        """Strangers may only look."""
        self.asked.append(authority)
        return succeed([LOOK, SEND] if authority.owner else [LOOK])

    def effect(self, name: str) -> Effect:
        """What sends is felt outside."""
        return "external" if name == "send" else "none"

    def use(self, name: str, arguments: str, use: ToolUse) -> Deferred[ToolResult]:
        """Write it down."""
        self.uses.append((name, arguments, use))
        return self.answer(name)


def wish(name: str, arguments: str = "{}", id: str = "c1", text: str = "") -> RunOutcome:
    """A model that wants a tool."""
    call = ToolCall(id=id, name=name, arguments=arguments)
    return RunOutcome(text, "tool_calls", Usage(input=10, output=1), (call,), "thought")


class LoopCase(WorldCase):
    """A world whose models have tools."""

    def setUp(self) -> None:
        super().setUp()
        self.box = Box()
        self.use_box(self.world)

    def use_box(self, world: World) -> None:
        """Give a process the tools."""
        world.runs.toolbox = self.box

    def ask(self, owner: bool = True) -> None:
        """Let somebody ask."""
        self.successResultOf(self.world.accept("r1", "please", owner=owner))
        self.world.turn()

    def turns(self) -> list[Turn]:
        """What the model was shown last."""
        return list(self.world.call.request.turns)

    def end(self, outcome: RunOutcome) -> None:
        """Let the model end its part."""
        self.world.call.done.callback(outcome)
        self.world.turn()

    def written(self) -> list[dict[str, Any]]:
        """The transcript."""
        params = HistoryParams(session_key=MAIN)
        plain = to_plain(self.successResultOf(self.world.conversations.history(params)))
        found: list[dict[str, Any]] = plain["messages"]
        return found


class LoopTests(LoopCase):
    def test_a_model_is_told_of_the_tools_and_what_they_said(self) -> None:
        self.ask()
        self.assertEqual([one.name for one in self.world.call.request.tools], ["look", "send"])
        self.end(wish("look", '{"at": "x"}'))
        _, asked, told = self.turns()
        self.assertEqual(
            (asked.role, asked.calls[0].name, asked.thinking), ("assistant", "look", "thought")
        )
        self.assertEqual((told.role, told.text, told.call_id), ("tool", "look done", "c1"))
        self.world.call.answer("I saw it")
        self.assertEqual(self.written()[-1]["content"], [{"type": "text", "text": "I saw it"}])

    def test_what_was_done_is_in_the_transcript_and_told_to_the_next_run(self) -> None:
        self.ask()
        self.end(wish("look", '{"at": "x"}'))
        self.world.call.answer("I saw it")
        self.world.turn()
        roles = [one["role"] for one in self.written()]
        self.assertEqual(roles, ["user", "assistant", "toolResult", "assistant"])
        call = self.written()[1]["content"][0]
        self.assertEqual(
            call, {"type": "toolCall", "id": "c1", "name": "look", "arguments": {"at": "x"}}
        )
        self.successResultOf(self.world.accept("r2", "again", owner=True))
        self.world.turn()
        self.assertEqual(
            [one.role for one in self.turns()], ["user", "assistant", "tool", "assistant", "user"]
        )

    def test_what_was_thought_is_kept_and_handed_back_beside_calls_alone(self) -> None:
        self.ask()
        self.end(wish("look"))
        self.end(RunOutcome("I saw it", thinking="deep"))
        self.assertEqual(
            [one.get("thinking") for one in self.written()], [None, "thought", None, "deep"]
        )
        self.successResultOf(self.world.accept("r2", "again", owner=True))
        self.world.turn()
        self.assertEqual([one.thinking for one in self.turns()], ["", "thought", "", "", ""])

    def test_thoughts_of_a_part_are_not_those_of_the_whole(self) -> None:
        self.ask()
        self.end(wish("look", text="Let me see."))
        self.end(RunOutcome("I saw it", thinking="deep"))
        self.assertNotIn("thinking", self.written()[-1])

    def test_tools_of_a_program_are_in_the_transcript(self) -> None:
        self.ask()
        sink = IToolSink(self.world.call.sink)
        call = ToolCall(id="c9", name="bash", arguments='{"command":"ls"}')
        sink.tool_started(call)
        sink.tool_ended(call, ToolResult(text="a file"))
        self.end(RunOutcome("done"))
        roles = [one["role"] for one in self.written()]
        self.assertEqual(roles, ["user", "assistant", "toolResult", "assistant"])
        self.assertEqual(self.written()[1]["content"][0]["arguments"], {"command": "ls"})
        self.assertEqual(self.written()[2]["content"][0]["text"], "a file")
        self.assertEqual(self.box.uses, [])

    def test_words_before_a_tool_are_the_first_paragraph(self) -> None:
        self.ask()
        self.world.call.sink.delta("Let me see.")
        self.end(wish("look", text="Let me see."))
        self.world.call.sink.delta("There it is.")
        self.end(RunOutcome("There it is.", usage=Usage(input=5, output=2)))
        text = self.written()[-1]["content"][0]["text"]
        self.assertEqual(text, "Let me see.\n\nThere it is.")
        told = [one for name, one in self.world.heard.events if name == "chat"]
        self.assertEqual(told[-1]["message"]["content"][0]["text"], text)

    def test_the_model_sees_what_it_said_before_it_used_a_tool(self) -> None:
        self.ask()
        self.end(wish("look", text="Let me see."))
        asked = self.turns()[1]
        self.assertEqual((asked.role, asked.text), ("assistant", "Let me see."))

    def test_words_before_a_tool_are_written_once(self) -> None:
        self.ask()
        self.world.call.sink.delta("Let me see.")
        self.end(wish("look", text="Let me see."))
        self.world.call.answer("There it is.")
        self.world.turn()
        texts = [
            part["text"]
            for one in self.written()
            if one["role"] == "assistant"
            for part in one["content"]
            if part["type"] == "text"
        ]
        self.assertEqual(texts, ["Let me see.\n\nThere it is."])

    def test_usage_is_summed(self) -> None:
        self.ask()
        self.end(wish("look"))
        self.end(RunOutcome("done", usage=Usage(input=5, output=2)))
        self.assertEqual(self.written()[-1]["usage"], {"input": 15, "output": 3, "totalTokens": 18})

    def test_people_who_watch_see_the_tools(self) -> None:
        self.ask()
        self.end(wish("look"))
        items = [
            one["data"]
            for name, one in self.world.heard.events
            if name == "agent" and one["stream"] == "item"
        ]
        self.assertEqual(
            [(one["phase"], one["status"], one["title"]) for one in items],
            [("start", "running", "look"), ("end", "completed", "looked")],
        )


class AuthorityTests(LoopCase):
    def test_a_stranger_is_offered_less(self) -> None:
        self.ask(owner=False)
        self.assertEqual([one.name for one in self.world.call.request.tools], ["look"])

    def test_what_was_not_offered_is_not_used(self) -> None:
        self.ask(owner=False)
        self.end(wish("send"))
        self.assertEqual(self.box.uses, [])
        self.assertTrue(self.turns()[-1].is_error)

    def test_a_use_carries_who_asked(self) -> None:
        self.ask()
        self.end(wish("send"))
        ((_, _, use),) = self.box.uses
        self.assertEqual((use.authority.owner, use.session_key, use.run_id), (True, MAIN, "r1"))


class EffectTests(LoopCase):
    def test_a_run_that_did_something_outside_is_never_run_again(self) -> None:
        self.ask()
        waiting: Deferred[ToolResult] = Deferred()
        self.box.answer = lambda name: waiting
        self.end(wish("send"))
        self.assertEqual(len(self.box.uses), 1)
        self.use_box(self.restart())
        self.world.turn()
        self.assertEqual(self.world.runtime.calls, [])
        self.assertIn("stopped while", self.written()[-1]["errorMessage"])

    def test_a_run_that_only_looked_runs_again(self) -> None:
        self.ask()
        self.end(wish("look"))
        self.use_box(self.restart())
        self.world.turn()
        self.assertEqual(len(self.world.runtime.calls), 1)

    def test_nothing_is_done_before_the_record_is_on_disk(self) -> None:
        self.ask()
        self.world.store.holding = True
        self.world.call.done.callback(wish("send"))
        self.assertEqual(self.box.uses, [])
        self.world.store.holding = False
        self.world.store.release()
        self.assertEqual(len(self.box.uses), 1)

    def test_a_record_that_cannot_be_written_keeps_the_tool_from_use(self) -> None:
        self.ask()
        self.world.store.failing = {"mark_shown"}
        self.end(wish("send"))
        self.assertEqual(self.box.uses, [])
        self.assertEqual(self.world.runs.active(), ())


class BoundTests(LoopCase):
    def test_a_model_without_end_is_told_to_answer(self) -> None:
        self.ask()
        for number in range(MOST_STEPS):
            self.end(wish("look", f'{{"n": {number}}}', id=f"c{number}"))
        self.assertEqual(self.world.call.request.tools, ())
        self.assertIn("Answer now", self.turns()[-1].text)
        self.end(wish("look", '{"n": -1}', text="enough"))
        self.assertEqual(self.world.runs.active(), ())
        self.assertEqual(len(self.box.uses), MOST_STEPS)

    def test_the_same_call_again_and_again_is_not_made(self) -> None:
        self.ask()
        for number in range(MOST_REPEATS + 2):
            self.end(wish("look", id=f"c{number}"))
        self.assertEqual(len(self.box.uses), MOST_REPEATS)
        self.assertTrue(self.turns()[-1].is_error)

    def test_an_abort_in_the_middle_of_a_tool_ends_it(self) -> None:
        self.ask()
        cancelled: list[object] = []
        waiting: Deferred[ToolResult] = Deferred(cancelled.append)
        self.box.answer = lambda name: waiting
        self.end(wish("look"))
        self.successResultOf(self.world.runs.abort(MAIN, "r1"))
        self.assertEqual(len(cancelled), 1)
        self.assertEqual([one["role"] for one in self.written()], ["user"])

    def test_several_calls_at_once_are_made_in_order(self) -> None:
        self.ask()
        calls = tuple(ToolCall(id=f"c{n}", name="look", arguments=f'{{"n":{n}}}') for n in range(3))
        self.end(RunOutcome("", "tool_calls", calls=calls))
        self.assertEqual(
            [arguments for _, arguments, _ in self.box.uses], ['{"n":0}', '{"n":1}', '{"n":2}']
        )
        self.assertEqual(
            [one.call_id for one in self.turns() if one.role == "tool"], ["c0", "c1", "c2"]
        )
