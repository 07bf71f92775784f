"""What people do in a room, as events of the gateway; it asks nobody and remembers nothing."""

import re
from collections.abc import Iterable
from html import unescape
from urllib.parse import unquote

import msgspec.structs
from attrs import frozen

from openclaw.channels.platforms.matrix import media
from openclaw.channels.platforms.matrix.events import Event, Json, mapping, sequence, words
from openclaw.channels.platforms.matrix.login import Me
from openclaw.interfaces.messages import ChatType, Inbound, Mention, Person, Quote

_IGNORED = ("m.notice", "m.server_notice")
_LEGACY_QUOTE = re.compile(r"> (?:\* )?<@[^>\n]+>")
_PILL = re.compile(r"""<a\s[^<>]*?href\s*=\s*["']([^"'<>]*)["']""", re.IGNORECASE)
_MATRIX_TO = re.compile(r"https?://matrix\.to/#/(?P<id>[^/?]+)", re.IGNORECASE)
_MATRIX_URI = re.compile(r"matrix:u/(?P<id>[^/?]+)", re.IGNORECASE)
_MX_REPLY_END = "</mx-reply>"
_COMMAND = re.compile(r"/([A-Za-z][\w-]{0,63})(?=\s|\Z)")


@frozen(kw_only=True)
class Facts:
    """What an event does not say about itself.

    :ivar alias: what the settings call the room, if not by its id.
    :ivar sender_name: what its sender is called in the room.
    :ivar quote: what it answers.
    :ivar original: what it changes, for an edit; ``None`` if that is not known.
    """

    chat_type: ChatType
    chat_name: str = ""
    alias: str = ""
    sender_name: str = ""
    quote: Quote | None = None
    original: Event | None = None


@frozen(kw_only=True)
class Reader:
    """Knows who we are, and so what an event means for us."""

    channel: str
    account: str
    me: Me

    def wants(self, event: Event) -> bool:
        """Whether an event could be anything to us at all."""
        if event.sender == self.me.user_id or event.is_redacted:
            return False
        if event.type == "m.reaction":
            return event.relates_as == "m.annotation" and bool(event.relates_to)
        if event.type == "m.sticker":
            return True
        kind = words(event.content.get("msgtype"))
        return (
            event.type == "m.room.message"
            and bool(kind)
            and kind not in _IGNORED
            and not kind.startswith("m.key.")
        )

    def inbound(self, room_id: str, event: Event, facts: Facts) -> Inbound | None:
        """What the gateway is told of an event; ``None`` for what says nothing."""
        if event.type == "m.reaction":
            return self._reaction(room_id, event, facts)
        if event.relates_as == "m.replace":
            return self._edit(room_id, event, facts)
        return self._message(room_id, event, event.content, facts)

    def quote(self, event: Event) -> Quote:
        """A message as another one quotes it."""
        return Quote(
            message_id=event.id,
            sender_id=event.sender,
            text=_text(event, event.content),
            is_own=event.sender == self.me.user_id,
        )

    def _message(self, room_id: str, event: Event, content: Json, facts: Facts) -> Inbound | None:
        text = _text(event, content)
        if not text:
            return None
        kind = media.kind_of(content, event.type)
        mentions, named = self._mentions(content)
        said = self._without_our_name(text)
        command = _COMMAND.match(said)
        quote = facts.quote
        mention: Mention = "none"
        if named:
            mention = "native"
        elif quote is not None and quote.is_own:
            mention = "reply"
        return Inbound(
            channel=self.channel,
            account=self.account,
            kind="command" if command else "message",
            chat_type=facts.chat_type,
            chat_id=room_id,
            chat_name=facts.chat_name,
            parent_id=facts.alias,
            thread_id=event.thread,
            sender=Person(id=event.sender, name=facts.sender_name, username=event.sender),
            message_id=event.id,
            dedupe_id=event.id,
            timestamp_ms=event.timestamp_ms,
            text=said if command else text,
            attachments=() if kind is None else (media.attachment(content, kind),),
            reply_to=quote,
            mention=mention,
            mentions=mentions,
            command=command[1] if command else "",
        )

    def _edit(self, room_id: str, event: Event, facts: Facts) -> Inbound | None:
        """An edit; nobody can change what another one wrote."""
        original = facts.original
        if original is not None and original.sender != event.sender:
            return None
        changed = self._message(room_id, event, mapping(event.content.get("m.new_content")), facts)
        if changed is None:
            return None
        return msgspec.structs.replace(
            changed,
            kind="edit",
            command="",
            message_id=event.relates_to,
            edit_of=event.relates_to,
            thread_id="" if original is None else original.thread,
        )

    def _reaction(self, room_id: str, event: Event, facts: Facts) -> Inbound | None:
        key = words(event.relation.get("key"))
        if not key:
            return None
        return Inbound(
            channel=self.channel,
            account=self.account,
            kind="reaction",
            chat_type=facts.chat_type,
            chat_id=room_id,
            chat_name=facts.chat_name,
            parent_id=facts.alias,
            sender=Person(id=event.sender, name=facts.sender_name, username=event.sender),
            message_id=event.relates_to,
            dedupe_id=event.id,
            timestamp_ms=event.timestamp_ms,
            text=f"<reaction:{key}>",
            reaction=key,
        )

    def _mentions(self, content: Json) -> tuple[tuple[str, ...], bool]:
        """Who is mentioned, and whether we are; what the sender's client states is final."""
        if "m.mentions" in content:
            stated = sequence(mapping(content["m.mentions"]).get("user_ids"))
            ids = tuple(dict.fromkeys(one for one in stated if isinstance(one, str)))
            return ids, self.me.user_id in ids
        ids = tuple(dict.fromkeys(_pills(words(content.get("formatted_body")))))
        return ids, self.me.user_id in ids or self._names_us(_unquoted(content))

    def _names_us(self, text: str) -> bool:
        names = (self.me.user_id, self.me.name)
        return any(name and _whole_word(name).search(text) for name in names)

    def _without_our_name(self, text: str) -> str:
        """What follows our name at the start: a command may stand behind it."""
        for name in (self.me.user_id, self.me.name):
            if name and text.lower().startswith(name.lower()):
                return text[len(name) :].lstrip(":, ")
        return text


def _text(event: Event, content: Json) -> str:
    kind = media.kind_of(content, event.type)
    if kind is not None:
        return media.described(content, kind)
    if content.get("msgtype") == "m.location":
        return media.place(content)
    return _unquoted(content).strip()


def _unquoted(content: Json) -> str:
    """The body without the copy of what it answers, which older clients put before it."""
    body = words(content.get("body"))
    if not _LEGACY_QUOTE.match(body):
        return body
    lines = body.split("\n")
    while lines and lines[0].startswith(">"):
        del lines[0]
    return "\n".join(lines)


def _pills(html: str) -> Iterable[str]:
    """The people whom links in a formatted body stand for."""
    # What is answered stands first, copied, with the people whom that one mentioned.
    for href in _PILL.findall(html.rpartition(_MX_REPLY_END)[2]):
        link = unescape(href)
        found = _MATRIX_TO.match(link)
        if found and (user := unquote(found["id"])).startswith("@"):
            yield user
        elif found := _MATRIX_URI.match(link):
            yield f"@{unquote(found['id'])}"


def _whole_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@]){re.escape(name)}(?!\w)", re.IGNORECASE)
