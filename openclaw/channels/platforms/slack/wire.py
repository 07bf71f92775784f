"""Slack's events as :class:`Inbound`, and what is posted; pure. Names are put in by ``dressed``.

Shapes: https://docs.slack.dev/reference/events and https://docs.slack.dev/reference/interaction-payloads.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from openclaw.channels.platforms.slack.emoji import character_of
from openclaw.channels.platforms.slack.fields import (
    Fields,
    is_ts,
    milliseconds,
    number,
    part,
    parts,
    text,
)
from openclaw.channels.platforms.slack.markup import mentioned, readable
from openclaw.interfaces.messages import (
    Attachment,
    ChatType,
    Inbound,
    MediaKind,
    Mention,
    Outgoing,
    Person,
    Quote,
)

MAX_FILES = 8
MARK = "openclaw_send"
"""The type of the metadata that our messages carry, by which they can be found again."""

_KEPT = frozenset(("", "file_share", "thread_broadcast", "me_message", "bot_message"))
_CHAT_TYPES: Mapping[str, ChatType] = {
    "im": "dm",
    "mpim": "group",
    "channel": "channel",
    "group": "channel",
}


@frozen(kw_only=True)
class Identity:
    """Who the account is there.

    :ivar channel: the channel's id in the gateway, ``slack``.
    :ivar account: the account's id in the gateway.
    """

    channel: str
    account: str
    user_id: str
    bot_id: str
    team_id: str
    name: str = ""
    team: str = ""
    app_id: str = ""


def chat_type(channel_id: str, told: str = "") -> ChatType:
    """What kind of conversation it is, from what Slack says or else from the id's first letter."""
    known = _CHAT_TYPES.get(told)
    if known is not None:
        return known
    return "dm" if channel_id[:1] in "DUW" else "group" if channel_id[:1] == "G" else "channel"


def is_ours(payload: Fields, me: Identity) -> bool:
    """Whether an event was sent for this workspace; an app may be installed in several."""
    rights = parts(payload, "authorizations")
    if not rights:
        return True
    return any(
        text(right, "user_id") == me.user_id or text(right, "team_id") in ("", me.team_id)
        for right in rights
    )


def event(payload: Fields, me: Identity) -> Inbound | None:
    """Read an ``event_callback``; None for what is no message, or our own."""
    inner = part(payload, "event")
    team = text(payload, "team_id") or text(inner, "team") or me.team_id
    kind = text(inner, "type")
    if kind in ("message", "app_mention"):
        if text(inner, "subtype") == "message_changed":
            return _edit(inner, team, me)
        return _message(inner, team, me)
    if kind in ("reaction_added", "reaction_removed"):
        return _reaction(inner, team, me)
    return None


def _is_own(message: Fields, me: Identity) -> bool:
    return text(message, "user") == me.user_id or (
        bool(me.bot_id) and text(message, "bot_id") == me.bot_id
    )


def _message(message: Fields, team: str, me: Identity) -> Inbound | None:
    chat, ts = text(message, "channel"), text(message, "ts")
    if not chat or not is_ts(ts) or message.get("hidden") is True:
        return None
    if text(message, "subtype") not in _KEPT or _is_own(message, me):
        return None
    sender = _sender(message)
    if not sender.id:
        return None
    thread = text(message, "thread_ts")
    files = _attachments(message)
    said = _said(message)
    return Inbound(
        channel=me.channel,
        account=me.account,
        chat_type=chat_type(chat, text(message, "channel_type")),
        chat_id=chat,
        space_id=team,
        thread_id=thread if thread != ts else "",
        sender=sender,
        message_id=ts,
        # One for "message" and "app_mention": they differ in event_id, not in the message.
        dedupe_id=f"{team}:{chat}:{ts}",
        timestamp_ms=milliseconds(ts),
        text=said or (f"<media:{files[0].kind}>" if files else "<empty>"),
        attachments=files,
        reply_to=_quote(message, me) if thread and thread != ts else None,
        mention=_mention(message, said, me),
        mentions=mentioned(said),
    )


