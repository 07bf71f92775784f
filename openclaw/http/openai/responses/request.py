"""The body of ``POST /v1/responses``, and the prompt it is."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from openclaw.http.openai.errors import Refused
from openclaw.http.openai.forms import TextFormat, form_of
from openclaw.http.openai.functions import MOST, Choice, Function, Name, offered
from openclaw.http.openai.limits import Share, Temperature, Tokens
from openclaw.http.openai.prompt import Prompt, check_turns
from openclaw.http.openai.responses.items import read_items, system_of, turns_of
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import Sampling, Turn

MOST_ITEMS = 4096


class FunctionTool(Function, frozen=True, kw_only=True):
    """A tool of the program's own; no others are served."""

    type: Literal["function"]


class NamedFunctionTool(Shape, frozen=True, kw_only=True):
    """The tool that the model has to use."""

    type: Literal["function"]
    name: Name


class TextOptions(Shape, frozen=True, kw_only=True):
    """How the text of the answer shall be."""

    format: TextFormat | None = None


class ResponsesRequest(Shape, frozen=True, kw_only=True):
    """What is asked for; other fields of the API are hints that are not acted upon.

    :ivar input: words, or items; see :mod:`openclaw.http.openai.responses.items`.
    :ivar previous_response_id: the answer that this goes on from; of the last 24 hours.
    :ivar user: names the session; without it the request is a session of its own.
    """

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: (
        Annotated[str, Meta(min_length=1)]
        | Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MOST_ITEMS)]
    )
    instructions: str | None = None
    previous_response_id: Annotated[str, Meta(max_length=128)] | None = None
    stream: bool | None = None
    user: Annotated[str, Meta(max_length=1024)] | None = None
    tools: Annotated[list[FunctionTool], Meta(max_length=MOST)] | None = None
    tool_choice: Choice | NamedFunctionTool | None = None
    max_output_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    metadata: dict[str, str] | None = None
    text: TextOptions | None = None
    background: bool | None = None
    conversation: Any | UnsetType = UNSET
    prompt: Any | UnsetType = UNSET

    def turns(self) -> list[Turn]:
        """What was said, of this request alone.

        :raises Refused: an item is none.
        """
        return turns_of(read_items(self.input))

    def whole(self, turns: Sequence[Turn]) -> Prompt:
        """What a run takes of it.

        :param turns: the conversation, with whatever came before this request.
        :raises Refused: something is asked for that is not served.
        """
        self._refuse_unserved()
        check_turns(turns, "input")
        choice = self.tool_choice
        tools, tool_choice = offered(
            self.tools or (),
            f"only {choice.name}" if isinstance(choice, NamedFunctionTool) else choice,
        )
        words = [self.instructions or "", *system_of(read_items(self.input))]
        return Prompt(
            system="\n\n".join(word for word in words if word),
            turns=tuple(turns),
            tools=tools,
            tool_choice=tool_choice,
            max_tokens=self.max_output_tokens or 0,
            sampling=Sampling(
                temperature=self.temperature,
                top_p=self.top_p,
                form=form_of(self.text.format if self.text else None),
            ),
        )

    def _refuse_unserved(self) -> None:
        """What would change the answer and is not served is refused, never ignored."""
        unserved = {
            "background": bool(self.background),
            "conversation": self.conversation not in (UNSET, None),
            "prompt": self.prompt not in (UNSET, None),
        }
        for param, asked in unserved.items():
            if asked:
                raise Refused(
                    f"{param} with this value is not served",
                    param=param,
                    code="unsupported_value",
                )
