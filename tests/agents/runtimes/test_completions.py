"""Tests of ``openai-completions``: what is written, what is read."""

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.completions.answer import decode_chunk
from openclaw.agents.runtimes.completions.dialect import Completions
from openclaw.agents.runtimes.completions.request import GO_ON, SEEN
from openclaw.agents.runtimes.dialect import NotAnAnswer
from openclaw.agents.runtimes.draft import BrokenAnswer
from openclaw.agents.runtimes.provider import ModelSettings
from openclaw.agents.runtimes.turns import NO_EYES
from openclaw.config.schema.models import Compat
from openclaw.interfaces.agents import Turn, Usage
from openclaw.interfaces.tools import ToolCall
from tests.agents.runtimes.asking import (
    CALL,
    CLOCK,
    MODEL,
    PICTURE,
    REQUEST,
    TURNS,
    body_of,
    read,
    sse,
)

API = Completions()
DATA_URL = "data:image/png;base64,iVBORw0KGgo="


def delta(finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """One chunk."""
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(index: int | None, id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    """A chunk with a piece of a call."""
    piece: dict[str, Any] = {"type": "function", "function": {}}
    for key, value in (("index", index), ("id", id)):
        if value is not None:
            piece[key] = value
    for key, value in (("name", name), ("arguments", arguments)):
        if value is not None:
            piece["function"][key] = value
    return delta(tool_calls=[piece])


class RequestTests(SynchronousTestCase):
    """The body of a request."""

    def test_plain(self) -> None:
        turns = [Turn("user", "hi"), Turn("assistant", "ho"), Turn("user", "你好")]
        self.assertEqual(
            body_of(API, turns=turns, system="be brief"),
            {
                "model": "mock-1",
                "messages": [
                    {"role": "system", "content": "be brief"},
                    {"role": "user", "content": "hi"},
                    {"role": "assistant", "content": "ho"},
                    {"role": "user", "content": "你好"},
                ],
                "stream": True,
                "stream_options": {"include_usage": True},
            },
        )

    def test_tools_calls_results_images(self) -> None:
        body = body_of(API, turns=TURNS, tools=[CLOCK])
        function = {
            "name": "clock",
            "description": "Tells the time.",
            "parameters": CLOCK.parameters,
        }
        self.assertEqual(body["tools"], [{"type": "function", "function": function}])
        said = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": "clock", "arguments": f'{{"zone":"{zone}"}}'},
            }
            for number, zone in ((1, "UTC"), (2, "CET"))
        ]
        self.assertEqual(
            body["messages"],
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what is this?"},
                        {"type": "image_url", "image_url": {"url": DATA_URL}},
                    ],
                },
                {"role": "assistant", "content": "Let me see.", "tool_calls": said},
                {"role": "tool", "tool_call_id": "call_1", "content": "12:00"},
                {"role": "tool", "tool_call_id": "call_2", "content": "no such zone"},
                {"role": "assistant", "content": "Noon."},
                {"role": "user", "content": "thanks"},
            ],
        )

    def test_images_of_a_tool_are_shown_by_the_user(self) -> None:
        turns = [
            Turn("user", "look"),
            Turn("assistant", "", calls=(CALL,)),
            Turn("tool", "a screen", images=(PICTURE,), call_id="call_1"),
        ]
        messages = body_of(API, turns=turns, tools=[CLOCK])["messages"]
        self.assertEqual(messages[1]["content"], None)
        self.assertEqual(messages[2]["content"], "a screen")
        self.assertEqual([p["type"] for p in messages[3]["content"]], ["text", "image_url"])
        self.assertEqual((messages[3]["role"], messages[3]["content"][0]["text"]), ("user", SEEN))

    def test_a_model_without_eyes_is_told(self) -> None:
        blind = evolve(MODEL, input=("text",))
        messages = body_of(API, turns=TURNS, tools=[CLOCK], model=blind)["messages"]
        self.assertEqual(messages[0]["content"], f"what is this?\n{NO_EYES}")

    def test_without_tools_calls_are_told_in_words(self) -> None:
        no_tools = ModelSettings(compat=Compat(supports_tools=False))
        for body in (
            body_of(API, turns=TURNS),
            body_of(API, turns=TURNS, tools=[CLOCK], how=no_tools),
            body_of(API, turns=TURNS, tools=[CLOCK], without=frozenset({"tools"})),
        ):
            self.assertNotIn("tools", body)
            roles = [message["role"] for message in body["messages"]]
            self.assertEqual(roles, ["user", "assistant", "user", "user", "assistant", "user"])
            self.assertIn('used clock with {"zone":"UTC"}', body["messages"][1]["content"])
            self.assertEqual(body["messages"][2]["content"], "[Result of clock]\n12:00")
            self.assertEqual(body["messages"][3]["content"], "[Error of clock]\nno such zone")

    def test_arguments_that_are_no_json_do_not_break_the_request(self) -> None:
        broken = ToolCall(id="bad id!", name="clock", arguments='{"zone": "U')
        turns = [Turn("assistant", "", calls=(broken,)), Turn("tool", "?", call_id="bad id!")]
        said, result = body_of(API, turns=turns, tools=[CLOCK])["messages"]
        sent = said["tool_calls"][0]
        self.assertEqual(sent["function"]["arguments"], '{"unreadable":"{\\"zone\\": \\"U"}')
        self.assertEqual(sent["id"], result["tool_call_id"])
        self.assertRegex(sent["id"], "^call_[0-9a-f]{24}$")

    def test_longest_answer(self) -> None:
        how = ModelSettings(max_tokens=1000)
        self.assertNotIn("max_tokens", body_of(API))
        self.assertEqual(body_of(API, how=how)["max_tokens"], 1000)
        self.assertEqual(body_of(API, how=how, max_tokens=50)["max_tokens"], 50)
        self.assertEqual(body_of(API, how=how, max_tokens=5000)["max_tokens"], 1000)
        home = body_of(API, how=how, base_url="https://api.openai.com/v1")
        self.assertEqual(home["max_completion_tokens"], 1000)
        compat = Compat(max_tokens_field="max_completion_tokens")
        other = body_of(API, how=ModelSettings(max_tokens=7, compat=compat))
        self.assertEqual(other["max_completion_tokens"], 7)
        given = ModelSettings(params={"maxTokens": 9})
        self.assertEqual(body_of(API, how=given)["max_tokens"], 9)

    def test_params_go_in_as_they_are(self) -> None:
        how = ModelSettings(params={"temperature": 0.5, "maxTokens": 5, "cacheRetention": "long"})
        body = body_of(API, how=how)
        self.assertEqual((body["temperature"], body["max_tokens"]), (0.5, 5))
        self.assertNotIn("maxTokens", body)
        self.assertNotIn("cacheRetention", body)

    def test_compat(self) -> None:
        body = body_of(
            API,
            system="s",
            turns=[*TURNS[:4], Turn("user", "and?")],
            tools=[CLOCK],
            how=ModelSettings(
                compat=Compat(
                    supports_developer_role=True,
                    supports_usage_in_streaming=False,
                    requires_tool_result_name=True,
                    requires_assistant_after_tool_result=True,
                )
            ),
        )
        self.assertNotIn("stream_options", body)
        messages = body["messages"]
        self.assertEqual(messages[0]["role"], "developer")
        self.assertEqual([m.get("name") for m in messages if m["role"] == "tool"], ["clock"] * 2)
        self.assertEqual(messages[-2], {"role": "assistant", "content": GO_ON})

    def test_thinking(self) -> None:
        for level, compat, expected in [
            ("high", Compat(), {"reasoning_effort": "high"}),
            ("off", Compat(), {}),
            ("", Compat(), {}),
            ("off", Compat(reasoning_effort_map={"off": "none"}), {"reasoning_effort": "none"}),
            ("high", Compat(supports_reasoning_effort=False), {}),
            ("low", Compat(thinking_format="openrouter"), {"reasoning": {"effort": "low"}}),
            ("off", Compat(thinking_format="openrouter"), {"reasoning": {"enabled": False}}),
            ("low", Compat(thinking_format="zai"), {"thinking": {"type": "enabled"}}),
            (
                "low",
                Compat(thinking_format="deepseek"),
                {"thinking": {"type": "enabled"}, "reasoning_effort": "low"},
            ),
            ("off", Compat(thinking_format="qwen"), {"enable_thinking": False}),
            (
                "high",
                Compat(thinking_format="qwen-chat-template"),
                {"chat_template_kwargs": {"enable_thinking": True}},
            ),
            ("high", Compat(thinking_format="new"), {"reasoning_effort": "high"}),
        ]:
            body = body_of(API, thinking=level, how=ModelSettings(compat=compat))
            plain = body_of(API)
            more = {name: body[name] for name in body if name not in plain}
            self.assertEqual(more, expected, (level, compat))
        plain_model = evolve(MODEL, reasoning=False)
        self.assertNotIn("reasoning_effort", body_of(API, model=plain_model, thinking="high"))

    def test_thoughts_go_back_within_a_run_and_under_their_name(self) -> None:
        events = sse(
            delta(reasoning="Which zone?"),
            call(0, "call_1", "clock", '{"zone":"UTC"}'),
            delta("tool_calls"),
            "[DONE]",
        )
        outcome = read(API, events).outcome
        turns = [
            Turn("user", "time?"),
            Turn("assistant", "", calls=outcome.calls, thinking=outcome.thinking),
            Turn("tool", "12:00", call_id="call_1"),
        ]
        said = body_of(API, turns=turns, tools=[CLOCK])["messages"][1]
        self.assertEqual(said["reasoning"], "Which zone?")
        later = body_of(API, turns=[*turns, Turn("user", "so?")], tools=[CLOCK])["messages"][1]
        self.assertNotIn("reasoning", later)
        other = evolve(MODEL, id="mock-2")
        said = body_of(API, turns=turns, tools=[CLOCK], model=other)["messages"][1]
        self.assertNotIn("reasoning", said)

    def test_what_a_server_sends_beside_a_call_goes_back_beside_it(self) -> None:
        extra = {"google": {"thought_signature": "sig"}}
        asked = call(0, "a", "clock", "{}")
        asked["choices"][0]["delta"]["tool_calls"][0]["extra_content"] = extra
        outcome = read(API, sse(asked, call(1, "b", "clock", "{}"), delta("stop"))).outcome
        turns = [
            Turn("user", "time?"),
            Turn("assistant", "", calls=outcome.calls, thinking=outcome.thinking),
            Turn("tool", "12:00", call_id="a"),
        ]
        said = body_of(API, turns=turns, tools=[CLOCK])["messages"][1]
        first, second = said["tool_calls"]
        self.assertEqual(first["extra_content"], extra)
        self.assertEqual(set(second), {"id", "type", "function"})
        self.assertEqual(set(said), {"role", "content", "tool_calls"})
        other = evolve(MODEL, id="mock-2")
        said = body_of(API, turns=turns, tools=[CLOCK], model=other)["messages"][1]
        self.assertNotIn("extra_content", said["tool_calls"][0])


