"""Discord's objects as the gateway's: messages, edits, reactions. Pure, no I/O."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from openclaw.channels.platforms.discord.directory import Channel, Directory
from openclaw.channels.platforms.discord.settings import by_name
from openclaw.channels.platforms.discord.wording import (
    Names,
    display_name,
    mentions_of,
    poll_text,
    without_address,
)
from openclaw.interfaces.messages import Attachment, ChatType, Inbound, MediaKind, Mention, Person
from openclaw.interfaces.messages import Quote as InboundQuote

EPOCH_MS = 1_420_070_400_000
"""The first millisecond of 2015, from which snowflakes count."""

DEFAULT = 0
REPLY = 19
_VOICE_MESSAGE = 1 << 13
_LOTTIE = 3
_STICKER_FILES = {1: ("png", "image/png"), 2: ("png", "image/png"), 4: ("gif", "image/gif")}
_CDN = "https://cdn.discordapp.com"
_FAMILIES: Mapping[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}


@frozen(kw_only=True)
class Own:
    """Who the bot is: its user, and its account here."""

    id: str
    name: str
    channel: str
    account: str


@frozen(kw_only=True)
class Scene:
    """Where something happened.

    :ivar chat_id: for a direct chat the person's id; for a thread the channel above it.
    :ivar named: how the settings may name that channel.
    """

    chat_type: ChatType
    chat_id: str
    chat_name: str = ""
    guild_id: str = ""
    thread_id: str = ""
    is_forum: bool = False
    named: str = ""


def scene_of(guild_id: str, channel: Channel | None, person_id: str, directory: Directory) -> Scene:
    """Place an event.

    :param channel: where it happened; ``None`` for a direct chat.
    :param person_id: the other side of a direct chat.
    """
    if not guild_id or channel is None:
        return Scene(chat_type="dm", chat_id=person_id)
    if not channel.is_thread or not channel.parent_id:
        return Scene(
            chat_type="channel",
            chat_id=channel.id,
            chat_name=channel.name,
            guild_id=guild_id,
            named=by_name(guild_id, channel.name),
        )
    parent = directory.channels.get(channel.parent_id)
    above = parent.name if parent else ""
    return Scene(
        chat_type="channel",
        chat_id=channel.parent_id,
        chat_name=f"{above} / {channel.name}" if above else channel.name,
        guild_id=guild_id,
        thread_id=channel.id,
        is_forum=parent is not None and parent.kind in (15, 16),
        named=by_name(guild_id, above),
    )


def time_of(snowflake: str) -> int:
    """When an id was made, Unix milliseconds; 0 for what is no snowflake."""
    return (int(snowflake) >> 22) + EPOCH_MS if snowflake.isdecimal() else 0


def moment(text: object, snowflake: str = "") -> int:
    """Read an ISO 8601 time as Unix milliseconds; without one, that of the id."""
    if isinstance(text, str) and text:
        try:
            return round(datetime.fromisoformat(text).timestamp() * 1000)
        except ValueError:
            pass
    return time_of(snowflake)


def person(user: Mapping[str, Any], member: Mapping[str, Any] | None = None) -> Person:
    """Read a user, with what a guild knows of them."""
    return Person(
        id=str(user.get("id") or ""),
        name=display_name(user, member),
        username=user.get("username") or "",
        is_bot=bool(user.get("bot")),
        roles=tuple(str(role) for role in (member or {}).get("roles") or ()),
    )


def is_wanted(message: Mapping[str, Any], own_id: str) -> bool:
    """Whether a message is somebody's own words: no system message, no webhook, not ours."""
    author = (message.get("author") or {}).get("id")
    return (
        (message.get("type") or DEFAULT) in (DEFAULT, REPLY)
        and not message.get("webhook_id")
        and bool(author)
        and str(author) != own_id
    )


def is_empty(message: Mapping[str, Any]) -> bool:
    """Whether nothing of a message came: what a bot without its content intent gets."""
    parts = ("content", "attachments", "sticker_items", "message_snapshots", "poll", "embeds")
    return not any(message.get(part) for part in (*parts, "components"))


def message_of(message: Mapping[str, Any], scene: Scene, own: Own, directory: Directory) -> Inbound:
    """Read a MESSAGE_CREATE, or a MESSAGE_UPDATE that carries everything."""
    message_id = str(message["id"])
    files = _attachments(message)
    return Inbound(
        channel=own.channel,
        account=own.account,
        chat_type=scene.chat_type,
        chat_id=scene.chat_id,
        chat_name=scene.chat_name,
        space_id=scene.guild_id,
        parent_id=scene.named,
        thread_id=scene.thread_id,
        sender=person(message.get("author") or {}, message.get("member")),
        message_id=message_id,
        dedupe_id=message_id,
        timestamp_ms=moment(message.get("timestamp"), message_id),
        text=_text(message, scene, own, directory) or _stand_in(files),
        attachments=files,
        reply_to=_quote(message, own),
        mention=_mention(message, scene.guild_id, own, directory),
        mentions=tuple(str(user.get("id")) for user in message.get("mentions") or ()),
    )


def edit_of(message: Mapping[str, Any], scene: Scene, own: Own, directory: Directory) -> Inbound:
    """Read a MESSAGE_UPDATE of somebody who changed their words."""
    read = message_of(message, scene, own, directory)
    edited = str(message.get("edited_timestamp"))
    return replace(
        read,
        kind="edit",
        edit_of=read.message_id,
        dedupe_id=f"{read.message_id}:{edited}",
        timestamp_ms=moment(edited, read.message_id),
    )


