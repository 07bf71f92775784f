"""What the gateway sends is what the official clients could send."""

from typing import Any

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.server import dialect_of
from openclaw.interfaces.agents import Turn
from tests.agents.runtimes import test_messages, test_responses
from tests.agents.runtimes.asking import CLOCK, PICTURE, TURNS, body_of, read, sse
from tests.standins.parameters import TYPES, judge

STREAMS = {
    "openai-responses": test_responses.TOOL_STREAM,
    "anthropic-messages": test_messages.TOOL_STREAM,
}


class ParametersTests(SynchronousTestCase):
    """Every kind of turn, in every API."""

    def test_everything_at_once(self) -> None:
        for api in TYPES:
            for changes in (
                {"turns": TURNS, "tools": [CLOCK], "system": "s", "max_tokens": 4000},
                {"turns": TURNS, "tools": [CLOCK], "thinking": "high"},
                {"turns": TURNS, "thinking": "off"},
            ):
                judge(api, body_of(dialect_of(api), **changes))

    def test_thoughts_and_pictures_on_their_way_back(self) -> None:
        for api, stream in STREAMS.items():
            outcome = read(dialect_of(api), sse(*stream)).outcome
            said = Turn("assistant", outcome.text, calls=outcome.calls, thinking=outcome.thinking)
            results = [Turn("tool", "", (PICTURE,), call_id=call.id) for call in outcome.calls]
            turns = [Turn("user", "time?"), said, *results, Turn("user", "so?")]
            judge(api, body_of(dialect_of(api), turns=turns, tools=[CLOCK]))

    def test_the_judge_refuses_what_is_not_the_apis(self) -> None:
        for api in TYPES:
            good: dict[str, Any] = body_of(dialect_of(api), turns=TURNS, tools=[CLOCK])
            name = "input" if api == "openai-responses" else "messages"
            for bad in (
                {**good, "sparkles": 1},
                {**good, name: [*good[name], {"role": "tool"}]},
                {**good, name: [*good[name], {"role": "user", "content": [{"type": "odd"}]}]},
                {**good, "tools": [{"name": 7}]},
            ):
                self.assertRaises(ValidationError, judge, api, bad)