class AnswerTests(SynchronousTestCase):
    """What is read of an answer."""

    def test_text_in_its_forms(self) -> None:
        for choice, text in [
            ({"delta": {"content": "a"}}, "a"),
            ({"delta": {"role": "assistant", "content": None}}, ""),
            ({"delta": {"content": [{"type": "text", "text": "a"}, {"type": "x"}]}}, "a"),
            ({"delta": {"reasoning_content": "hm"}}, ""),
            ({"delta": {"refusal": "no"}}, "no"),
            ({"message": {"content": "a"}}, "a"),
            ({}, ""),
        ]:
            heard = read(API, sse({"choices": [choice], "more": [1]}, "[DONE]"))
            self.assertEqual(heard.outcome.text, text, choice)

    def test_what_is_no_chunk(self) -> None:
        for data in (
            b"{",
            b"hello",
            b"[]",
            b'{"choices":7}',
            b'{"choices":[{"delta":1}]}',
            b"\xff",
            b"[" * 100_000,
        ):
            self.assertRaises(NotAnAnswer, decode_chunk, data)

    def test_thoughts_are_told_apart(self) -> None:
        for field in ("reasoning_content", "reasoning"):
            data = sse(delta(**{field: "hm"}), delta(content="yes"), delta("stop"), "[DONE]")
            heard = read(API, data)
            self.assertEqual((heard.thoughts, heard.outcome.text), (["hm"], "yes"), field)
        settings = sse(delta(content="yes", reasoning={"effort": "low"}), "[DONE]")
        self.assertEqual(read(API, settings).outcome.text, "yes")

    def test_usage_with_cache(self) -> None:
        for counted in (
            {"prompt_tokens_details": {"cached_tokens": 30}},
            {"prompt_cache_hit_tokens": 30},
        ):
            usage = {"prompt_tokens": 100, "completion_tokens": 5, **counted}
            heard = read(API, sse(delta("stop", content="a"), {"choices": [], "usage": usage}))
            self.assertEqual(heard.outcome.usage, Usage(70, 5, cache_read=30))

    def test_odd_figures_do_not_cost_the_answer(self) -> None:
        for usage, counted in [
            ({"prompt_tokens": 7.0, "completion_tokens": 3.0}, Usage(7, 3)),
            ({"prompt_tokens": "7", "completion_tokens": 3}, Usage()),
            ([1, 2], Usage()),
            ("none", Usage()),
            (None, Usage()),
        ]:
            outcome = read(API, sse({**delta("stop", content="a"), "usage": usage})).outcome
            self.assertEqual((outcome.text, outcome.usage), ("a", counted), usage)

    def test_stop_reasons(self) -> None:
        for word, reason in [
            ("stop", "stop"),
            ("eos", "stop"),
            ("length", "length"),
            ("odd", "odd"),
        ]:
            self.assertEqual(read(API, sse(delta(word, content="a"))).outcome.stop_reason, reason)

    def test_error_in_the_stream(self) -> None:
        for error, kind in [
            ({"message": "slow down", "code": "rate_limit_exceeded"}, "rate_limit"),
            ({"message": "slow down", "type": "server_error"}, "overloaded"),
            ({"message": "slow down", "code": 500}, "stream"),
            ("slow down", "stream"),
        ]:
            data = sse(delta(content="a"), {"error": error})
            with self.assertRaisesRegex(BrokenAnswer, "slow down") as caught:
                read(API, data)
            self.assertEqual(caught.exception.kind, kind, error)


