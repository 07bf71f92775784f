"""The pair of JSON documents: what another service tells, and what it is told; pure."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from openclaw.interfaces.messages import ChatType, Inbound, Outgoing, Person, Quote

MOST_TEXT = 100_000

_Id = Annotated[str, Meta(min_length=1, max_length=200)]
_Name = Annotated[str, Meta(max_length=200)]


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What unknown keys are ignored in."""


class Sender(_Told, frozen=True, kw_only=True):
    """Who says it."""

    id: _Id
    name: _Name = ""
    is_bot: bool = False


class Chat(_Told, frozen=True, kw_only=True):
    """Where it is said."""

    id: _Id
    type: ChatType = "dm"
    name: _Name = ""


class ReplyTo(_Told, frozen=True, kw_only=True):
    """What it answers."""

    message_id: _Id
    text: Annotated[str, Meta(max_length=MOST_TEXT)] = ""
    is_own: bool = False


class Event(_Told, frozen=True, kw_only=True):
    """What another service tells.

    :ivar id: names the event for ever; one without is named by its signature.
    :ivar chat: a conversation of the sender's alone if absent.
    :ivar timestamp: Unix milliseconds.
    :ivar mentioned: whether it is addressed to the assistant, in a group.
    """

    text: Annotated[str, Meta(min_length=1, max_length=MOST_TEXT)]
    sender: Sender
    id: Annotated[str, Meta(max_length=200)] = ""
    chat: Chat | None = None
    thread_id: Annotated[str, Meta(max_length=200)] = ""
    timestamp: Annotated[int, Meta(ge=0)] = 0
    reply_to: ReplyTo | None = None
    mentioned: bool = False


_decoder = msgspec.json.Decoder(Event)


def read(body: bytes) -> Event:
    """Read an event.

    :raises ValueError: it is none; the message says where and why.
    """
    try:
        event = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error) or "no JSON") from None
    if not event.text.strip():
        raise ValueError("Expected some text - at `$.text`")
    return event


def inbound(event: Event, channel: str, account: str, now_ms: int, proof: bytes) -> Inbound:
    """An event as a message.

    :param proof: the bytes of its signature.
    """
    name = event.id or f"mac:{proof.hex()}"
    chat = event.chat or Chat(id=event.sender.id)
    quoted = event.reply_to
    return Inbound(
        channel=channel,
        account=account,
        chat_type=chat.type,
        chat_id=chat.id,
        chat_name=chat.name,
        thread_id=event.thread_id,
        sender=Person(id=event.sender.id, name=event.sender.name, is_bot=event.sender.is_bot),
        message_id=name,
        dedupe_id=name,
        timestamp_ms=event.timestamp or now_ms,
        text=event.text,
        mention="native" if event.mentioned else "none",
        reply_to=None if quoted is None else _quote(quoted),
    )


def _quote(quoted: ReplyTo) -> Quote:
    return Quote(message_id=quoted.message_id, text=quoted.text, is_own=quoted.is_own)


def outbound(outgoing: Outgoing, text: str, now_ms: int) -> bytes:
    """What another service is told."""
    target = outgoing.target
    document: dict[str, Any] = {
        "type": "message",
        "id": outgoing.id,
        "channel": target.channel,
        "account": target.account,
        "chat": {"id": target.chat_id, "type": target.chat_type},
        "threadId": target.thread_id,
        "replyTo": target.reply_to,
        "text": text,
        "part": outgoing.part,
        "parts": outgoing.parts,
        "silent": outgoing.silent,
        "timestamp": now_ms,
    }
    return msgspec.json.encode(document)


def message_id(body: bytes, otherwise: str) -> str:
    """The id that the other service gave a message, if it says one: ``{"id": "…"}``."""
    try:
        said = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return otherwise
    given = said.get("id") if isinstance(said, dict) else None
    return given[:200] if isinstance(given, str) and given else otherwise
