"""Marked parts of Telegram's texts: mentions, commands, hidden links; counted in UTF-16 units."""

import re
from collections.abc import Sequence

from openclaw.channels.platforms.telegram.objects import Entity, User
from openclaw.channels.text.units import utf16_index, utf16_length, utf16_slice

_PLAIN = re.compile(
    r"(?P<bot_command>\A/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]+)?(?!\S))"
    r"|(?<![\w@/])(?P<mention>@[A-Za-z0-9_]+)(?!\w)"
)


def found_in(text: str, entities: Sequence[Entity]) -> Sequence[Entity]:
    """The marks of a text, or those that Telegram would have made where a server makes none."""
    if entities:
        return entities
    return tuple(
        Entity(
            type=str(found.lastgroup),
            offset=utf16_length(text[: found.start()]),
            length=utf16_length(found[0]),
        )
        for found in _PLAIN.finditer(text)
    )


def part(text: str, entity: Entity) -> str:
    """The marked part of a text; what reaches beyond its end is cut."""
    return utf16_slice(text, entity.offset, entity.length)


def mentions_of(text: str, entities: Sequence[Entity], me: User) -> tuple[str, ...]:
    """Ids of those whom a text mentions, as far as Telegram tells them; ours if it is us."""
    found = []
    for entity in entities:
        if entity.type == "text_mention" and entity.user is not None:
            found.append(str(entity.user.id))
        elif entity.type == "bot_command" and entity.offset == 0:
            continue  # That is a command for somebody, not a word about them.
        elif entity.type in ("mention", "bot_command") and _is_name(part(text, entity), me):
            found.append(str(me.id))
    return tuple(dict.fromkeys(found))


def command_in(text: str, entities: Sequence[Entity]) -> tuple[str, str]:
    """The command that a text begins with.

    :return: its word in lower case, and the name of the bot it is for; both may be empty.
    """
    for entity in entities:
        if entity.type == "bot_command" and entity.offset == 0:
            word, _, bot = part(text, entity).removeprefix("/").partition("@")
            return word.lower(), bot
    return "", ""


def is_for(bot: str, me: User) -> bool:
    """Whether the name behind a command is ours."""
    return bool(me.username) and bot.lower() == me.username.lower()


def with_links(text: str, entities: Sequence[Entity]) -> str:
    """A text with the addresses of its hidden links, as Markdown, for else nobody could tell."""
    pieces, done = [], 0
    for entity in sorted(entities, key=lambda one: one.offset):
        start = utf16_index(text, entity.offset)
        end = utf16_index(text, entity.offset + entity.length)
        if entity.type == "text_link" and entity.url and done <= start < end:
            pieces.append(f"{text[done:start]}[{text[start:end]}]({entity.url})")
            done = end
    return "".join([*pieces, text[done:]])


def _is_name(mention: str, me: User) -> bool:
    """Whether ``@name``, or a command with that behind it, is about us."""
    return is_for(mention.rpartition("@")[2], me) and "@" in mention
