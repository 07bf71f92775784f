"""What tests of the APIs have in common: a conversation with everything in it, and a reader."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from openclaw.agents.runtimes.dialect import Dialect, question
from openclaw.agents.runtimes.draft import Draft, Hearing, call_ids
from openclaw.agents.runtimes.provider import ModelSettings, ProviderSettings
from openclaw.agents.runtimes.relay import Relay
from openclaw.interfaces.agents import ModelInfo, RunOutcome, RunRequest, Turn
from openclaw.interfaces.tools import Image, ToolCall, ToolSpec

MODEL = ModelInfo("mock", "mock-1", "Mock", reasoning=True, input=("text", "image"))
CLOCK = ToolSpec(
    name="clock",
    description="Tells the time.",
    parameters={"type": "object", "properties": {"zone": {"type": "string"}}},
)
PICTURE = Image(mime="image/png", data="iVBORw0KGgo=")
CALL = ToolCall(id="call_1", name="clock", arguments='{"zone":"UTC"}')
OTHER_CALL = ToolCall(id="call_2", name="clock", arguments='{"zone":"CET"}')
TURNS = (
    Turn("user", "what is this?", images=(PICTURE,)),
    Turn("assistant", "Let me see.", calls=(CALL, OTHER_CALL)),
    Turn("tool", "12:00", call_id="call_1"),
    Turn("tool", "no such zone", call_id="call_2", is_error=True),
    Turn("assistant", "Noon."),
    Turn("user", "thanks"),
)
REQUEST = RunRequest(
    run_id="r1",
    session_key="agent:main:main",
    agent_id="main",
    model=MODEL,
    turns=[Turn("user", "hi")],
)


@frozen
class Heard:
    """What was heard of an answer."""

    outcome: RunOutcome
    text: list[str] = field(factory=list)
    thoughts: list[str] = field(factory=list)


def body_of(
    dialect: Dialect,
    request: RunRequest = REQUEST,
    *,
    base_url: str = "http://127.0.0.1/v1",
    without: frozenset[str] = frozenset(),
    how: ModelSettings | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The body that a request becomes."""
    request = evolve(request, **changes)
    asked = {} if how is None else {request.model.id: how}
    settings = ProviderSettings(id="mock", base_url=base_url, asked=asked)
    found: dict[str, Any] = json.loads(dialect.encode(question(request, settings, without)))
    return found


def read(
    dialect: Dialect, data: bytes, request: RunRequest = REQUEST, step: int = 1 << 20
) -> Heard:
    """Read an answer in pieces of ``step`` bytes; raises BrokenAnswer as the relay does."""
    text: list[str] = []
    thoughts: list[str] = []
    draft = Draft(Hearing(text.append, thoughts.append), call_ids(request))
    relay = Relay(dialect.answer(draft, request), draft)
    for at in range(0, len(data), step):
        if relay.feed(data[at : at + step]):
            break
    return Heard(relay.end(), text, thoughts)


def sse(*events: Mapping[str, Any] | str, named: bool = False) -> bytes:
    """Events as they are sent."""
    return b"".join(_event(event, named) for event in events)


def _event(event: Mapping[str, Any] | str, named: bool) -> bytes:
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    name = f"event: {event['type']}\n" if named else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def every_step(
    test: Callable[[int], None], steps: Sequence[int] = (1, 2, 3, 7, 64, 1 << 20)
) -> None:
    """Run a test with the bytes cut in each of these ways."""
    for step in steps:
        test(step)