def _edit(change: Fields, team: str, me: Identity) -> Inbound | None:
    """A changed text; Slack tells of its own additions (link previews) in the same way."""
    now, before = part(change, "message"), part(change, "previous_message")
    if _said(now) == _said(before):
        return None
    message = _message(
        {**now, "channel": change.get("channel"), "channel_type": change.get("channel_type")},
        team,
        me,
    )
    if message is None:
        return None
    when = text(part(now, "edited"), "ts") or text(change, "event_ts", "ts")
    return replace(
        message,
        kind="edit",
        edit_of=message.message_id,
        dedupe_id=f"{message.dedupe_id}:edit:{when}",
        timestamp_ms=milliseconds(when) or message.timestamp_ms,
    )


def _reaction(event: Fields, team: str, me: Identity) -> Inbound | None:
    item = part(event, "item")
    chat, ts, user = text(item, "channel"), text(item, "ts"), text(event, "user")
    name = text(event, "reaction")
    if text(item, "type") != "message" or not (chat and is_ts(ts) and user and name):
        return None
    if user == me.user_id:
        return None
    when, added = text(event, "event_ts"), text(event, "type") == "reaction_added"
    return Inbound(
        channel=me.channel,
        account=me.account,
        kind="reaction",
        chat_type=chat_type(chat),
        chat_id=chat,
        space_id=team,
        sender=Person(id=user),
        message_id=ts,
        dedupe_id=f"{team}:{chat}:{ts}:{'+' if added else '-'}{name}:{user}:{when}",
        timestamp_ms=milliseconds(when),
        text=f":{name}:",
        reaction=character_of(name) if added else "",
        mention="reply" if text(event, "item_user") == me.user_id else "none",
    )


def command(
    payload: Fields, me: Identity, envelope: str, now_ms: int, plain: str
) -> Inbound | None:
    """Read a slash command.

    :param envelope: names the delivery, for a command without an id of its own.
    :param plain: the command whose text is a message and no part of a command.
    """
    word = text(payload, "command").lstrip("/")
    chat, user = text(payload, "channel_id"), text(payload, "user_id")
    if not (word and chat and user):
        return None
    team = text(payload, "team_id") or me.team_id
    name = text(payload, "trigger_id") or envelope
    title, said = text(payload, "channel_name"), text(payload, "text").strip()
    return Inbound(
        channel=me.channel,
        account=me.account,
        kind="command",
        chat_type=chat_type(chat, {"directmessage": "im"}.get(title, "")),
        chat_id=chat,
        chat_name="" if title in ("directmessage", "privategroup") else title,
        space_id=team,
        sender=Person(id=user, username=text(payload, "user_name")),
        message_id=name,
        dedupe_id=f"{team}:command:{name}",
        timestamp_ms=now_ms,
        text=said if said and word == plain else f"/{word} {said}".rstrip(),
        mention="command",
        command=word,
    )


def button(payload: Fields, me: Identity, envelope: str, now_ms: int) -> Inbound | None:
    """Read a press of a button, or a choice from a menu; None for every other interaction."""
    actions = parts(payload, "actions")
    if text(payload, "type") != "block_actions" or not actions:
        return None
    action, box, message = actions[0], part(payload, "container"), part(payload, "message")
    chat = text(part(payload, "channel"), "id") or text(box, "channel_id")
    ts = text(box, "message_ts") or text(message, "ts")
    user = part(payload, "user")
    said = _chosen(action)
    if not (chat and is_ts(ts) and text(user, "id") and said):
        return None
    team = text(part(payload, "team"), "id") or me.team_id
    when = text(action, "action_ts")
    thread = text(box, "thread_ts") or text(message, "thread_ts")
    return Inbound(
        channel=me.channel,
        account=me.account,
        kind="button",
        chat_type=chat_type(chat),
        chat_id=chat,
        space_id=team,
        thread_id=thread if thread != ts else "",
        sender=Person(id=text(user, "id"), username=text(user, "username", "name")),
        message_id=ts,
        dedupe_id=f"{team}:{chat}:{ts}:button:{when or envelope}:{text(action, 'action_id')}",
        timestamp_ms=milliseconds(when) or now_ms,
        text=said,
        reply_to=Quote(message_id=ts, text=text(message, "text"), is_own=True),
        mention="reply",
    )