def is_edit(message: Mapping[str, Any]) -> bool:
    """Whether a MESSAGE_UPDATE is about words: mostly it tells of a link's preview or a pin."""
    return bool(message.get("edited_timestamp")) and message.get("content") is not None


def reaction_of(
    data: Mapping[str, Any], *, added: bool, event_id: str, scene: Scene, own: Own, now_ms: int
) -> Inbound:
    """Read a MESSAGE_REACTION_ADD or _REMOVE.

    :param event_id: names the event; the reaction itself may come and go many times.
    """
    emoji = emoji_name(data.get("emoji") or {})
    member = data.get("member") or {}
    user = member.get("user") or {"id": data.get("user_id")}
    return Inbound(
        channel=own.channel,
        account=own.account,
        kind="reaction",
        chat_type=scene.chat_type,
        chat_id=scene.chat_id,
        chat_name=scene.chat_name,
        space_id=scene.guild_id,
        parent_id=scene.named,
        thread_id=scene.thread_id,
        sender=person(user, member),
        message_id=str(data.get("message_id") or ""),
        dedupe_id=f"reaction:{event_id}",
        timestamp_ms=now_ms,
        text=f"<reaction:{emoji}>" if added else f"<reaction removed:{emoji}>",
        reaction=emoji if added else "",
    )


def emoji_name(emoji: Mapping[str, Any]) -> str:
    """An emoji as reactions name it: itself, or ``name:id`` for a guild's own."""
    name = emoji.get("name") or "?"
    return f"{name}:{emoji['id']}" if emoji.get("id") else str(name)


def _text(message: Mapping[str, Any], scene: Scene, own: Own, directory: Directory) -> str:
    names = Names(message, directory, scene.guild_id)
    said = names.readable(without_address(message.get("content") or "", own.id)).strip()
    parts = [said, poll_text(message)]
    parts.extend(_forwarded(snapshot, names) for snapshot in _snapshots(message))
    if scene.is_forum and scene.thread_id == str(message.get("id")):
        # A post's first message; its question is often in the title alone.
        title = directory.channels[scene.thread_id].name
        parts.insert(0, title)
    return "\n".join(part for part in parts if part)


def _snapshots(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("message") or {} for one in message.get("message_snapshots") or ()]


def _forwarded(snapshot: Mapping[str, Any], names: Names) -> str:
    return f"[forwarded] {names.readable(snapshot.get('content') or '')}".rstrip()


def _stand_in(files: Sequence[Attachment]) -> str:
    return f"<media:{files[0].kind}>" if files else "<empty message>"


def _quote(message: Mapping[str, Any], own: Own) -> InboundQuote | None:
    reference = message.get("message_reference") or {}
    # Type 1 is a forward: it points to where the words come from, not to what is answered.
    if not reference.get("message_id") or reference.get("type"):
        return None
    answered = message.get("referenced_message") or {}
    author = str((answered.get("author") or {}).get("id") or "")
    return InboundQuote(
        message_id=str(reference["message_id"]),
        sender_id=author,
        text=answered.get("content") or "",
        is_own=bool(author) and author == own.id,
    )


def _mention(message: Mapping[str, Any], guild_id: str, own: Own, directory: Directory) -> Mention:
    """How the bot was addressed; ``@everyone`` addresses nobody."""
    mentioned = {str(user.get("id")) for user in message.get("mentions") or ()}
    written = mentions_of(message.get("content") or "")
    # A bot can write an id so that it addresses nobody; for people Discord lists whom they wrote.
    if own.id in written and (own.id in mentioned or not _is_bot(message)):
        return "native"
    roles = (str(role) for role in message.get("mention_roles") or ())
    if any(directory.is_own_role(guild_id, role, own.id) for role in roles):
        return "native"
    quote = _quote(message, own)
    if quote is not None and quote.is_own:
        return "reply"
    return "native" if own.id in mentioned else "none"


def _is_bot(message: Mapping[str, Any]) -> bool:
    return bool((message.get("author") or {}).get("bot"))


def _attachments(message: Mapping[str, Any]) -> tuple[Attachment, ...]:
    voice = bool((message.get("flags") or 0) & _VOICE_MESSAGE)
    files = [_file(one, voice) for one in message.get("attachments") or () if one.get("url")]
    for snapshot in _snapshots(message):
        spoken = bool((snapshot.get("flags") or 0) & _VOICE_MESSAGE)
        files += [_file(one, spoken) for one in snapshot.get("attachments") or () if one.get("url")]
    files += [
        _sticker(one)
        for one in message.get("sticker_items") or ()
        if one.get("id") and one.get("format_type") != _LOTTIE
    ]
    return tuple(files)


def _file(data: Mapping[str, Any], voice: bool) -> Attachment:
    mime = (data.get("content_type") or "").partition(";")[0].strip()
    kind = _FAMILIES.get(mime.partition("/")[0], "document")
    return Attachment(
        kind="voice" if voice else kind,
        mime=mime,
        name=data.get("filename") or "",
        size=int(data.get("size") or 0),
        ref=data["url"],
        caption=data.get("description") or "",
        duration_ms=round(float(data.get("duration_secs") or 0) * 1000),
    )


def _sticker(data: Mapping[str, Any]) -> Attachment:
    suffix, mime = _STICKER_FILES.get(data.get("format_type") or 1, ("png", "image/png"))
    return Attachment(
        kind="sticker",
        mime=mime,
        name=data.get("name") or "",
        ref=f"{_CDN}/stickers/{data['id']}.{suffix}",
    )
