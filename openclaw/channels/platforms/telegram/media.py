"""Files that come with messages, and things that are neither text nor file; fetches nothing."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from openclaw.channels.platforms.telegram.objects import FileObject, Message
from openclaw.interfaces.messages import Attachment, MediaKind


def attachments(message: Message, caption: str = "") -> tuple[Attachment, ...]:
    """The files of a message, the photo in its largest size.

    :param caption: the words to them as they are read.
    """
    return tuple(replace(file, caption=caption) for file in _attachments(message))


def described(message: Message) -> str:
    """Say in words what a message without text holds; empty for one that holds nothing."""
    for file in attachments(message):
        sticker = message.sticker
        mark = f" {sticker.emoji}" if sticker is not None and sticker.emoji else ""
        return f"<media:{file.kind}>{mark}"
    return _venue(message) or _contact(message) or _poll(message) or _dice(message)


def _attachments(message: Message) -> Iterator[Attachment]:
    if message.photo:
        largest = max(message.photo, key=lambda size: (size.width * size.height, size.file_size))
        yield _file(largest, "image", "image/jpeg")
    if message.animation is not None:
        # The same file is in ``document`` too, for programs that know no animations.
        yield _file(message.animation, "video", "video/mp4")
    elif message.document is not None:
        yield _file(message.document, "document", "application/octet-stream")
    if message.audio is not None:
        yield _file(message.audio, "audio", "audio/mpeg")
    if message.voice is not None:
        yield _file(message.voice, "voice", "audio/ogg")
    for video in (message.video, message.video_note):
        if video is not None:
            yield _file(video, "video", "video/mp4")
    if message.sticker is not None:
        yield _file(message.sticker, "sticker", _sticker_mime(message.sticker))


def _file(file: FileObject, kind: MediaKind, mime: str) -> Attachment:
    return Attachment(
        kind=kind,
        mime=file.mime_type or mime,
        name=file.file_name,
        size=file.file_size,
        ref=file.file_id,
        duration_ms=int(file.duration * 1000),
    )


def _sticker_mime(sticker: FileObject) -> str:
    if sticker.is_animated:
        return "application/x-tgsticker"
    return "video/webm" if sticker.is_video else "image/webp"


def _venue(message: Message) -> str:
    venue = _dict(message.venue)
    place = _dict(message.location) or _dict(venue.get("location"))
    if not place and not venue:
        return ""
    at = f"{place.get('latitude', '?')}, {place.get('longitude', '?')}" if place else "?"
    if not venue:
        return f"<location: {at}>"
    return f"<venue: {_words(venue, 'title', 'address')} ({at})>"


def _contact(message: Message) -> str:
    contact = _dict(message.contact)
    if not contact:
        return ""
    return f"<contact: {_words(contact, 'first_name', 'last_name', 'phone_number')}>"


def _poll(message: Message) -> str:
    poll = _dict(message.poll)
    if not poll:
        return ""
    options = poll.get("options")
    texts = (
        [str(_dict(option).get("text", "")) for option in options if isinstance(options, list)]
        if isinstance(options, list)
        else []
    )
    return f"<poll: {' | '.join([str(poll.get('question', '')), *texts])}>"


def _dice(message: Message) -> str:
    dice = _dict(message.dice)
    return f"<dice: {dice.get('emoji', '')} {dice.get('value', '')}>" if dice else ""


def _words(thing: dict[str, Any], *names: str) -> str:
    return " ".join(str(thing[name]) for name in names if thing.get(name))


def _dict(thing: object) -> dict[str, Any]:
    return thing if isinstance(thing, dict) else {}
