"""The official clients read what the stand-in says; what they read, the gateway reads too."""

import json
from typing import Any

import anthropic
import openai
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from openclaw.agents.runtimes.provider import ModelSettings, ProviderSettings
from openclaw.agents.runtimes.server import ServerRuntime
from openclaw.deferreds import deferred
from openclaw.errors import ModelError
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.agents import RunOutcome, Turn
from tests.agents.runtimes.asking import CLOCK, REQUEST
from tests.agents.runtimes.sink import Heard
from tests.http.upstream import Counting
from tests.standins.behaviour import MODEL, REPLY
from tests.standins.model import site

KEY = "sk-test"
TALK = '[think=which zone?] [call=clock {"zone":"UTC"}] [call=clock {}]'
CALLS = [("clock", '{"zone":"UTC"}'), ("clock", "{}")]
APIS = ("openai-completions", "openai-responses", "anthropic-messages")
FIGURES = (10, 5)

Read = tuple[str, list[tuple[str, str]], tuple[int, int]]
"""Text, calls, and tokens in and out."""


def compact(arguments: Any) -> str:
    """Arguments without the spaces that a client may put there."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return text.replace(" ", "")


class ClientCase(TestCase):
    """The stand-in on loopback, and everybody who can talk to it."""

    timeout = 120

    def setUp(self) -> None:
        clock: Any = reactor
        self.site = Counting(site(clock))
        self.port = clock.listenTCP(0, self.site, interface="127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port.getHost().port}"
        self.http = TreqOutbound(reactor)
        self.http.startService()
        self.addCleanup(self.stop)
        self.heard = Heard()

    @deferred
    async def stop(self) -> None:
        """End everything."""
        await self.http.stopService()
        await maybeDeferred(self.port.stopListening)
        await self.site.close()

    def openai(self) -> openai.OpenAI:
        """The official client."""
        return openai.OpenAI(api_key=KEY, base_url=f"{self.url}/v1", max_retries=0)

    def anthropic(self) -> anthropic.Anthropic:
        """The official client."""
        return anthropic.Anthropic(api_key=KEY, base_url=self.url, max_retries=0)

    def ours(self, api: str, text: str, **changes: Any) -> Deferred[RunOutcome]:
        """Run the gateway's runtime."""
        base = self.url if api == "anthropic-messages" else f"{self.url}/v1"
        settings = ProviderSettings(id="mock", base_url=base, api_key=KEY, api=api)
        clock: Any = reactor
        request = evolve(REQUEST, turns=[Turn("user", text)], tools=[CLOCK], **changes)
        return ServerRuntime(settings, self.http, clock).run(request, self.heard)

    def read(self, api: str, text: str, stream: bool) -> Read:
        """Read an answer with the official client; in a thread."""
        if api == "openai-completions":
            return read_completions(self.openai(), text, stream)
        if api == "openai-responses":
            return read_responses(self.openai(), text, stream)
        return read_messages(self.anthropic(), text, stream)


def read_completions(client: openai.OpenAI, text: str, stream: bool) -> Read:
    """Chat completions."""
    asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    if stream:
        options: Any = {"include_usage": True}
        with client.chat.completions.stream(**asked, stream_options=options) as events:
            events.until_done()
            whole: Any = events.get_final_completion()
    else:
        whole = client.chat.completions.create(**asked)
    message = whole.choices[0].message
    calls = [
        (call.function.name, compact(call.function.arguments)) for call in message.tool_calls or ()
    ]
    return message.content, calls, (whole.usage.prompt_tokens, whole.usage.completion_tokens)


def read_responses(client: openai.OpenAI, text: str, stream: bool) -> Read:
    """Responses."""
    asked: Any = {"model": MODEL, "input": text}
    if stream:
        with client.responses.stream(**asked) as events:
            for _ in events:
                pass
            whole: Any = events.get_final_response()
    else:
        whole = client.responses.create(**asked)
    calls = [
        (item.name, compact(item.arguments))
        for item in whole.output
        if item.type == "function_call"
    ]
    return whole.output_text, calls, (whole.usage.input_tokens, whole.usage.output_tokens)


def read_messages(client: anthropic.Anthropic, text: str, stream: bool) -> Read:
    """Messages."""
    asked: Any = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": text}],
    }
    if stream:
        with client.messages.stream(**asked) as events:
            whole: Any = events.get_final_message()
    else:
        whole = client.messages.create(**asked)
    words = "".join(block.text for block in whole.content if block.type == "text")
    calls = [
        (block.name, compact(block.input)) for block in whole.content if block.type == "tool_use"
    ]
    return words, calls, (whole.usage.input_tokens, whole.usage.output_tokens)


class JudgeTests(ClientCase):
    """The official clients and the gateway read the same."""

    async def test_every_api_streamed_and_whole(self) -> None:
        for api in APIS:
            for text, words, calls in [("hello", REPLY, []), (TALK, "Let me see.", CALLS)]:
                for stream in (True, False):
                    found: Read = await deferToThread(self.read, api, text, stream)
                    self.assertEqual(found, (words, calls, FIGURES), (api, text, stream))
                outcome = await self.ours(api, text)
                asked = [(call.name, call.arguments) for call in outcome.calls]
                usage = (outcome.usage.input, outcome.usage.output)
                self.assertEqual((outcome.text, asked, usage), (words, calls, FIGURES), api)

    async def test_refusals(self) -> None:
        kinds: Any = {
            "openai-completions": openai.RateLimitError,
            "openai-responses": openai.RateLimitError,
            "anthropic-messages": anthropic.RateLimitError,
        }
        for api, kind in kinds.items():
            for stream in (True, False):
                refused = deferToThread(self.read, api, "[error=429]", stream)
                await self.assertFailure(refused, kind)
            error: Any = await self.assertFailure(self.ours(api, "[error=429]"), ModelError)
            self.assertEqual(error.kind, "rate_limit", api)

    async def test_what_breaks_for_them_breaks_for_us(self) -> None:
        for api in APIS:
            for fault in ("[reset]", "[garbage]"):
                try:
                    await deferToThread(self.read, api, fault, True)
                except Exception:  # Which exception it is differs from client to client.
                    pass
                else:
                    self.fail(f"{api} {fault}")
                await self.assertFailure(self.ours(api, fault), ModelError)

    async def test_a_conversation_with_tools_from_question_to_answer(self) -> None:
        for api in APIS:
            self.heard = Heard()
            outcome = await self.ours(api, TALK)
            turns = [
                Turn("user", TALK),
                Turn("assistant", outcome.text, calls=outcome.calls, thinking=outcome.thinking),
                *(Turn("tool", f"12:0{n}", call_id=one.id) for n, one in enumerate(outcome.calls)),
            ]
            base = self.url if api == "anthropic-messages" else f"{self.url}/v1"
            how = {"mock-1": ModelSettings(api)}
            settings = ProviderSettings(id="mock", base_url=base, asked=how)
            clock: Any = reactor
            request = evolve(REQUEST, turns=turns, tools=[CLOCK])
            end = await ServerRuntime(settings, self.http, clock).run(request, self.heard)
            self.assertEqual((end.text, end.calls), ("The tool said: 12:00; 12:01", ()), api)
            self.assertTrue(outcome.thinking, api)
