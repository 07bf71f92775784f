"""Tests of ``openai-responses``: what is written, what is read."""

import json
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.draft import BrokenAnswer
from openclaw.agents.runtimes.provider import ModelSettings
from openclaw.agents.runtimes.responses.dialect import Responses
from openclaw.config.schema.models import Compat
from openclaw.interfaces.agents import Turn, Usage
from openclaw.interfaces.tools import ToolCall
from tests.agents.runtimes.asking import CLOCK, MODEL, TURNS, body_of, read, sse

API = Responses()
REASONING = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Which zone?"}],
    "encrypted_content": "gAAA",
}
CALL_ITEM = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "clock",
    "arguments": '{"zone":"UTC"}',
    "status": "completed",
}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """One event."""
    return {"type": f"response.{kind}", **fields}


def message(text: str) -> dict[str, Any]:
    """A whole message."""
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def completed(*output: Any, **fields: Any) -> dict[str, Any]:
    """The last event."""
    usage = {
        "input_tokens": 100,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 30},
    }
    whole = {"status": "completed", "output": list(output), "usage": usage, **fields}
    return event("completed", response=whole)


TOOL_STREAM = (
    event("created", response={"status": "in_progress", "output": []}),
    event("output_item.added", output_index=0, item={"type": "reasoning", "id": "rs_1"}),
    event("reasoning_summary_part.added", output_index=0, summary_index=0),
    event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="Which"),
    event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta=" zone?"),
    event("reasoning_summary_part.added", output_index=0, summary_index=1),
    event("output_item.done", output_index=0, item=REASONING),
    event("output_item.added", output_index=1, item={"type": "message", "content": []}),
    event("output_text.delta", output_index=1, delta="Let me "),
    event("output_text.delta", output_index=1, delta="see."),
    event("output_text.done", output_index=1, text="Let me see."),
    event("output_item.done", output_index=1, item=message("Let me see.")),
    event("output_item.added", output_index=2, item={**CALL_ITEM, "arguments": ""}),
    event("function_call_arguments.delta", output_index=2, delta='{"zone"'),
    event("function_call_arguments.delta", output_index=2, delta=':"UTC"}'),
    event("function_call_arguments.done", output_index=2, arguments='{"zone":"UTC"}'),
    event("output_item.done", output_index=2, item=CALL_ITEM),
    completed(REASONING, message("Let me see."), CALL_ITEM),
)


class RequestTests(SynchronousTestCase):
    """The body of a request."""

    def test_plain(self) -> None:
        self.assertEqual(
            body_of(API, system="be brief", max_tokens=9),
            {
                "model": "mock-1",
                "input": [{"role": "user", "content": "hi"}],
                "instructions": "be brief",
                "stream": True,
                "store": False,
                "max_output_tokens": 9,
                "include": ["reasoning.encrypted_content"],
            },
        )

    def test_tools_calls_results_images(self) -> None:
        body = body_of(API, turns=TURNS, tools=[CLOCK])
        self.assertEqual(
            body["tools"],
            [
                {
                    "type": "function",
                    "name": "clock",
                    "description": "Tells the time.",
                    "parameters": CLOCK.parameters,
                    "strict": False,
                }
            ],
        )
        picture, said, first, second, *results = body["input"]
        self.assertEqual([p["type"] for p in picture["content"]], ["input_text", "input_image"])
        self.assertEqual(said, {"role": "assistant", "content": "Let me see."})
        self.assertEqual(
            [(one["call_id"], one["name"]) for one in (first, second)],
            [("call_1", "clock"), ("call_2", "clock")],
        )
        self.assertEqual(
            results[0], {"type": "function_call_output", "call_id": "call_1", "output": "12:00"}
        )
        self.assertEqual(results[-1], {"role": "user", "content": "thanks"})

    def test_thinking(self) -> None:
        body = body_of(API, thinking="high", how=ModelSettings(params={"service_tier": "flex"}))
        self.assertEqual(body["reasoning"], {"effort": "high", "summary": "auto"})
        self.assertEqual(body["service_tier"], "flex")
        self.assertNotIn("reasoning", body_of(API, thinking="off"))
        unable = ModelSettings(compat=Compat(supports_reasoning_effort=False))
        self.assertNotIn("reasoning", body_of(API, thinking="high", how=unable))
        plain = body_of(API, thinking="high", model=evolve(MODEL, reasoning=False))
        self.assertNotIn("include", plain)

    def test_reasoning_goes_back_where_it_was(self) -> None:
        outcome = read(API, sse(*TOOL_STREAM)).outcome
        turns = [
            Turn("user", "time?"),
            Turn("assistant", outcome.text, calls=outcome.calls, thinking=outcome.thinking),
            Turn("tool", "12:00", call_id="call_1"),
        ]
        items = body_of(API, turns=turns, tools=[CLOCK])["input"]
        self.assertEqual(items[1], REASONING)
        self.assertEqual(items[2], {"role": "assistant", "content": "Let me see."})
        self.assertEqual(
            (items[3]["type"], items[4]["type"]), ("function_call", "function_call_output")
        )
        other = body_of(API, turns=turns, tools=[CLOCK], model=evolve(MODEL, id="other"))["input"]
        self.assertNotIn("reasoning", [item.get("type") for item in other])


