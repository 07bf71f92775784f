"""What Telegram tells, as events of the gateway; it sends nothing and remembers nothing."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.channels.platforms.telegram import entities, media
from openclaw.channels.platforms.telegram.objects import (
    CallbackQuery,
    Chat,
    Message,
    MessageReaction,
    User,
    read,
)
from openclaw.interfaces.messages import ChatType, Inbound, Mention, Person, Quote

ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "channel_post",
    "callback_query",
    "message_reaction",
    "my_chat_member",
)
"""Kinds that Telegram is asked for; ``message_reaction`` is left out unless it is named."""

GENERAL = "1"
"""The thread of a forum that every forum has; its messages carry no thread id."""

_CHAT_TYPES: Mapping[str, ChatType] = {
    "private": "dm",
    "group": "group",
    "supergroup": "group",
    "channel": "channel",
}


@frozen(kw_only=True)
class Update:
    """One update, not yet looked into.

    :ivar kind: the name of its only other field; empty if there is none.
    """

    id: int
    kind: str = ""
    content: Any = None

    @property
    def lane(self) -> str:
        """What it is about: updates of one lane keep their order."""
        content = self.content if isinstance(self.content, dict) else {}
        if self.kind == "callback_query" and isinstance(content.get("message"), dict):
            content = content["message"]
        chat = content.get("chat")
        return str(chat.get("id", "")) if isinstance(chat, dict) else ""


@frozen(kw_only=True)
class News:
    """What one update comes to.

    :ivar inbound: what the gateway is told, if anything.
    :ivar callback_id: a button that Telegram wants answered at once.
    :ivar moved: a group's old and new id.
    :ivar unused: why nothing is told, where nothing is.
    """

    inbound: Inbound | None = None
    callback_id: str = ""
    moved: tuple[str, str] | None = None
    unused: str = ""


def update(raw: object) -> Update | None:
    """Read an update's frame; ``None`` for what has no id, so that nothing can be confirmed."""
    if not isinstance(raw, dict):
        return None
    number = raw.get("update_id")
    if not isinstance(number, int):
        return None
    for kind, content in raw.items():
        if kind != "update_id" and content is not None:
            return Update(id=number, kind=kind, content=content)
    return Update(id=number)


