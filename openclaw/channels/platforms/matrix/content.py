"""What the gateway sends, as Matrix's events; it sends nothing.

https://spec.matrix.org/latest/client-server-api/#instant-messaging
"""

from hashlib import sha256
from typing import Any

from openclaw.channels.text import matrix as text
from openclaw.interfaces.messages import MediaKind, Outgoing

HTML = "org.matrix.custom.html"

_MSGTYPES: dict[MediaKind, str] = {
    "image": "m.image",
    "sticker": "m.image",
    "audio": "m.audio",
    "voice": "m.audio",
    "video": "m.video",
    "document": "m.file",
}


def transaction(*parts: str) -> str:
    """A transaction id: the same parts are the same event, however often they are sent."""
    return "openclaw-" + sha256("\0".join(parts).encode()).hexdigest()[:32]


def message(outgoing: Outgoing) -> dict[str, Any]:
    """A new message of text."""
    return {**words(outgoing.text), **relation(outgoing)}


def edit(outgoing: Outgoing) -> dict[str, Any]:
    """A change of ``outgoing.message_id``; clients that know no edits show it behind a star."""
    new = words(outgoing.text)
    return {
        **new,
        "body": f"* {new['body']}",
        "formatted_body": f"* {new['formatted_body']}",
        # Whoever was mentioned was told when the message came.
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": outgoing.message_id},
    }


def file(outgoing: Outgoing, uri: str, size: int) -> dict[str, Any]:
    """A file that was uploaded, with the text as its caption."""
    attachment = outgoing.attachment
    assert attachment is not None
    name = attachment.name or "file"
    info: dict[str, Any] = {"size": size}
    if attachment.mime:
        info["mimetype"] = attachment.mime
    if attachment.duration_ms:
        info["duration"] = attachment.duration_ms
    content: dict[str, Any] = {
        "body": name,
        "m.mentions": {},
        "msgtype": _MSGTYPES[attachment.kind],
        "url": uri,
        "filename": name,
        "info": info,
    }
    if attachment.kind == "voice":
        content["org.matrix.msc3245.voice"] = {}
    if outgoing.text.strip():
        caption = words(outgoing.text)
        del caption["msgtype"]
        content |= caption
    return {**content, **relation(outgoing)}


def reaction(message_id: str, emoji: str) -> dict[str, Any]:
    """A reaction to a message."""
    return {
        "m.relates_to": {"rel_type": "m.annotation", "event_id": message_id, "key": emoji},
    }


def notice(body: str) -> dict[str, Any]:
    """Words that no bot answers."""
    return {"msgtype": "m.notice", "body": body, "m.mentions": {}}


def plain(content: dict[str, Any]) -> dict[str, Any]:
    """The same without HTML, for what would not fit."""
    kept = {key: value for key, value in content.items() if key not in ("format", "formatted_body")}
    new = kept.get("m.new_content")
    return kept if new is None else {**kept, "m.new_content": plain(new)}


def words(markdown: str) -> dict[str, Any]:
    """Text in both forms, and who is mentioned in it."""
    body = text.body(markdown)
    mentioned = sorted(set(text.USER_ID.findall(body)))
    return {
        "msgtype": "m.text",
        "body": body,
        "format": HTML,
        "formatted_body": text.render(markdown),
        "m.mentions": {"user_ids": mentioned} if mentioned else {},
    }


def relation(outgoing: Outgoing) -> dict[str, Any]:
    """The thread that a message belongs to, and what it answers."""
    thread, replied = outgoing.target.thread_id, outgoing.target.reply_to
    if thread:
        # Clients that know no threads show a reply: to what is answered, else to the root.
        return {
            "m.relates_to": {
                "rel_type": "m.thread",
                "event_id": thread,
                "is_falling_back": not replied,
                "m.in_reply_to": {"event_id": replied or thread},
            }
        }
    return {"m.relates_to": {"m.in_reply_to": {"event_id": replied}}} if replied else {}