class AnswerTests(SynchronousTestCase):
    """What is read of an answer."""

    def test_text_thoughts_call_usage(self) -> None:
        for step in (1, 7, 1 << 20):
            heard = read(API, sse(*TOOL_STREAM, named=True), step=step)
            outcome = heard.outcome
            self.assertEqual(
                (heard.text, "".join(heard.thoughts)), (["Let me ", "see."], "Which zone?\n\n")
            )
            call = ToolCall(id="call_1", name="clock", arguments='{"zone":"UTC"}')
            self.assertEqual((outcome.calls, outcome.stop_reason), ((call,), "tool_calls"))
            self.assertEqual(outcome.usage, Usage(70, 5, cache_read=30))

    def test_items_that_came_without_pieces(self) -> None:
        for events in (
            [completed(message("Hello"), CALL_ITEM)],
            [
                event("output_item.done", output_index=0, item=message("Hello")),
                event("output_item.done", output_index=1, item=CALL_ITEM),
                completed(),
            ],
        ):
            heard = read(API, sse(*events))
            self.assertEqual((heard.text, len(heard.outcome.calls)), (["Hello"], 1))

    def test_a_whole_document(self) -> None:
        document = json.dumps({"status": "completed", "output": [message("Hello"), CALL_ITEM]})
        outcome = read(API, document.encode()).outcome
        self.assertEqual((outcome.text, outcome.calls[0].name), ("Hello", "clock"))

    def test_refusal_is_the_answer(self) -> None:
        heard = read(API, sse(event("refusal.delta", output_index=0, delta="No."), completed()))
        self.assertEqual(heard.outcome.text, "No.")

    def test_incomplete(self) -> None:
        cut = completed(incomplete_details={"reason": "max_output_tokens"}, status="incomplete")
        text = event("output_text.delta", output_index=0, delta="Hel")
        call = event("output_item.added", output_index=1, item={**CALL_ITEM, "arguments": ""})
        outcome = read(API, sse(text, call, {**cut, "type": "response.incomplete"})).outcome
        self.assertEqual((outcome.text, outcome.stop_reason, outcome.calls), ("Hel", "length", ()))
        with self.assertRaisesRegex(BrokenAnswer, "without any text"):
            read(API, sse({**cut, "type": "response.incomplete"}))

    def test_errors(self) -> None:
        failed = {"status": "failed", "error": {"code": "server_error", "message": "GPU fell off"}}
        nested = {"type": "error", "error": {"type": "server_error", "message": "GPU fell off"}}
        for last in (
            event("failed", response=failed),
            {"type": "error", "code": "server_error", "message": "GPU fell off", "param": None},
            nested,
        ):
            with self.assertRaisesRegex(BrokenAnswer, "GPU fell off") as caught:
                read(API, sse(event("output_text.delta", output_index=0, delta="a"), last))
            self.assertEqual(caught.exception.kind, "overloaded", last)
        with self.assertRaisesRegex(BrokenAnswer, "cancelled"):
            read(API, sse(event("cancelled", response={"status": "cancelled"})))

    def test_unknown_events_and_too_many_items(self) -> None:
        odd = [event("sparkles.delta", delta={"a": 1}), {"type": "keepalive"}]
        text = event("output_text.delta", output_index=0, delta="a")
        self.assertEqual(read(API, sse(*odd, text, *odd, completed())).outcome.text, "a")
        with self.assertRaisesRegex(BrokenAnswer, "items"):
            read(API, sse(event("output_text.delta", output_index=10**9, delta="a")))

    def test_cut_anywhere_is_broken(self) -> None:
        for number in range(len(TOOL_STREAM)):
            self.assertRaises(BrokenAnswer, read, API, sse(*TOOL_STREAM[:number]))