def _chosen(action: Fields) -> str:
    chosen = part(action, "selected_option")
    return (
        text(action, "value")
        or text(chosen, "value")
        or text(part(action, "text"), "text")
        or text(action, "selected_user", "selected_conversation", "selected_date", "action_id")
    )


def _sender(message: Fields) -> Person:
    user, bot = text(message, "user"), text(message, "bot_id")
    return Person(
        id=user or bot,
        name=text(message, "username"),
        is_bot=bool(bot) or text(message, "subtype") == "bot_message" or user == "USLACKBOT",
    )


def _said(message: Fields) -> str:
    """A message's text; other apps put theirs into attachments alone."""
    return text(message, "text") or "\n".join(
        said for each in parts(message, "attachments") if (said := text(each, "text", "fallback"))
    )


def _quote(message: Fields, me: Identity) -> Quote:
    parent = text(message, "parent_user_id")
    return Quote(
        message_id=text(message, "thread_ts"),
        sender_id=parent,
        is_own=parent == me.user_id,
    )


def _mention(message: Fields, said: str, me: Identity) -> Mention:
    named = text(message, "type") == "app_mention" or me.user_id in mentioned(said)
    return "native" if named else "none"


def _attachments(message: Fields) -> tuple[Attachment, ...]:
    found = [_attachment(file) for file in parts(message, "files")]
    return tuple(each for each in found if each is not None)[:MAX_FILES]


def _attachment(file: Fields) -> Attachment | None:
    """One file. Those of other workspaces may come as an id alone, to be asked about."""
    name = text(file, "id")
    if not name or text(file, "mode") in ("tombstone", "hidden_by_limit"):
        return None
    mime, url = text(file, "mimetype"), text(file, "url_private_download", "url_private")
    if file.get("is_external") is True or text(file, "mode") == "external":
        url = "external:"  # Somebody's address: neither asked nor shown our token.
    return Attachment(
        kind=_media_kind(mime, text(file, "subtype")),
        mime=mime,
        name=text(file, "name", "title"),
        size=number(file, "size"),
        ref=f"{name} {url}".strip(),
        duration_ms=number(file, "duration_ms"),
    )


def _media_kind(mime: str, subtype: str) -> MediaKind:
    if subtype == "slack_audio":
        return "voice"
    general = mime.partition("/")[0]
    kinds: dict[str, MediaKind] = {"image": "image", "audio": "audio", "video": "video"}
    return kinds.get(general, "document")


def people_of(message: Inbound) -> tuple[str, ...]:
    """Ids of those whose names are wanted for a message."""
    named = dict.fromkeys((message.sender.id, *message.mentions))
    return tuple(each for each in named if each.startswith(("U", "W")))


def dressed(message: Inbound, people: Mapping[str, Person], me: Identity) -> Inbound:
    """Put names where ids are, and make the text readable."""
    names = {each.id: each.name or each.username for each in people.values()}
    if me.name:
        names.setdefault(me.user_id, me.name)
    sender, known = message.sender, people.get(message.sender.id)
    if known is not None:
        sender = replace(
            sender,
            name=sender.name or known.name,
            username=sender.username or known.username,
            is_bot=sender.is_bot or known.is_bot,
        )
    said = message.text
    if message.kind in ("message", "edit") and not said.startswith(("<media:", "<empty>")):
        said = readable(said, names, me.user_id) or said
    return replace(message, sender=sender, text=said)


def posted(
    outgoing: Outgoing, chat: str, thread: str, said: str, unfurl: tuple[bool, bool]
) -> dict[str, Any]:
    """The arguments of ``chat.postMessage``.

    :param said: rendered.
    :param unfurl: whether links, and media, are shown.
    """
    arguments: dict[str, Any] = {
        "channel": chat,
        "text": said,
        "mrkdwn": True,
        "unfurl_links": unfurl[0],
        "unfurl_media": unfurl[1],
        "metadata": {"event_type": MARK, "event_payload": {"id": outgoing.id}},
    }
    if thread:
        arguments["thread_ts"] = thread
    return arguments


def is_marked(message: Fields, outgoing_id: str) -> bool:
    """Whether a message of a history is the one that was sent under an id."""
    mark = part(message, "metadata")
    return (
        text(mark, "event_type") == MARK and text(part(mark, "event_payload"), "id") == outgoing_id
    )
