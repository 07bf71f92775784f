"""What people say and are answered on chat platforms, in one shape for all of them."""

from typing import Literal

from openclaw.protocol.base import Wire

ChatType = Literal["dm", "group", "channel"]
Mention = Literal["none", "native", "reply", "command", "pattern"]
MediaKind = Literal["image", "audio", "voice", "video", "document", "sticker"]
InboundKind = Literal["message", "edit", "reaction", "command", "button"]
OutgoingKind = Literal["send", "edit", "delete", "react"]


class Person(Wire, frozen=True, kw_only=True):
    """Somebody on a platform.

    :ivar id: the platform's immutable id: the only thing that is ever compared with an allowlist.
    :ivar name: for display.
    :ivar is_own: the assistant's own account there; only the platform can tell.
    :ivar roles: ids of roles that the platform vouches for (Discord).
    """

    id: str
    name: str = ""
    username: str = ""
    is_bot: bool = False
    is_own: bool = False
    roles: tuple[str, ...] = ()


class Attachment(Wire, frozen=True, kw_only=True):
    """A file that came with a message, or goes out with one.

    :ivar ref: where the platform's :meth:`IChannel.fetch` finds it; of no meaning to others.
    :ivar path: in the media directory, once it has been fetched; what goes out always has one.
    :ivar size: bytes, 0 if unknown.
    """

    kind: MediaKind
    mime: str = ""
    name: str = ""
    size: int = 0
    ref: str = ""
    path: str = ""
    caption: str = ""
    duration_ms: int = 0


class Quote(Wire, frozen=True, kw_only=True):
    """The message that another one answers.

    :ivar is_own: whether the assistant had said it.
    """

    message_id: str
    sender_id: str = ""
    text: str = ""
    is_own: bool = False


class Inbound(Wire, frozen=True, kw_only=True):
    """One message, or something that happened to one, as a platform told it.

    :ivar chat_id: what a reply is addressed to: the person or direct chat of a ``dm``, the group,
        the channel. For a thread it is the container, with ``thread_id`` set.
    :ivar space_id: what the chat belongs to: guild, team, workspace, homeserver space.
    :ivar parent_id: the chat above this one, where access is configured on that one.
    :ivar message_id: the platform's, unique within ``chat_id``.
    :ivar dedupe_id: names the event within (channel, account); the same for every redelivery.
    :ivar timestamp_ms: the platform's clock, Unix milliseconds.
    :ivar text: readable; never empty: ``<media:image>`` and the like stand for media alone.
    :ivar mention: how the assistant was addressed, as far as the platform itself knows.
    :ivar command: the word behind the slash for a ``command``.
    :ivar edit_of: for an edit, the message that changed.
    :ivar reaction: for a reaction, the emoji; empty if it was taken back.
    :ivar batch: messages of one batch within a moment are one (albums); empty for those alone.
    """

    channel: str
    account: str
    kind: InboundKind = "message"
    chat_type: ChatType
    chat_id: str
    chat_name: str = ""
    space_id: str = ""
    parent_id: str = ""
    thread_id: str = ""
    sender: Person
    message_id: str
    dedupe_id: str
    timestamp_ms: int
    text: str
    attachments: tuple[Attachment, ...] = ()
    reply_to: Quote | None = None
    mention: Mention = "none"
    mentions: tuple[str, ...] = ()
    command: str = ""
    edit_of: str = ""
    reaction: str = ""
    batch: str = ""


class Target(Wire, frozen=True, kw_only=True):
    """Where something is sent: an account's chat, and the place in it.

    :ivar chat_type: of the chat, where it is known; platforms pace groups otherwise than people.
    :ivar reply_to: the message that is answered; empty for none.
    """

    channel: str
    account: str
    chat_id: str
    thread_id: str = ""
    reply_to: str = ""
    chat_type: ChatType = "dm"


class Origin(Wire, frozen=True, kw_only=True):
    """Where an input came from: the way its answer goes back.

    :ivar message_key: names the message in traces, ``channel:account:dedupe id``.
    """

    target: Target
    sender: Person
    message_key: str


class Outgoing(Wire, frozen=True, kw_only=True):
    """One call of a platform: what fits into one message, or a change of one.

    :ivar id: names the call for ever; platforms with idempotency keys are given it.
    :ivar text: Markdown, already cut so that it fits when rendered.
    :ivar message_id: what is edited, deleted or reacted to.
    :ivar emoji: for a reaction; empty takes ours back.
    :ivar part: the place among the parts of one answer, from 0.
    :ivar run_id: the run whose answer it is; empty for what was sent otherwise.
    """

    id: str
    target: Target
    kind: OutgoingKind = "send"
    text: str = ""
    attachment: Attachment | None = None
    message_id: str = ""
    emoji: str = ""
    silent: bool = False
    part: int = 0
    parts: int = 1
    run_id: str = ""
    session_key: str = ""


class Sent(Wire, frozen=True, kw_only=True):
    """What a platform said to something it took.

    :ivar message_id: the platform's id of the message.
    :ivar chat_id: where it went, if that is not where it was addressed (a group that moved).
    """

    message_id: str
    chat_id: str = ""
