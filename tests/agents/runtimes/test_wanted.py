"""How a program wants a model to answer, in the words of each API."""

import json
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.wanted import (
    completions_wanted,
    messages_wanted,
    responses_wanted,
)
from openclaw.interfaces.agents import AnswerForm, RunRequest, Sampling
from tests.agents.runtimes.asking import CLOCK, REQUEST

WARM = Sampling(
    temperature=1.5,
    top_p=0.9,
    frequency_penalty=1.0,
    presence_penalty=-1.0,
    seed=7,
    stop=("END",),
)


def asked(sampling: Sampling = WARM, choice: str = "") -> RunRequest:
    return evolve(REQUEST, sampling=sampling, tools=(CLOCK,), tool_choice=choice)


class WantedTests(SynchronousTestCase):
    def test_nothing_is_said_of_what_nobody_wants(self) -> None:
        request = asked(Sampling())
        for found in (
            completions_wanted(request),
            responses_wanted(request),
            messages_wanted(request, thinks=False),
        ):
            self.assertEqual(found, {})

    def test_forms(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        form = AnswerForm(name="found", schema=schema, strict=True)
        wanted = {"name": "found", "schema": schema, "strict": True}
        for one, inside, flat in (
            (AnswerForm(), {"type": "json_object"}, {"type": "json_object"}),
            (
                form,
                {"type": "json_schema", "json_schema": wanted},
                {"type": "json_schema", **wanted},
            ),
        ):
            request = asked(Sampling(form=one))
            self.assertEqual(completions_wanted(request), {"response_format": inside})
            self.assertEqual(responses_wanted(request), {"text": {"format": flat}})

    def test_completions(self) -> None:
        found = completions_wanted(asked())
        self.assertEqual(found.pop("stop"), ["END"])
        self.assertEqual(
            found,
            {
                "temperature": 1.5,
                "top_p": 0.9,
                "frequency_penalty": 1.0,
                "presence_penalty": -1.0,
                "seed": 7,
            },
        )

    def test_responses_know_less(self) -> None:
        self.assertEqual(responses_wanted(asked()), {"temperature": 1.5, "top_p": 0.9})

    def test_messages_have_other_words_and_bounds(self) -> None:
        found = messages_wanted(asked(), thinks=False)
        self.assertEqual(found, {"temperature": 1.0, "stop_sequences": ["END"]})
        cold = messages_wanted(asked(Sampling(top_p=0.5)), thinks=False)
        self.assertEqual(cold, {"top_p": 0.5})

    def test_a_model_that_thinks_is_told_less(self) -> None:
        found = messages_wanted(asked(choice="required"), thinks=True)
        self.assertEqual(found, {"stop_sequences": ["END"]})

    def test_tools_that_have_to_be_used(self) -> None:
        def choices(choice: str) -> list[Any]:
            request = asked(Sampling(), choice)
            return [
                completions_wanted(request)["tool_choice"],
                responses_wanted(request)["tool_choice"],
                messages_wanted(request, thinks=False)["tool_choice"],
            ]

        self.assertEqual(choices("required"), ["required", "required", {"type": "any"}])
        name = CLOCK.name
        self.assertEqual(
            choices(f"only {name}"),
            [
                {"type": "function", "function": {"name": name}},
                {"type": "function", "name": name},
                {"type": "tool", "name": name},
            ],
        )

    def test_without_tools_there_is_no_choice(self) -> None:
        request = evolve(asked(Sampling(), "required"), tools=())
        self.assertEqual(json.dumps(completions_wanted(request)), "{}")