class CallTests(SynchronousTestCase):
    """Calls, in every way that servers write them."""

    def calls(self, *events: Any, finish: str = "tool_calls") -> list[tuple[str, str, str]]:
        for step in (1, 5, 1 << 20):
            outcome = read(API, sse(*events, delta(finish), "[DONE]"), step=step).outcome
            found = [(one.id, one.name, one.arguments) for one in outcome.calls]
        self.assertEqual(outcome.stop_reason, "tool_calls" if found else "stop")
        return found

    def test_pieces_by_index_and_parallel(self) -> None:
        found = self.calls(
            call(0, "a", "clock", ""),
            call(0, None, None, '{"zone"'),
            call(1, "b", "stop_watch", '{"n'),
            call(0, None, None, ':"UTC"}'),
            call(1, None, None, '":1}'),
        )
        self.assertEqual(found, [("a", "clock", '{"zone":"UTC"}'), ("b", "stop_watch", '{"n":1}')])

    def test_whole_calls_that_all_have_the_number_0(self) -> None:
        expected = [("a", "clock", '{"z":1}'), ("b", "clock", '{"z":2}')]
        for numbers in ((0, 0), (None, None), (0, 1)):
            first = call(numbers[0], "a", "clock", '{"z":1}')
            second = call(numbers[1], "b", "clock", '{"z":2}')
            self.assertEqual(self.calls(first, second), expected, numbers)
            both = first["choices"][0]["delta"]["tool_calls"]
            both = both + second["choices"][0]["delta"]["tool_calls"]
            self.assertEqual(self.calls(delta(tool_calls=both)), expected, numbers)

    def test_missing_ids_are_made_and_differ(self) -> None:
        first, second = self.calls(
            call(0, None, "clock", '{"z":1}'), call(0, None, "clock", '{"z":2}')
        )
        self.assertEqual((first[2], second[2]), ('{"z":1}', '{"z":2}'))
        self.assertRegex(first[0], "^call_[0-9a-f]{24}$")
        self.assertNotEqual(first[0], second[0])

    def test_calls_that_share_an_id_are_told_apart(self) -> None:
        first, second = self.calls(call(0, "a", "clock", "{}"), call(1, "a", "stop_watch", "{}"))
        self.assertEqual((first[:2], second[1]), (("a", "clock"), "stop_watch"))
        self.assertRegex(second[0], "^call_[0-9a-f]{24}$")

    def test_id_and_name_in_every_piece(self) -> None:
        found = self.calls(call(0, "a", "clock", '{"z"'), call(0, "a", "clock", ":1}"))
        self.assertEqual(found, [("a", "clock", '{"z":1}')])

    def test_arguments_that_are_an_object_or_nothing(self) -> None:
        self.assertEqual(self.calls(call(0, "a", "clock", {"z": 1})), [("a", "clock", '{"z":1}')])
        self.assertEqual(self.calls(call(0, "a", "clock", "")), [("a", "clock", "{}")])
        self.assertEqual(self.calls(call(0, "a", "clock", None)), [("a", "clock", "{}")])

    def test_finish_reasons_that_do_not_say_tool_calls(self) -> None:
        whole = call(0, "a", "clock", "{}")
        for finish in ("stop", "function_call", "tool_use"):
            self.assertEqual(len(self.calls(whole, finish=finish)), 1, finish)
        self.assertEqual(self.calls(delta(content="x"), finish="tool_calls"), [])

    def test_half_a_call_is_none(self) -> None:
        half = sse(delta(content="Hm"), call(0, "a", "clock", ""), delta("length"), "[DONE]")
        outcome = read(API, half).outcome
        self.assertEqual((outcome.calls, outcome.stop_reason, outcome.text), ((), "length", "Hm"))
        self.assertRaises(BrokenAnswer, read, API, sse(call(0, "a", "clock", ""), delta("length")))
        self.assertRaises(BrokenAnswer, read, API, sse(call(0, "a", "clock", "{}")))

    def test_a_whole_document(self) -> None:
        document = (
            b'{"choices":[{"message":{"content":null,"tool_calls":[{"id":"a","type":"function",'
            b'"function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}'
        )
        outcome = read(API, document).outcome
        self.assertEqual(outcome.calls, (ToolCall(id="a", name="clock"),))

    def test_calls_without_end(self) -> None:
        many = [call(number, f"c{number}", "clock", "{}") for number in range(300)]
        with self.assertRaisesRegex(BrokenAnswer, "256 tools"):
            read(API, sse(*many))

    def test_ids_differ_from_round_to_round(self) -> None:
        data = sse(call(0, None, "clock", "{}"), delta("stop"))
        first = read(API, data).outcome.calls[0].id
        longer = evolve(REQUEST, turns=[*REQUEST.turns, Turn("user", "again")])
        self.assertNotEqual(read(API, data, longer).outcome.calls[0].id, first)
