"""The Bot API's objects, as far as they are read; every field may be absent.

https://core.telegram.org/bots/api#available-types
"""

from typing import Any, TypeVar

import msgspec
from msgspec import field

T = TypeVar("T")


class Object(msgspec.Struct, frozen=True, kw_only=True):
    """One object of the Bot API; keys that are not named here are passed over."""


class User(Object, frozen=True, kw_only=True):
    """Somebody, or a bot; the last two are only said of ourselves."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    can_read_all_group_messages: bool = True
    has_topics_enabled: bool = False


class Chat(Object, frozen=True, kw_only=True):
    """A chat: ``private``, ``group``, ``supergroup`` or ``channel``."""

    id: int
    type: str = ""
    title: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    is_forum: bool = False


class Entity(Object, frozen=True, kw_only=True):
    """A marked part of a text; offset and length count UTF-16 units."""

    type: str
    offset: int = 0
    length: int = 0
    url: str = ""
    user: User | None = None


class FileObject(Object, frozen=True, kw_only=True):
    """A file of any kind; ``duration`` is in seconds."""

    file_id: str
    file_size: int = 0
    file_name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    duration: float = 0
    emoji: str = ""
    is_animated: bool = False
    is_video: bool = False


class TextQuote(Object, frozen=True, kw_only=True):
    """The part of a message that its answer is about."""

    text: str = ""


class Message(Object, frozen=True, kw_only=True):
    """A message."""

    chat: Chat
    message_id: int = 0
    date: int = 0
    edit_date: int = 0
    from_: User | None = field(default=None, name="from")
    sender_chat: Chat | None = None
    is_automatic_forward: bool = False
    message_thread_id: int = 0
    is_topic_message: bool = False
    media_group_id: str = ""
    text: str = ""
    caption: str = ""
    entities: tuple[Entity, ...] = ()
    caption_entities: tuple[Entity, ...] = ()
    reply_to_message: "Message | None" = None
    quote: TextQuote | None = None
    photo: tuple[FileObject, ...] = ()
    document: FileObject | None = None
    audio: FileObject | None = None
    voice: FileObject | None = None
    video: FileObject | None = None
    video_note: FileObject | None = None
    animation: FileObject | None = None
    sticker: FileObject | None = None
    location: Any = None
    venue: Any = None
    contact: Any = None
    poll: Any = None
    dice: Any = None
    forum_topic_created: Any = None
    migrate_to_chat_id: int = 0
    migrate_from_chat_id: int = 0


class CallbackQuery(Object, frozen=True, kw_only=True):
    """A button was pressed."""

    id: str
    from_: User | None = field(default=None, name="from")
    message: Message | None = None
    data: str = ""


class ReactionType(Object, frozen=True, kw_only=True):
    """One reaction: ``emoji``, ``custom_emoji`` or ``paid``."""

    type: str = ""
    emoji: str = ""
    custom_emoji_id: str = ""

    @property
    def name(self) -> str:
        """The emoji, or what stands for one that is no character."""
        custom = f"custom:{self.custom_emoji_id}" if self.custom_emoji_id else ""
        return self.emoji or custom or self.type


class MessageReaction(Object, frozen=True, kw_only=True):
    """Somebody's reactions to a message changed."""

    chat: Chat
    message_id: int
    date: int = 0
    user: User | None = None
    actor_chat: Chat | None = None
    old_reaction: tuple[ReactionType, ...] = ()
    new_reaction: tuple[ReactionType, ...] = ()


def read(raw: object, kind: type[T]) -> T:
    """Read one object; ``null`` is the same as absent, a number may come as a text.

    :raises msgspec.ValidationError: it is none of that kind.
    """
    return msgspec.convert(_without_null(raw), kind, strict=False)


def _without_null(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {name: _without_null(value) for name, value in raw.items() if value is not None}
    if isinstance(raw, list):
        return [_without_null(value) for value in raw]
    return raw
