"""Marked parts of Telegram's texts: mentions, commands, hidden links; counted in UTF-16 units."""

from collections.abc import Sequence

from openclaw.channels.platforms.telegram.objects import Entity, User
from openclaw.channels.text.units import utf16_index, utf16_slice


def part(text: str, entity: Entity) -> str:
    """The marked part of a text; what reaches beyond its end is cut."""
    return utf16_slice(text, entity.offset, entity.length)


def mentions_of(text: str, entities: Sequence[Entity], me: User) -> tuple[str, ...]:
    """Ids of those whom a text mentions, as far as Telegram tells them; ours if it is us."""
    found = []
    for entity in entities:
        if entity.type == "text_mention" and entity.user is not None:
            found.append(str(entity.user.id))
        elif entity.type == "mention" and _is_name(part(text, entity), me):
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
    return mention.startswith("@") and is_for(mention[1:], me)
