"""Responses: whole and in events, gone on from, with tools."""

from typing import Any

from tests.http.openai.rig import PNG, RESPONSES, ProgramsCase, Reply

TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class ResponsesCase(ProgramsCase):
    async def respond(self, given: Any = "hi", **more: Any) -> Reply:
        return await self.ask(RESPONSES, {"model": "openclaw", "input": given, **more})

    def words(self, reply: Reply) -> str:
        found = [one for one in reply.document["output"] if one["type"] == "message"]
        return str(found[0]["content"][0]["text"])


class ResponseTests(ResponsesCase):
    async def test_an_answer(self) -> None:
        reply = await self.respond(instructions="be brief", metadata={"a": "b"})
        found = reply.document
        self.assertEqual(
            (reply.status, found["status"], found["object"]), (200, "completed", "response")
        )
        self.assertEqual(self.words(reply), "Hello from the mock model.")
        self.assertEqual((found["usage"]["input_tokens"], found["usage"]["output_tokens"]), (10, 5))
        self.assertEqual(found["metadata"], {"a": "b"})
        self.assertIn(("system", "be brief"), [(role, text) for role, text in self.roles()])

    async def test_events(self) -> None:
        *events, done = (await self.respond("[chunks=2 delay=50]", stream=True)).events
        self.assertEqual(done, "[DONE]")
        self.assertEqual([one["type"] for one in events], EVENTS)
        self.assertEqual([one["sequence_number"] for one in events], list(range(len(events))))
        self.assertEqual("".join(one.get("delta", "") for one in events), "w1 w2")
        self.assertEqual(events[-1]["response"]["output"][0]["content"][0]["text"], "w1 w2")

    async def test_items(self) -> None:
        given = [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": "one"},
            {"type": "reasoning", "id": "r", "summary": []},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "1"}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "two"},
                    {"type": "input_image", "image_url": PNG},
                ],
            },
        ]
        self.assertEqual((await self.respond(given)).status, 200)
        system, one, answer, two = self.roles()
        self.assertEqual(
            (system, one, answer), (("system", "be kind"), ("user", "one"), ("assistant", "1"))
        )
        self.assertEqual(two[1][1]["image_url"]["url"], PNG)

    async def test_tools(self) -> None:
        first = await self.respond('[call=clock {"zone":"UTC"}]', tools=[TOOL])
        message, call = first.document["output"]
        self.assertEqual((message["type"], call["type"]), ("message", "function_call"))
        self.assertEqual((call["name"], call["arguments"]), ("clock", '{"zone":"UTC"}'))
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "noon"}
        previous = first.document["id"]
        second = await self.respond([result], tools=[TOOL], previous_response_id=previous)
        self.assertEqual(self.words(second), "The tool said: noon")
        given = [{"role": "user", "content": '[call=clock {"zone":"UTC"}]'}, call, result]
        whole = await self.respond(given, tools=[TOOL])
        self.assertEqual(self.words(whole), "The tool said: noon")
        third = await self.respond("more", tools=[TOOL], previous_response_id=second.document["id"])
        self.assertEqual(third.status, 200)
        self.assertEqual(
            [role for role, _ in self.roles()][-4:], ["assistant", "tool", "assistant", "user"]
        )

    async def test_tools_in_events(self) -> None:
        reply = await self.respond("[call=clock {}]", tools=[TOOL], stream=True)
        kinds = [one["type"] for one in reply.events[:-1]]
        self.assertIn("response.function_call_arguments.done", kinds)
        self.assertEqual(kinds[-1], "response.completed")
        last = reply.events[-2]["response"]["output"][-1]
        self.assertEqual((last["type"], last["name"]), ("function_call", "clock"))

    async def test_going_on(self) -> None:
        first = await self.respond("one")
        second = await self.respond("two", previous_response_id=first.document["id"])
        self.assertEqual(second.document["previous_response_id"], first.document["id"])
        self.assertEqual([text for _, text in self.roles()][-1], "two")
        self.assertEqual([role for role, _ in self.roles()], ["user", "assistant", "user"])

    async def test_what_is_not_served(self) -> None:
        for param, more in (
            ("previous_response_id", {"previous_response_id": "resp_" + "0" * 32}),
            ("previous_response_id", {"previous_response_id": "x"}),
            ("background", {"background": True}),
            ("conversation", {"conversation": "conv_1"}),
            ("prompt", {"prompt": {"id": "x"}}),
            ("text", {"text": {"format": {"type": "json_schema"}}}),
            ("tools[0].type", {"tools": [{"type": "web_search"}]}),
            ("input[0].type", {"input": [{"type": "item_reference", "id": "x"}]}),
            ("input[0].content", {"input": [{"role": "user"}]}),
            ("input", {"input": " "}),
        ):
            reply = await self.ask(RESPONSES, {"model": "openclaw", "input": "hi", **more})
            self.assertEqual(reply.status, 400, more)
            self.assertTrue(
                str(reply.error["param"] or reply.error["message"]).startswith(param)
                or param.split(".")[-1] in reply.error["message"],
                reply.error,
            )
