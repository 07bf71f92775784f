"""Files and places in messages, and the addresses that files have; fetches nothing."""

from urllib.parse import quote

from openclaw.channels.platforms.matrix.events import Json, mapping, whole, words
from openclaw.interfaces.messages import Attachment, MediaKind

_KINDS: dict[str, MediaKind] = {
    "m.image": "image",
    "m.audio": "audio",
    "m.video": "video",
    "m.file": "document",
    "m.sticker": "sticker",
}
_VOICE = ("org.matrix.msc3245.voice", "m.voice")


def kind_of(content: Json, event_type: str = "m.room.message") -> MediaKind | None:
    """What kind of file a message is; ``None`` for one without."""
    name = "m.sticker" if event_type == "m.sticker" else words(content.get("msgtype"))
    if name == "m.audio" and any(mark in content for mark in _VOICE):
        return "voice"
    return _KINDS.get(name)


def attachment(content: Json, kind: MediaKind) -> Attachment:
    """The file of a message; without a ``ref`` if it is encrypted, or lies nowhere."""
    info = mapping(content.get("info"))
    url = words(content.get("url"))
    body, name = words(content.get("body")), words(content.get("filename"))
    return Attachment(
        kind=kind,
        mime=words(info.get("mimetype")),
        name=name or ("" if kind == "sticker" else body),
        size=max(0, whole(info.get("size"))),
        ref=url if media_path(url) else "",
        caption=caption(content),
        duration_ms=max(0, whole(info.get("duration"))),
    )


def caption(content: Json) -> str:
    """What is said about a file: the body, where that is not just the file's name."""
    name, body = words(content.get("filename")), words(content.get("body"))
    return body if name and body != name else ""


def described(content: Json, kind: MediaKind) -> str:
    """The text of a message that is a file."""
    said = caption(content) or f"<media:{kind}>"
    if kind == "sticker" and words(content.get("body")):
        said = f"<media:sticker> {words(content.get('body'))}"
    if "file" in content:
        said += "\n[the file is encrypted and cannot be read]"
    return said


def place(content: Json) -> str:
    """The text of a message that is a place."""
    said = words(content.get("body"))
    return " ".join(filter(None, (f"<location: {words(content.get('geo_uri')) or '?'}>", said)))


def media_path(uri: str) -> str:
    """``/server/id`` of an ``mxc:`` address, encoded; empty for anything else."""
    server, slash, media_id = uri.removeprefix("mxc://").partition("/")
    media_id = media_id.partition("?")[0].partition("#")[0]
    if not uri.startswith("mxc://") or not slash or not server or "/" in media_id:
        return ""
    if not media_id or media_id in (".", "..") or server in (".", ".."):
        return ""
    return f"/{quote(server, safe='')}/{quote(media_id, safe='')}"
