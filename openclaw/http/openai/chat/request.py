"""The body of ``POST /v1/chat/completions``, and the prompt it is."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from openclaw.http.openai.chat.messages import Message, system_of, turns_of
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.forms import ResponseFormat, form_of
from openclaw.http.openai.functions import MOST, Choice, Function, Name, offered
from openclaw.http.openai.limits import Penalty, Seed, Share, StopText, Temperature, Tokens
from openclaw.http.openai.prompt import Prompt, check_turns
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import Sampling


class Tool(Shape, frozen=True, kw_only=True):
    """A tool of the program's own."""

    type: Literal["function"]
    function: Function


class NamedFunction(Shape, frozen=True, kw_only=True):
    """The name of a tool."""

    name: Name


class NamedTool(Shape, frozen=True, kw_only=True):
    """The tool that the model has to use."""

    type: Literal["function"]
    function: NamedFunction


class StreamOptions(Shape, frozen=True, kw_only=True):
    """How an answer is streamed."""

    include_usage: bool | None = None


class ChatRequest(Shape, frozen=True, kw_only=True):
    """What is asked for; other fields of the API are hints that are not acted upon.

    :ivar max_tokens: the older name of ``max_completion_tokens``.
    :ivar user: names the session; without it the request is a session of its own.
    """

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[Message], Meta(min_length=1, max_length=4096)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Annotated[str, Meta(max_length=1024)] | None = None
    tools: Annotated[list[Tool], Meta(max_length=MOST)] | None = None
    tool_choice: Choice | NamedTool | None = None
    max_completion_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Seed | None = None
    stop: StopText | Annotated[list[StopText], Meta(max_length=4)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    functions: list[Any] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with what it cost."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def prompt(self) -> Prompt:
        """What a run takes of it.

        :raises Refused: something is asked for that is not served.
        """
        self._refuse_unserved()
        turns = turns_of(self.messages)
        check_turns(turns, "messages")
        choice = self.tool_choice
        tools, tool_choice = offered(
            [tool.function for tool in self.tools or ()],
            f"only {choice.function.name}" if isinstance(choice, NamedTool) else choice,
        )
        return Prompt(
            system=system_of(self.messages),
            turns=tuple(turns),
            tools=tools,
            tool_choice=tool_choice,
            max_tokens=self.max_completion_tokens or self.max_tokens or 0,
            sampling=self._sampling(),
        )

    def _sampling(self) -> Sampling:
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            frequency_penalty=self.frequency_penalty or None,
            presence_penalty=self.presence_penalty or None,
            seed=self.seed,
            stop=stop,
            form=form_of(self.response_format),
        )

    def _refuse_unserved(self) -> None:
        """What would change the answer and is not served is refused, never ignored."""
        unserved = {
            "n": self.n not in (None, 1),
            "logprobs": bool(self.logprobs),
            "logit_bias": bool(self.logit_bias),
            "modalities": "audio" in (self.modalities or ()),
            "functions": bool(self.functions),
        }
        for param, asked in unserved.items():
            if asked:
                raise Refused(
                    f"{param} with this value is not served",
                    param=param,
                    code="unsupported_value",
                )
