"""What gateway and agent process say to each other: JSON lines, as Pi's RPC mode writes them.

Measured with ``@mariozechner/pi-coding-agent`` 0.73.1, ``pi --mode rpc --no-session``:

- A command is one line on standard input, ``{"id", "type", …}``; its answer one line on standard
  output, ``{"type": "response", "id", "command", "success", "error"?, "data"?}``. Commands are not
  queued: what must happen in order waits for the answer of what goes before.
- ``new_session`` forgets the conversation; ``set_model`` takes ``provider`` and ``modelId``;
  ``set_thinking_level`` takes ``level``; ``set_auto_retry`` takes ``enabled``.
- ``prompt`` takes ``message`` and ``images`` and is answered as soon as it is accepted; while a
  prompt is worked on, another is refused. What follows are events, without an id: ``agent_start``;
  per message ``message_start``, ``message_update``, ``message_end``; per tool
  ``tool_execution_start`` and ``tool_execution_end``; and ``agent_end`` last, after failures too.
- ``message_update`` carries the new piece in ``assistantMessageEvent.delta`` (``text_delta``,
  ``thinking_delta``), and twice the whole message so far, which is not looked at.
- An assistant's ``message_end`` carries ``stopReason`` (``stop length toolUse error aborted``),
  ``usage`` and, after a failure, ``errorMessage``.
- ``abort`` ends the prompt with ``agent_end`` and is answered after it.
- Extensions may ask people something (``extension_ui_request``) and wait for an
  ``extension_ui_response``; nobody can be asked here, so each is cancelled.
- ``compaction_start`` and ``compaction_end`` may come after ``agent_end``; a prompt waits for that.
- The end of standard input ends the process, and so does SIGTERM.
"""

from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.interfaces.agents import Usage
from openclaw.interfaces.tools import Image

_DIALOGS = frozenset({"select", "confirm", "input", "editor"})


@frozen
class Response:
    """The answer to one command.

    :ivar id: the command's, empty for a line that the agent could not read.
    :ivar error: in the agent's words; empty if it went well.
    """

    id: str
    ok: bool
    error: str = ""


@frozen
class Said:
    """A piece of an answer."""

    text: str


@frozen
class Thought:
    """A piece of what the model thinks."""

    text: str


@frozen
class MessageEnd:
    """One message of the model is complete.

    :ivar reason: ``stop``, ``length``, ``toolUse``, ``error`` or ``aborted``.
    :ivar error: the provider's words, after a failure.
    :ivar text: all of it, for agents that send no pieces.
    """

    reason: str
    text: str = ""
    error: str = ""
    usage: Usage = field(factory=Usage)


@frozen
class ToolStart:
    """The agent uses a tool of its own.

    :ivar arguments: JSON text.
    """

    call_id: str
    name: str
    arguments: str


@frozen
class ToolEnd:
    """It has used it."""

    call_id: str
    name: str
    text: str
    is_error: bool


@frozen
class Question:
    """An extension asks a person something and waits."""

    id: str


@frozen
class Compacting:
    """The agent shortens its memory, or has done so."""

    going_on: bool


@frozen
class RunEnd:
    """The prompt has been worked on; its run is over."""


Event = Said | Thought | MessageEnd | ToolStart | ToolEnd | Question | Compacting | RunEnd
END = RunEnd()


class NoLine(ValueError):
    """Not a line of this wire."""


class _Usage(msgspec.Struct, rename="camel"):
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct, rename="camel"):
    role: str = ""
    content: list[_Part] | str = ""
    stop_reason: str = "stop"
    error_message: str = ""
    usage: _Usage = msgspec.field(default_factory=_Usage)


class _Update(msgspec.Struct):
    type: str = ""
    delta: str = ""


class _Result(msgspec.Struct):
    content: list[_Part] | str = ""


class _Line(msgspec.Struct, rename="camel"):
    """Every key of every kind of line that is looked at; messages are decoded where needed."""

    type: str
    id: str | None = None
    success: bool = False
    error: str = ""
    method: str = ""
    message: msgspec.Raw = msgspec.Raw()
    assistant_message_event: _Update = msgspec.field(default_factory=_Update)
    tool_call_id: str = ""
    tool_name: str = ""
    args: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw()
    is_error: bool = False


_lines = msgspec.json.Decoder(_Line)
_messages = msgspec.json.Decoder(_Message)
_results = msgspec.json.Decoder(_Result)


def decode_line(line: bytes) -> Response | Event | None:
    """Read one line.

    :return: ``None`` for an event that nobody needs.
    :raises NoLine: it is no JSON object with a type, or has a part of the wrong kind.
    """
    try:
        return _meaning(_lines.decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoLine(str(error)) from None


def is_run_end(head: bytes) -> bool:
    """Whether a line that was too long to keep says that the run is over."""
    return head.lstrip().startswith(b'{"type":"agent_end"')


def _meaning(line: _Line) -> Response | Event | None:
    match line.type:
        case "response":
            return Response(line.id or "", line.success, "" if line.success else line.error)
        case "message_update":
            return _piece(line.assistant_message_event)
        case "message_end":
            return _message_end(line.message)
        case "tool_execution_start":
            arguments = bytes(line.args).decode()
            return ToolStart(line.tool_call_id, line.tool_name, arguments)
        case "tool_execution_end":
            text = _text(_results.decode(line.result).content) if line.result else ""
            return ToolEnd(line.tool_call_id, line.tool_name, text, line.is_error)
        case "extension_ui_request":
            return Question(line.id or "") if line.method in _DIALOGS else None
        case "compaction_start" | "compaction_end":
            return Compacting(line.type == "compaction_start")
        case "agent_end":
            return END
    return None


def _piece(update: _Update) -> Event | None:
    if update.delta and update.type == "text_delta":
        return Said(update.delta)
    if update.delta and update.type == "thinking_delta":
        return Thought(update.delta)
    return None


def _message_end(raw: msgspec.Raw) -> MessageEnd | None:
    message = _messages.decode(raw) if raw else _Message()
    if message.role != "assistant":
        return None
    used = message.usage
    return MessageEnd(
        reason=message.stop_reason,
        text=_text(message.content),
        error=message.error_message,
        usage=Usage(used.input, used.output, used.cache_read, used.cache_write),
    )


def _text(content: list[_Part] | str) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content if part.type == "text")


def encode_command(id: str, type: str, **fields: Any) -> bytes:
    """One command, with the end of its line."""
    return msgspec.json.encode({"id": id, "type": type, **fields}) + b"\n"


def encode_dismissal(id: str) -> bytes:
    """What an extension is told that asked somebody who is not there."""
    answer = {"type": "extension_ui_response", "id": id, "cancelled": True}
    return msgspec.json.encode(answer) + b"\n"


def images_of(images: tuple[Image, ...]) -> list[dict[str, str]]:
    """Pictures, as a prompt takes them."""
    return [{"type": "image", "data": one.data, "mimeType": one.mime} for one in images]
