"""Tests of ``anthropic-messages``: what is written, what is read."""

import json
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.draft import BrokenAnswer
from openclaw.agents.runtimes.messages.dialect import Messages
from openclaw.agents.runtimes.messages.request import BEGIN
from openclaw.agents.runtimes.provider import ModelSettings, ProviderSettings
from openclaw.agents.runtimes.turns import NO_RESULT
from openclaw.config.schema.models import Compat
from openclaw.interfaces.agents import Turn, Usage
from openclaw.interfaces.tools import ToolCall
from tests.agents.runtimes.asking import CALL, CLOCK, MODEL, PICTURE, TURNS, body_of, read, sse

API = Messages()
MARK = {"type": "ephemeral"}


def begin(index: int, **block: Any) -> dict[str, Any]:
    """A block begins."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    """A block grows."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> dict[str, Any]:
    """A block ends."""
    return {"type": "content_block_stop", "index": index}


def stop(reason: str, **usage: int) -> tuple[dict[str, Any], ...]:
    """The message ends."""
    last = {"stop_reason": reason, "stop_sequence": None}
    counted = {"output_tokens": 5, **usage}
    return (
        {"type": "message_delta", "delta": last, "usage": counted},
        {"type": "message_stop"},
    )


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "type": "message",
        "role": "assistant",
        "content": [],
        "usage": {
            "input_tokens": 70,
            "output_tokens": 1,
            "cache_read_input_tokens": 30,
            "cache_creation_input_tokens": 9,
        },
    },
}
TOOL_STREAM: tuple[dict[str, Any], ...] = (
    START,
    {"type": "ping"},
    begin(0, type="thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="Which "),
    delta(0, "thinking_delta", thinking="zone?"),
    delta(0, "signature_delta", signature="c2ln"),
    end(0),
    begin(1, type="redacted_thinking", data="cmVk"),
    end(1),
    begin(2, type="text", text=""),
    delta(2, "text_delta", text="Let me "),
    delta(2, "text_delta", text="see."),
    end(2),
    begin(3, type="tool_use", id="toolu_1", name="clock", input={}),
    delta(3, "input_json_delta", partial_json=""),
    delta(3, "input_json_delta", partial_json='{"zone"'),
    delta(3, "input_json_delta", partial_json=':"UTC"}'),
    end(3),
    begin(4, type="tool_use", id="toolu_2", name="clock", input={}),
    end(4),
    *stop("tool_use"),
)


class RequestTests(SynchronousTestCase):
    """The body of a request."""

    def test_plain(self) -> None:
        self.assertEqual(
            body_of(API, system="be brief"),
            {
                "model": "mock-1",
                "max_tokens": 8192,
                "system": [{"type": "text", "text": "be brief", "cache_control": MARK}],
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "hi", "cache_control": MARK}],
                    }
                ],
                "stream": True,
            },
        )

    def test_tools_calls_results_images(self) -> None:
        body = body_of(API, turns=TURNS, tools=[CLOCK])
        tool = {
            "name": "clock",
            "description": "Tells the time.",
            "input_schema": CLOCK.parameters,
            "cache_control": MARK,
        }
        self.assertEqual(body["tools"], [tool])
        source = {"type": "base64", "media_type": "image/png", "data": PICTURE.data}
        self.assertEqual(
            body["messages"],
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "source": source},
                        {"type": "text", "text": "what is this?"},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "Let me see."},
                        {
                            "type": "tool_use",
                            "id": "call_1",
                            "name": "clock",
                            "input": {"zone": "UTC"},
                        },
                        {
                            "type": "tool_use",
                            "id": "call_2",
                            "name": "clock",
                            "input": {"zone": "CET"},
                        },
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "call_1",
                            "content": [{"type": "text", "text": "12:00"}],
                        },
                        {
                            "type": "tool_result",
                            "tool_use_id": "call_2",
                            "content": [{"type": "text", "text": "no such zone"}],
                            "is_error": True,
                        },
                    ],
                },
                {"role": "assistant", "content": [{"type": "text", "text": "Noon."}]},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "thanks", "cache_control": MARK}],
                },
            ],
        )

    def test_odd_conversations_become_ones_that_the_api_takes(self) -> None:
        turns = [
            Turn("system", "Earlier: names were told."),
            Turn("assistant", "As I said."),
            Turn("user", "and"),
            Turn("user", " "),
            Turn("system", "a note"),
            Turn("assistant", " ", calls=(CALL,)),
            Turn("user", "never mind"),
        ]
        body = body_of(
            API, turns=turns, tools=[CLOCK], how=ModelSettings(params={"cacheRetention": "none"})
        )
        self.assertEqual(body["system"], [{"type": "text", "text": "Earlier: names were told."}])
        messages = body["messages"]
        roles = [message["role"] for message in messages]
        self.assertEqual(roles, ["user", "assistant", "user", "assistant", "user"])
        self.assertEqual(messages[0]["content"], [{"type": "text", "text": BEGIN}])
        self.assertEqual([b["text"] for b in messages[2]["content"]], ["and", "[system] a note"])
        self.assertEqual([b["type"] for b in messages[3]["content"]], ["tool_use"])
        result, words = messages[4]["content"]
        self.assertEqual((result["is_error"], result["content"][0]["text"]), (True, NO_RESULT))
        self.assertEqual(words["text"], "never mind")

    def test_cache_for_long(self) -> None:
        body = body_of(API, system="s", how=ModelSettings(params={"cacheRetention": "long"}))
        self.assertEqual(body["system"][0]["cache_control"], {"type": "ephemeral", "ttl": "1h"})

    def test_thinking(self) -> None:
        adaptive = {"type": "adaptive", "display": "summarized"}
        for id, level, expected in [
            ("claude-opus-5", "high", {"thinking": adaptive, "output_config": {"effort": "high"}}),
            (
                "claude-sonnet-4-6",
                "minimal",
                {"thinking": adaptive, "output_config": {"effort": "low"}},
            ),
            (
                "claude-sonnet-4-5-20250929",
                "low",
                {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            ),
            (
                "claude-opus-4-20250514",
                "high",
                {"thinking": {"type": "enabled", "budget_tokens": 7168}},
            ),
            ("other", "minimal", {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
            ("claude-opus-5", "off", {"thinking": {"type": "disabled"}}),
            ("claude-opus-5", "", {}),
        ]:
            body = body_of(API, thinking=level, model=evolve(MODEL, id=id))
            found = {name: body[name] for name in ("thinking", "output_config") if name in body}
            self.assertEqual(found, expected, (id, level))
        forced = ModelSettings(compat=Compat(force_adaptive_thinking=True))
        self.assertEqual(body_of(API, thinking="low", how=forced)["thinking"], adaptive)
        self.assertNotIn("thinking", body_of(API, thinking="low", max_tokens=100))

    def test_a_budget_is_not_given_after_calls_without_a_thought(self) -> None:
        turns = [
            Turn("user", "time?"),
            Turn("assistant", "", calls=(CALL,)),
            Turn("tool", "12", call_id="call_1"),
        ]
        self.assertNotIn("thinking", body_of(API, turns=turns, tools=[CLOCK], thinking="high"))

    def test_thoughts_go_back_as_they_came(self) -> None:
        outcome = read(API, sse(*TOOL_STREAM)).outcome
        turns = [
            Turn("user", "time?"),
            Turn("assistant", outcome.text, calls=outcome.calls, thinking=outcome.thinking),
            Turn("tool", "12:00", call_id="toolu_1"),
            Turn("tool", "13:00", call_id="toolu_2"),
        ]
        said = body_of(API, turns=turns, tools=[CLOCK], thinking="high")["messages"][1]["content"]
        self.assertEqual(
            said[:2],
            [
                {"type": "thinking", "thinking": "Which zone?", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "cmVk"},
            ],
        )
        self.assertEqual([b["type"] for b in said[2:]], ["text", "tool_use", "tool_use"])
        changed = [turns[0], evolve(turns[1], text="Cut."), *turns[2:]]
        said = body_of(API, turns=changed, tools=[CLOCK])["messages"][1]["content"]
        self.assertEqual((len(said), said[2]["text"]), (5, "Cut."))
        for changes in ({"model": evolve(MODEL, id="other")}, {"thinking": "off"}):
            said = body_of(API, turns=turns, tools=[CLOCK], **changes)["messages"][1]["content"]
            self.assertEqual([b["type"] for b in said], ["text", "tool_use", "tool_use"])

    def test_address_and_key(self) -> None:
        for base, url in [
            ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
            ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
            ("https://proxy.example/anthropic/", "https://proxy.example/anthropic/v1/messages"),
        ]:
            self.assertEqual(API.url(base), url)
        settings = ProviderSettings(id="a", base_url="http://h", api_key="k")
        self.assertEqual(API.headers(settings)["x-api-key"], "k")
        self.assertEqual(API.headers(settings)["anthropic-version"], "2023-06-01")
        bearing = API.headers(evolve(settings, bearer=True))
        self.assertEqual((bearing["authorization"], "x-api-key" in bearing), ("Bearer k", False))


class AnswerTests(SynchronousTestCase):
    """What is read of an answer."""

    def test_text_thoughts_calls_usage(self) -> None:
        for step in (1, 7, 1 << 20):
            heard = read(API, sse(*TOOL_STREAM, named=True), step=step)
            outcome = heard.outcome
            self.assertEqual(
                (heard.text, heard.thoughts), (["Let me ", "see."], ["Which ", "zone?"])
            )
            self.assertEqual(
                outcome.calls,
                (
                    ToolCall(id="toolu_1", name="clock", arguments='{"zone":"UTC"}'),
                    ToolCall(id="toolu_2", name="clock", arguments="{}"),
                ),
            )
            self.assertEqual(outcome.stop_reason, "tool_calls")
            self.assertEqual(outcome.usage, Usage(70, 5, cache_read=30, cache_write=9))

    def test_interleaved_thoughts_keep_their_places(self) -> None:
        events: tuple[dict[str, Any], ...] = (
            START,
            begin(0, type="text", text="One."),
            begin(1, type="thinking", thinking="hm", signature="s1"),
            begin(2, type="text", text="Two."),
            *stop("end_turn"),
        )
        outcome = read(API, sse(*events)).outcome
        turn = Turn("assistant", outcome.text, thinking=outcome.thinking)
        said = body_of(API, turns=[Turn("user", "?"), turn])["messages"][1]["content"]
        self.assertEqual([b["type"] for b in said], ["text", "thinking", "text"])
        self.assertEqual((said[0]["text"], said[2]["text"]), ("One.", "Two."))

    def test_thoughts_without_a_signature_are_not_kept(self) -> None:
        events: tuple[dict[str, Any], ...] = (
            START,
            begin(0, type="thinking", thinking="hm"),
            begin(1, type="text", text="a"),
        )
        outcome = read(API, sse(*events, *stop("end_turn"))).outcome
        self.assertEqual((outcome.text, outcome.thinking), ("a", ""))

    def test_stop_reasons(self) -> None:
        text = begin(0, type="text", text="a")
        for word, reason in [
            ("end_turn", "stop"),
            ("stop_sequence", "stop"),
            ("max_tokens", "length"),
            ("refusal", "refusal"),
        ]:
            self.assertEqual(read(API, sse(START, text, *stop(word))).outcome.stop_reason, reason)
        with self.assertRaisesRegex(BrokenAnswer, "refusal"):
            read(API, sse(START, *stop("refusal")))

    def test_a_call_that_was_cut_is_none(self) -> None:
        call = begin(1, type="tool_use", id="t", name="clock", input={})
        data = sse(START, begin(0, type="text", text="a"), call, *stop("max_tokens"))
        self.assertEqual(read(API, data).outcome.calls, ())

    def test_a_whole_document(self) -> None:
        content = [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "t", "name": "clock", "input": {"z": 1}},
        ]
        document = {"type": "message", "content": content, "stop_reason": "tool_use"}
        heard = read(API, json.dumps({**document, "usage": {"output_tokens": 3}}).encode())
        self.assertEqual((heard.text, heard.thoughts), (["Hello"], ["hm"]))
        self.assertEqual(heard.outcome.calls[0].arguments, '{"z":1}')
        self.assertEqual(heard.outcome.usage, Usage(0, 3))

    def test_errors_in_the_stream(self) -> None:
        for kind, expected in [
            ("overloaded_error", "overloaded"),
            ("rate_limit_error", "rate_limit"),
            ("authentication_error", "auth"),
            ("strange_error", "stream"),
        ]:
            error = {"type": "error", "error": {"type": kind, "message": "Overloaded"}}
            for data in (sse(*TOOL_STREAM[:9], error), json.dumps(error).encode()):
                with self.assertRaisesRegex(BrokenAnswer, "Overloaded") as caught:
                    read(API, data)
                self.assertEqual(caught.exception.kind, expected)

    def test_unknown_events_blocks_and_deltas(self) -> None:
        events: tuple[dict[str, Any], ...] = (
            {"type": "sparkles", "index": 7},
            START,
            begin(0, type="server_tool_use", id="x", name="web_search", input={}),
            delta(0, "sparkle_delta", sparkle="*"),
            begin(1, type="text", text=""),
            delta(1, "text_delta", text="a"),
            delta(9, "text_delta", text="b"),
            *stop("end_turn"),
        )
        outcome = read(API, sse(*events)).outcome
        self.assertEqual((outcome.text, outcome.calls), ("ab", ()))
        with self.assertRaisesRegex(BrokenAnswer, "blocks"):
            read(API, sse(START, begin(10**9, type="text", text="a")))

    def test_cut_anywhere_is_broken(self) -> None:
        for number in range(len(TOOL_STREAM) - 1):
            data = sse(*TOOL_STREAM[:number])
            self.assertRaises(BrokenAnswer, read, API, data)
        # Without its very last event the answer is known to be whole.
        self.assertEqual(len(read(API, sse(*TOOL_STREAM[:-1])).outcome.calls), 2)
