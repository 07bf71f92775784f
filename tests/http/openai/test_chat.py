"""Chat completions: what the model is shown, what comes back, where it is kept."""

from typing import Any

from openclaw.interfaces.conversations import Input
from tests.attacks.live import TOKEN
from tests.http.openai.rig import CHAT, PNG, RESPONSES, ProgramsCase, chat

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


class PlainTests(ProgramsCase):
    """One request, one answer."""

    async def test_an_answer(self) -> None:
        reply = await self.chat()
        self.assertEqual(reply.status, 200)
        found = reply.document
        self.assertTrue(found["id"].startswith("chatcmpl-"))
        self.assertEqual((found["object"], found["model"]), ("chat.completion", "openclaw"))
        (choice,) = found["choices"]
        self.assertEqual((choice["index"], choice["finish_reason"]), (0, "stop"))
        self.assertEqual(choice["message"]["role"], "assistant")
        self.assertEqual(reply.text, "Hello from the mock model.")
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        self.assertEqual(found["usage"], usage)

    async def test_a_stream(self) -> None:
        asked = chat("[chunks=3 delay=50]", stream=True, stream_options={"include_usage": True})
        reply = await self.ask(CHAT, asked)
        self.assertTrue(reply.headers["content-type"].startswith("text/event-stream"))
        *events, done = reply.events
        self.assertEqual(done, "[DONE]")
        deltas = [one["choices"][0]["delta"] for one in events[:-1]]
        self.assertEqual(deltas[0], {"role": "assistant", "content": ""})
        self.assertEqual([one["content"] for one in deltas[1:-1]], ["w1", " w2", " w3"])
        self.assertEqual(deltas[-1], {})
        self.assertEqual(events[-2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual((events[-1]["choices"], events[-1]["usage"]["total_tokens"]), ([], 15))
        self.assertEqual(len({one["id"] for one in events}), 1)

    async def test_a_stream_without_figures(self) -> None:
        *events, _ = (await self.ask(CHAT, chat(stream=True))).events
        self.assertTrue(all(one["choices"] for one in events))

    async def test_what_the_model_is_shown(self) -> None:
        messages: list[Any] = [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "first", "name": "ada"},
            {"role": "assistant", "content": [{"type": "text", "text": "one"}]},
            {"role": "developer", "content": [{"type": "text", "text": "be kind"}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "second"},
                    {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
                ],
            },
        ]
        asked = {
            "model": "openclaw/main",
            "messages": messages,
            "temperature": 0.5,
            "top_p": 0.9,
            "max_tokens": 77,
            "stop": "END",
            "seed": 3,
            "presence_penalty": 1,
        }
        self.assertEqual((await self.ask(CHAT, asked)).status, 200)
        seen = self.model.asked[-1]
        system, *said = self.roles()
        self.assertEqual(system[0], "system")
        self.assertIn("be brief\n\nbe kind", system[1])
        self.assertEqual(said[:2], [("user", "ada: first"), ("assistant", "one")])
        text, image = said[2][1]
        self.assertEqual((text["text"], image["image_url"]["url"]), ("second", PNG))
        self.assertEqual((seen["temperature"], seen["top_p"], seen["max_tokens"]), (0.5, 0.9, 77))
        self.assertEqual((seen["stop"], seen["seed"], seen["presence_penalty"]), (["END"], 3, 1))


class ToolTests(ProgramsCase):
    """Tools of the program's own, there and back."""

    async def test_round_trip(self) -> None:
        asked = chat('[call=clock {"zone":"UTC"}]', tools=[TOOL], tool_choice="required")
        reply = await self.ask(CHAT, asked)
        (choice,) = reply.document["choices"]
        self.assertEqual(choice["finish_reason"], "tool_calls")
        (call,) = choice["message"]["tool_calls"]
        self.assertEqual(call["function"], {"name": "clock", "arguments": '{"zone":"UTC"}'})
        self.assertEqual(self.model.asked[-1]["tool_choice"], "required")
        messages = [
            *asked["messages"],
            choice["message"],
            {"role": "tool", "tool_call_id": call["id"], "content": "noon"},
        ]
        again = await self.ask(CHAT, {**asked, "messages": messages, "tool_choice": "auto"})
        self.assertEqual(again.text, "The tool said: noon")
        self.assertNotIn("tool_choice", self.model.asked[-1])

    async def test_streamed(self) -> None:
        text = "[call=clock {}] [call=clock {}]"
        *events, _ = (await self.ask(CHAT, chat(text, tools=[TOOL], stream=True))).events
        deltas = [one["choices"][0] for one in events]
        (calls,) = [one["delta"]["tool_calls"] for one in deltas if "tool_calls" in one["delta"]]
        self.assertEqual([one["index"] for one in calls], [0, 1])
        self.assertEqual(deltas[-1]["finish_reason"], "tool_calls")
        said = "".join(one["delta"].get("content") or "" for one in deltas)
        self.assertEqual(said, "Let me see.")

    async def test_the_one_that_has_to_be_used(self) -> None:
        choice = {"type": "function", "function": {"name": "clock"}}
        other = {"type": "function", "function": {"name": "other"}}
        await self.ask(CHAT, chat("[call=clock]", tools=[TOOL, other], tool_choice=choice))
        self.assertEqual(self.model.asked[-1]["tool_choice"], choice)
        self.assertIn("clock", self.model.seen[-1]["tools"])
        self.assertNotIn("other", self.model.seen[-1]["tools"])

    async def test_none(self) -> None:
        await self.ask(CHAT, chat(tools=[TOOL], tool_choice="none"))
        self.assertNotIn("clock", self.model.seen[-1]["tools"])


class SessionTests(ProgramsCase):
    """Which session a request belongs to."""

    def keys(self) -> list[str]:
        return sorted(row.key for row in self.parts.conversations.recent(100))

    async def test_each_is_one_of_its_own(self) -> None:
        await self.chat("one")
        await self.chat("two")
        keys = self.keys()
        self.assertEqual(len(set(keys)), 2)
        self.assertTrue(all(key.startswith("agent:main:openai:") for key in keys), keys)
        self.assertEqual(self.roles(), [("user", "two")])

    async def test_a_user_has_one(self) -> None:
        await self.chat("one", user="ada@example.com")
        await self.chat("two", user="ada@example.com")
        self.assertEqual(self.keys(), ["agent:main:openai-user:ada@example.com"])
        said = [("user", "one"), ("assistant", "Hello from the mock model."), ("user", "two")]
        self.assertEqual(self.roles(), said)

    async def test_a_user_of_any_name(self) -> None:
        for user in ("conv:1/2 ä", "../../etc", "sha256-x", "x" * 1000):
            self.assertEqual((await self.chat(user=user)).status, 200, user)
        keys = self.keys()
        self.assertEqual(len(keys), 4)
        self.assertTrue(all(":openai-user:sha256-" in key for key in keys), keys)

    async def test_the_header_names_any(self) -> None:
        for named in ("main", "agent:main:main"):
            reply = await self.ask(CHAT, chat(user="x"), x_openclaw_session_key=named)
            self.assertEqual(reply.status, 200)
        self.assertEqual(self.keys(), ["agent:main:main"])

    async def test_keys_that_are_not_for_programs(self) -> None:
        for named in (
            "agent:main:cron:1",
            "subagent:x",
            "acp:1",
            "agent:other:main",
            "a b",
            "..",
            "agent:main",
        ):
            reply = await self.ask(CHAT, chat(), x_openclaw_session_key=named)
            self.assertEqual((reply.status, reply.error["type"]), (400, "invalid_request_error"))

    async def test_the_conversation_of_the_program_is_not_told_twice(self) -> None:
        await self.chat("one", user="ada")
        messages = [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": "two"},
        ]
        await self.ask(CHAT, {"model": "openclaw", "user": "ada", "messages": messages})
        self.assertEqual(self.roles(), [("user", "one"), ("assistant", "1"), ("user", "two")])


class RefusalTests(ProgramsCase):
    """What is not done, in the words that clients read."""

    async def refused(self, body: Any, param: str = "", status: int = 400) -> Any:
        reply = await self.ask(CHAT, body)
        self.assertEqual(reply.status, status, reply.body)
        error = reply.error
        self.assertEqual(sorted(error), ["code", "message", "param", "type"])
        if param:
            self.assertEqual(error["param"], param)
        return error

    async def test_bodies(self) -> None:
        for body in (b"", b"{", b"[]", b"\xff", b"null", b'"x"', b"{}", b"[" * 20_000):
            await self.refused(body)

    async def test_fields(self) -> None:
        for param, more in (
            ("n", {"n": 2}),
            ("response_format.type", {"response_format": {"type": "xml"}}),
            (
                "response_format.json_schema",
                {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
            ),
            (
                "response_format.json_schema.name",
                {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}},
            ),
            ("logprobs", {"logprobs": True}),
            ("logit_bias", {"logit_bias": {"1": 1}}),
            ("modalities", {"modalities": ["text", "audio"]}),
            ("functions", {"functions": [{}]}),
            ("temperature", {"temperature": 2.5}),
            ("max_tokens", {"max_tokens": 0}),
            ("stop", {"stop": ["1", "2", "3", "4", "5"]}),
            ("tools", {"tools": [TOOL, TOOL]}),
            ("tool_choice", {"tool_choice": "required"}),
            ("messages", {"messages": []}),
            ("messages", {"messages": [{"role": "system", "content": "x"}]}),
            ("messages", {"messages": [{"role": "user", "content": " "}]}),
            ("messages", {"messages": [USER, {"role": "assistant", "content": "x"}]}),
            ("messages", {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}),
        ):
            await self.refused(chat(**more), param)
        self.assertEqual(self.model.seen, [])

    async def test_images(self) -> None:
        for url in (
            "https://127.0.0.1/x.png",
            "data:image/png;base64,!",
            "data:text/html;base64,QQ==",
            "",
        ):
            part = {"type": "image_url", "image_url": {"url": url}}
            messages = [{"role": "user", "content": [part]}]
            await self.refused(chat(messages=messages), "messages[0].content")

    async def test_models(self) -> None:
        for model in ("gpt-4", "openclaw/none", "openclaw/", "mock/mock-1", "main"):
            error = await self.refused(chat(model=model), "model")
            self.assertEqual(error["code"], "model_not_found")
        for model in (
            "openclaw",
            "openclaw/default",
            "openclaw/main",
            "openclaw:main",
            "agent:main",
        ):
            self.assertEqual((await self.chat(model=model)).status, 200)

    async def test_agents_by_header(self) -> None:
        for wanted, status in (("main", 200), ("other", 400)):
            reply = await self.ask(CHAT, chat(), x_openclaw_agent_id=wanted)
            self.assertEqual(reply.status, status)

    async def test_another_model_than_the_agents(self) -> None:
        reply = await self.ask(CHAT, chat(), x_openclaw_model="mock/mock-2")
        self.assertEqual(reply.status, 400)

    async def test_what_became_of_the_model(self) -> None:
        for text, status in (("[error=400]", 400), ("[error=401]", 502), ("[reset]", 502)):
            await self.refused(chat(text), status=status)

    async def test_a_stream_that_never_began(self) -> None:
        await self.refused(chat("[error=400]", stream=True), status=400)


class DeadlineTests(ProgramsCase):
    """Runs that take too long."""

    def configure(self) -> Any:
        found = dict(super().configure())
        found["agents"]["defaults"]["timeoutSeconds"] = 1
        return found

    async def test_a_whole_answer(self) -> None:
        reply = await self.chat("[hang]")
        self.assertEqual((reply.status, reply.error["type"]), (504, "timeout"))

    async def test_a_stream_breaks_off(self) -> None:
        for path, body in (
            (CHAT, chat("[slow]", stream=True)),
            (RESPONSES, {"model": "openclaw", "input": "[slow]", "stream": True}),
        ):
            reply = await self.ask(path, body)
            self.assertEqual(reply.status, 200)
            *_, last, done = reply.events
            error = last["error"] if path == CHAT else last["response"]["error"]
            self.assertEqual(error.get("type") or error["code"], "timeout")
            self.assertEqual(done, "[DONE]")
            self.assertEqual(self.model.seen[-1]["outcome"], "caller left")


class FormTests(ProgramsCase):
    """Answers in JSON, where the model's API knows of it."""

    async def test_the_model_is_asked_as_the_program_asked(self) -> None:
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
        form = {"type": "json_schema", "json_schema": {"name": "found", "schema": schema}}
        for asked in ({"type": "json_object"}, form):
            reply = await self.chat('[echo] {"a": 1}', response_format=asked)
            self.assertEqual((reply.status, reply.text), (200, '{"a": 1}'))
            self.assertEqual(self.model.asked[-1]["response_format"], asked)
        await self.chat(response_format={"type": "text"})
        self.assertNotIn("response_format", self.model.asked[-1])


class FormlessTests(ProgramsCase):
    """A model whose API knows of no forms."""

    def configure(self) -> Any:
        found = dict(super().configure())
        found["models"]["providers"]["mock"]["api"] = "anthropic-messages"
        return found

    async def test_it_is_refused_and_not_ignored(self) -> None:
        flat = {"text": {"format": {"type": "json_object"}}}
        for path, body, param in (
            (CHAT, chat(response_format={"type": "json_object"}), "response_format"),
            (RESPONSES, {"model": "openclaw", "input": "hi", **flat}, "text"),
        ):
            reply = await self.ask(path, body)
            error = reply.error
            self.assertEqual(
                (reply.status, error["code"], error["param"]), (400, "unsupported_value", param)
            )
        self.assertEqual(self.model.seen, [])


class TextModelTests(ProgramsCase):
    def configure(self) -> Any:
        found = dict(super().configure())
        found["models"]["providers"]["mock"]["models"][0]["input"] = ["text"]
        return found

    async def test_images_that_nobody_would_see(self) -> None:
        part = {"type": "image_url", "image_url": {"url": PNG}}
        reply = await self.chat(messages=[{"role": "user", "content": [part]}])
        self.assertEqual((reply.status, reply.error["code"]), (400, "images_not_supported"))


class AuthorityTests(ProgramsCase):
    """The run has the rights of whoever asked."""

    async def test_the_owner(self) -> None:
        said: list[Input] = []
        run = self.parts.runs.run

        def noted(entry: Input) -> Any:
            said.append(entry)
            return run(entry)

        self.patch(self.parts.runs, "run", noted)
        await self.chat()
        reply = await self.ask(CHAT, chat(), Authorization=f"Bearer {TOKEN}x")
        self.assertEqual(reply.status, 401)
        (entry,) = said
        self.assertTrue(entry.owner)
        self.assertIn("operator.admin", entry.scopes)
