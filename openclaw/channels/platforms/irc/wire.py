"""What people say on IRC as inbound messages; pure: no I/O, no clock."""

import re
from datetime import UTC, datetime
from hashlib import sha256

from attrs import frozen

from openclaw.channels.platforms.irc.lines import Line, without_formatting
from openclaw.channels.platforms.irc.registration import Session
from openclaw.interfaces.messages import Inbound, Mention, Person, Quote

SYNTHETIC = "~"
"""Begins the ids of messages to which the server gave none."""

_ACTION = "ACTION "
_REPLY_TAGS = ("+draft/reply", "+reply")


@frozen(kw_only=True)
class Place:
    """Whose messages they are.

    :ivar listed: people whom the settings name.
    """

    channel: str
    account: str
    listed: frozenset[str] = frozenset()


def inbound(
    line: Line,
    session: Session,
    place: Place,
    now_ms: int,
    own: frozenset[str] = frozenset(),
    called: str = "",
) -> Inbound | None:
    """A ``PRIVMSG`` as a message; ``None`` for what is none: our own, a server's, a CTCP request.

    :param own: ids of messages of ours, which a reply may name.
    :param called: another nick that was ours when it was said.
    """
    if line.command != "PRIVMSG" or len(line.params) < 2 or not _is_person(line):
        return None
    text = _readable(line)
    ours = {session.fold(session.nick), session.fold(called or session.nick)}
    if not text or session.fold(line.nick) in ours:
        return None
    target = line.params[0]
    in_channel = session.is_channel(target)
    if not in_channel and session.fold(target) not in ours:
        return None
    chat = target.lstrip(session.features.get("STATUSMSG", "@+")) if in_channel else line.nick
    sent_ms = milliseconds(line.tags.get("time", "")) or now_ms
    mention, text = addressed(text, session.nick) if in_channel else ("none", text)
    sender = sender_of(line, place.listed)
    return Inbound(
        channel=place.channel,
        account=place.account,
        chat_type="group" if in_channel else "dm",
        chat_id=chat.lower(),
        chat_name=chat,
        sender=sender,
        message_id=_message_id(line, chat.lower(), sent_ms),
        dedupe_id=_dedupe_id(line, chat.lower(), sent_ms),
        timestamp_ms=sent_ms,
        text=text,
        mention=mention,
        reply_to=_quoted(line, own),
    )


def _is_person(line: Line) -> bool:
    """Whether somebody says it; a server, which has no mask either, is called as hosts are."""
    return bool(line.mask or (line.prefix and "." not in line.prefix))


def sender_of(line: Line, listed: frozenset[str] = frozenset()) -> Person:
    """Who says a line: by the account that the server vouches for, else by the host mask.

    A nick is nobody's own. An account is, where there are services; the server puts it into a tag
    that nobody else can send. Without one the ``user@host`` is the best there is. Somebody of
    whom the settings name only the mask, with or without the nick before it, is known by that.
    """
    account = line.tags.get("account", "")
    known = [f"*!{line.mask}", f"{line.nick}!{line.mask}"] if line.mask else [f"{line.nick}!"]
    if account and account != "*":
        known.insert(0, f"account:{account}")
    ids = [one.lower().replace(",", "_") for one in known]
    return Person(
        id=next((one for one in ids if one in listed), ids[0]),
        name=line.nick,
        username=line.nick,
        is_bot="bot" in line.tags or "draft/bot" in line.tags,
    )


def addressed(text: str, nick: str) -> tuple[Mention, str]:
    """Whether a text in a channel names us, and the text without the name in front of it."""
    name = re.escape(nick)
    front = re.match(rf"@?{name}(?:[:,]\s*|\s+|$)", text, re.IGNORECASE)
    if front and text[front.end() :].strip():
        return "native", text[front.end() :].strip()
    # Within a word it is another one's name; nicks have signs that are no letters to others.
    signs = r"\w\[\]\\`^{}|-"
    found = re.search(rf"(?<![{signs}]){name}(?![{signs}])", text, re.IGNORECASE)
    return ("native" if found else "none"), text


def milliseconds(stamp: str) -> int:
    """A server's time, such as ``2026-01-02T03:04:05.678Z``, as Unix milliseconds; 0 if none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return 0
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def stamp(unix_ms: int) -> str:
    """The same the other way round."""
    moment = datetime.fromtimestamp(max(0, unix_ms) / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


def _readable(line: Line) -> str:
    """What is said, without formatting; nothing for CTCP, of which only actions are words."""
    text = line.params[1]
    if text.startswith("\x01"):
        command = text.strip("\x01")
        if not command.startswith(_ACTION):
            return ""
        text = f"* {line.nick} {command.removeprefix(_ACTION)}"
    return without_formatting(text).strip()


def _message_id(line: Line, chat: str, sent_ms: int) -> str:
    given = line.tags.get("msgid", "")
    return given or SYNTHETIC + _digest(chat, line.nick, line.params[1], str(sent_ms))


def _dedupe_id(line: Line, chat: str, sent_ms: int) -> str:
    """Names an event; what is said twice within a second, word for word, is said once."""
    given = line.tags.get("msgid", "")
    if given:
        return f"{chat}:{given}"
    when = sent_ms if "time" in line.tags else sent_ms // 1000
    return f"{chat}:{_digest(line.nick.lower(), line.params[1], str(when))}"


def _digest(*words: str) -> str:
    return sha256("\0".join(words).encode("utf-8", "replace")).hexdigest()[:24]


def _quoted(line: Line, own: frozenset[str]) -> Quote | None:
    for tag in _REPLY_TAGS:
        if line.tags.get(tag):
            return Quote(message_id=line.tags[tag], is_own=line.tags[tag] in own)
    return None
