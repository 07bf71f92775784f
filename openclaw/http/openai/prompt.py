"""What a request says, in the shape in which a run takes it; of no endpoint's own form."""

import binascii
import re
from collections.abc import Sequence

from attrs import field, frozen

from openclaw.http.openai.errors import Refused
from openclaw.interfaces.agents import Sampling, Turn
from openclaw.interfaces.conversations import Wishes
from openclaw.interfaces.tools import Image, ToolCall, ToolSpec

MOST_IMAGES = 8
_DATA = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})")


@frozen(kw_only=True)
class Prompt:
    """A whole request.

    :ivar system: words for the model that nobody said.
    :ivar turns: what was said, oldest first; the last one is to be answered.
    :ivar tools: tools of the program's own.
    """

    system: str
    turns: tuple[Turn, ...]
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = ""
    max_tokens: int = 0
    sampling: Sampling = field(factory=Sampling)

    @property
    def text(self) -> str:
        """What the transcript shows of it: the last words, or what the program's tools found."""
        last = self.turns[-1]
        if last.role == "user":
            return last.text or "[image]"
        names = {call.id: call.name for turn in self.turns for call in turn.calls}
        results: list[str] = []
        for turn in reversed(self.turns):
            if turn.role != "tool":
                break
            results.insert(0, f"[{names.get(turn.call_id, 'tool')}] {turn.text}")
        return "\n".join(results)

    @property
    def wishes(self) -> Wishes:
        """What the run is asked for besides an answer to the text.

        A single message continues its session; several are the conversation as the program has it.
        """
        alone = len(self.turns) == 1 and self.turns[0].role == "user"
        return Wishes(
            turns=() if alone else self.turns,
            images=self.turns[0].images if alone else (),
            tools=self.tools,
            tool_choice=self.tool_choice,
            max_tokens=self.max_tokens,
            sampling=self.sampling,
        )

    @property
    def has_images(self) -> bool:
        """Whether there is anything to see."""
        return any(turn.images for turn in self.turns)


def check_turns(turns: Sequence[Turn], param: str) -> None:
    """See that there is something to answer.

    :raises Refused: if not, or if a tool's result answers no call.
    """
    if not turns or turns[-1].role not in ("user", "tool"):
        raise Refused("the last message has to be the user's or a tool's", param=param)
    last = turns[-1]
    if last.role == "user" and not last.text.strip() and not last.images:
        raise Refused("the last user message is empty: send some text", param=param)
    calls: set[str] = set()
    for turn in turns:
        if turn.role == "tool" and turn.call_id not in calls:
            raise Refused(f"no call before it has the id {turn.call_id[:64]!r}", param=param)
        calls.update(call.id for call in turn.calls)
    if sum(len(turn.images) for turn in turns) > MOST_IMAGES:
        raise Refused(f"there are more than {MOST_IMAGES} images", param=param)


def image_of(url: str, param: str) -> Image:
    """A picture that is sent along.

    :param url: a ``data:`` address; nothing is fetched for a request.
    :raises Refused: it is no such address.
    """
    match = _DATA.fullmatch(url)
    if match is None:
        raise Refused(
            "an image has to come along as data:image/png;base64,... (or jpeg, gif, webp); no "
            "address is fetched",
            param=param,
        )
    try:
        binascii.a2b_base64(match[2], strict_mode=True)
    except binascii.Error:
        raise Refused("the image is no base64", param=param) from None
    return Image(mime=match[1], data=match[2])


def joined(turns: Sequence[Turn]) -> list[Turn]:
    """Make one turn of calls that were sent as an item each, and of the words before them."""
    found: list[Turn] = []
    for turn in turns:
        before = found[-1] if found else None
        if turn.role == "assistant" and turn.calls and before and before.role == "assistant":
            calls: tuple[ToolCall, ...] = (*before.calls, *turn.calls)
            found[-1] = Turn("assistant", before.text + turn.text, calls=calls)
        else:
            found.append(turn)
    return found