@frozen(kw_only=True)
class Reader:
    """Knows who we are, and so what an update means for us.

    :ivar commands: words that are ours in a group without our name behind them.
    """

    channel: str
    account: str
    me: User
    now_ms: Callable[[], int]
    commands: frozenset[str] = field(factory=frozenset)

    def news(self, update: Update) -> News:
        """Read an update; kinds and shapes that are not known come to nothing."""
        try:
            return self._news(update)
        except msgspec.ValidationError as error:
            return News(unused=f"{update.kind} of a shape that is not known: {error}")

    def _news(self, update: Update) -> News:
        if update.kind in ("message", "channel_post"):
            return self._message(read(update.content, Message))
        if update.kind in ("edited_message", "edited_channel_post"):
            return self._edit(read(update.content, Message))
        if update.kind == "callback_query":
            return self._button(read(update.content, CallbackQuery))
        if update.kind == "message_reaction":
            return self._reaction(read(update.content, MessageReaction), update.id)
        return News(unused=f"kind {update.kind or 'empty'}")

    def _message(self, message: Message) -> News:
        here = str(message.chat.id)
        if message.migrate_to_chat_id:
            return News(moved=(here, str(message.migrate_to_chat_id)))
        if message.migrate_from_chat_id:
            return News(moved=(str(message.migrate_from_chat_id), here))
        if message.from_ is not None and message.from_.id == self.me.id:
            return News(unused="our own message")
        text = message.text or message.caption or media.described(message)
        if not text:
            return News(unused="a service message")
        return News(inbound=self._inbound(message, text))

    def _edit(self, message: Message) -> News:
        news = self._message(message)
        if news.inbound is None:
            return news
        return News(
            inbound=msgspec.structs.replace(
                news.inbound,
                kind="edit",
                edit_of=str(message.message_id),
                dedupe_id=f"{news.inbound.dedupe_id}:{message.edit_date}",
                timestamp_ms=(message.edit_date or message.date) * 1000,
            )
        )

    def _inbound(self, message: Message, text: str) -> Inbound:
        told = message.entities if message.text else message.caption_entities
        marked = entities.found_in(text, told)
        chat_type = _chat_type(message.chat)
        word, bot = entities.command_in(text, marked)
        ours = entities.is_for(bot, self.me) if bot else chat_type == "dm" or word in self.commands
        is_command = bool(word) and ours
        mentions = entities.mentions_of(text, marked, self.me)
        quote = self._quote(message)
        readable = entities.with_links(text, marked)
        if is_command and bot:
            readable = readable.replace(f"@{bot}", "", 1)
        return Inbound(
            channel=self.channel,
            account=self.account,
            kind="command" if is_command else "message",
            chat_type=chat_type,
            chat_id=str(message.chat.id),
            chat_name=_chat_name(message.chat),
            thread_id=self._thread(message),
            sender=_sender(message),
            message_id=str(message.message_id),
            dedupe_id=f"{message.chat.id}:{message.message_id}",
            timestamp_ms=message.date * 1000,
            text=readable,
            attachments=media.attachments(message, readable if message.caption else ""),
            reply_to=quote,
            mention=_mention(str(self.me.id) in mentions, is_command, quote),
            mentions=mentions,
            command=word if is_command else "",
            batch=message.media_group_id,
        )

    def _thread(self, message: Message) -> str:
        """The topic; in other groups ``message_thread_id`` only counts a chain of replies."""
        topics = message.is_topic_message or (
            message.chat.type == "private" and self.me.has_topics_enabled
        )
        if topics and message.message_thread_id:
            return str(message.message_thread_id)
        return GENERAL if message.chat.is_forum and message.chat.type != "private" else ""

    def _quote(self, message: Message) -> Quote | None:
        replied = message.reply_to_message
        if replied is None:
            return None
        if replied.forum_topic_created is not None or (
            message.is_topic_message and replied.message_id == message.message_thread_id
        ):
            return None  # The topic's own root, which every message of a topic answers.
        sender = _sender(replied)
        return Quote(
            message_id=str(replied.message_id),
            sender_id=sender.id,
            text=(message.quote.text if message.quote is not None else "")
            or replied.text
            or replied.caption
            or media.described(replied),
            is_own=sender.id == str(self.me.id),
        )

    def _button(self, query: CallbackQuery) -> News:
        message = query.message
        if message is None or query.from_ is None:
            return News(callback_id=query.id, unused="a button of no message")
        return News(
            callback_id=query.id,
            inbound=Inbound(
                channel=self.channel,
                account=self.account,
                kind="button",
                chat_type=_chat_type(message.chat),
                chat_id=str(message.chat.id),
                chat_name=_chat_name(message.chat),
                thread_id=self._thread(message),
                sender=_person(query.from_),
                message_id=str(message.message_id),
                dedupe_id=f"callback:{query.id}",
                timestamp_ms=self.now_ms(),
                text=query.data or "<button>",
                mention="native",
            ),
        )

    def _reaction(self, change: MessageReaction, update_id: int) -> News:
        sender = _person(change.user) if change.user is not None else _as_chat(change.actor_chat)
        if sender.id in ("", str(self.me.id)):
            return News(unused="a reaction of nobody, or our own")
        before = {one.name for one in change.old_reaction}
        added = [one.name for one in change.new_reaction if one.name not in before]
        emoji = added[0] if added else ""
        return News(
            inbound=Inbound(
                channel=self.channel,
                account=self.account,
                kind="reaction",
                chat_type=_chat_type(change.chat),
                chat_id=str(change.chat.id),
                chat_name=_chat_name(change.chat),
                sender=sender,
                message_id=str(change.message_id),
                dedupe_id=f"reaction:{change.chat.id}:{change.message_id}:{update_id}",
                timestamp_ms=change.date * 1000,
                text=f"<reaction:{emoji}>" if emoji else "<reaction taken back>",
                reaction=emoji,
            )
        )


def _mention(named: bool, is_command: bool, quote: Quote | None) -> Mention:
    if named:
        return "native"
    if is_command:
        return "command"
    return "reply" if quote is not None and quote.is_own else "none"


def _chat_type(chat: Chat) -> ChatType:
    # A chat without a type is somebody's own if its id is a person's: groups are negative.
    return _CHAT_TYPES.get(chat.type, "dm" if chat.id > 0 else "group")


def _chat_name(chat: Chat) -> str:
    return chat.title or " ".join(filter(None, (chat.first_name, chat.last_name))) or chat.username


def _sender(message: Message) -> Person:
    """Who wrote: an anonymous administrator and a channel write as the chat that they are."""
    if message.sender_chat is not None:
        return _as_chat(message.sender_chat)
    return _person(message.from_) if message.from_ is not None else _as_chat(message.chat)


def _person(user: User) -> Person:
    return Person(
        id=str(user.id),
        name=" ".join(filter(None, (user.first_name, user.last_name))),
        username=user.username,
        is_bot=user.is_bot,
    )


def _as_chat(chat: Chat | None) -> Person:
    if chat is None:
        return Person(id="")
    return Person(id=str(chat.id), name=_chat_name(chat), username=chat.username)
