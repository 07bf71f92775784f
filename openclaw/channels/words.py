"""What an agent reads of a message: the words, who said them, and what was said before. Pure."""

from collections.abc import Iterable, Sequence

from openclaw.interfaces.messages import Inbound, Person

QUOTE_CHARACTERS = 500
CONTEXT_CHARACTERS = 8_000


def words_for(message: Inbound, more: Sequence[Inbound] = ()) -> str:
    """The input a message makes, with those that belong to it.

    A command stays the first word. In groups each message names who wrote it.
    """
    if message.kind == "command" or message.text.startswith("/"):
        return message.text
    parts = [_quoted(message), *(_said(one) for one in (message, *more))]
    return "\n".join(part for part in parts if part)


def context_for(message: Inbound, context: Sequence[Inbound], more: Sequence[Inbound] = ()) -> str:
    """Extra words for the model: where the message came from, and the files that came with it.

    :param more: what belongs to it, such as the other pictures of an album.
    """
    lines = [_where(message)]
    lines += [
        f"- {one.kind} attached: {one.name or one.mime or one.kind}, stored at {one.path}"
        for part in (message, *more)
        for one in part.attachments
        if one.path
    ]
    if context:
        lines.append("Said in the group before, to others (oldest first):")
        lines += _last(_said(one) for one in context)
    return "\n".join(lines)


def name_of(person: Person) -> str:
    """What somebody is called: a name, or else the id."""
    return person.name or person.username or person.id


def _where(message: Inbound) -> str:
    who = name_of(message.sender)
    place = "in a direct chat"
    if message.chat_type != "dm":
        place = f"in the {message.chat_type} {message.chat_name or message.chat_id}"
    return f"This message came over {message.channel} from {who} {place}."


def _said(message: Inbound) -> str:
    captions = [one.caption for one in message.attachments if one.caption]
    # A caption is mostly the text as well, perhaps with a note on a file behind it.
    text = "\n".join([message.text, *(one for one in captions if one not in message.text)])
    return text if message.chat_type == "dm" else f"{name_of(message.sender)}: {text}"


def _quoted(message: Inbound) -> str:
    quote = message.reply_to
    if quote is None or not quote.text:
        return ""
    text = quote.text[:QUOTE_CHARACTERS]
    return "\n".join(f"> {line}" for line in text.splitlines())


def _last(lines: Iterable[str]) -> list[str]:
    """The latest lines that are not too much to read."""
    kept: list[str] = []
    size = 0
    for line in reversed(list(lines)):
        size += len(line)
        if size > CONTEXT_CHARACTERS:
            break
        kept.append(line)
    return kept[::-1]
