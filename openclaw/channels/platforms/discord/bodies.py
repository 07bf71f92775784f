"""What is said, as Discord's requests: the JSON of a message, and multipart bodies. Pure."""

import re
from collections.abc import Callable, Container, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from attrs import frozen

from openclaw.channels.forms import Part, multipart
from openclaw.interfaces.messages import Outgoing

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
SILENT = 1 << 12
NONCE_LENGTH = 25
MOST_MENTIONS = 100
THREAD_NAME_LENGTH = 100
THREAD_MINUTES = 1440

_FORBIDDEN = re.compile(r'[\x00-\x1f"\\]')
"""What a file's name has as ``_``: a quoted name knows no escapes that all readers share."""

_MENTIONED = re.compile(r"<@!?(\d{1,20})>")

Body = dict[str, Any]


@frozen
class File:
    """A file to be sent."""

    name: str
    mime: str
    content: bytes


def nonce_of(outgoing_id: str) -> str:
    """The key by which Discord knows a repeated message: the id, or what 25 letters hold of it."""
    if 0 < len(outgoing_id) <= NONCE_LENGTH:
        return outgoing_id
    return sha256(outgoing_id.encode()).hexdigest()[:NONCE_LENGTH]


def allowed_mentions(text: str, known: Container[str]) -> Body:
    """Who may be alerted by a text: people it names whom the bot has met; never everybody."""
    named = dict.fromkeys(_MENTIONED.findall(text))
    users = [user for user in named if user in known][:MOST_MENTIONS]
    return {"parse": [], "users": users, "replied_user": False}


def message_body(outgoing: Outgoing, text: str, known: Container[str], suppress: bool) -> Body:
    """A new message.

    :param text: as rendered.
    :param known: ids of people that may be mentioned.
    """
    body: Body = {
        "content": text,
        "nonce": nonce_of(outgoing.id),
        "enforce_nonce": True,
        "allowed_mentions": allowed_mentions(text, known),
    }
    flags = (SUPPRESS_EMBEDS if suppress else 0) | (SILENT if outgoing.silent else 0)
    if flags:
        body["flags"] = flags
    if outgoing.target.reply_to:
        body["message_reference"] = {
            "message_id": outgoing.target.reply_to,
            "fail_if_not_exists": False,
        }
    return body


def changed_body(text: str, known: Container[str]) -> Body:
    """A changed message, or the answer to an interaction."""
    return {"content": text, "allowed_mentions": allowed_mentions(text, known)}


def post_body(body: Body) -> Body:
    """The same message as the first of a new post in a forum."""
    message = {
        key: body[key]
        for key in ("content", "allowed_mentions", "flags", "attachments")
        if key in body
    }
    return {
        "name": thread_name(body["content"]),
        "auto_archive_duration": THREAD_MINUTES,
        "message": message,
    }


def thread_name(text: str) -> str:
    """A name made of the first line of a text."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return " ".join(line.strip("#*_`~> ").split())[:THREAD_NAME_LENGTH] or "Answer"


def encode(
    body: Body | list[Body], files: Sequence[File], random_bytes: Callable[[int], bytes]
) -> tuple[str, bytes]:
    """A request's content type and body: JSON, or multipart where there are files.

    :param random_bytes: for the boundary; see :func:`openclaw.channels.forms.multipart`.
    """
    if not files or isinstance(body, list):
        return "application/json", msgspec.json.encode(body)
    listed = [{"id": number, "filename": file.name} for number, file in enumerate(files)]
    # In a forum's new post the list of files belongs to the message within.
    if "message" in body:
        told = {**body, "message": {**body["message"], "attachments": listed}}
    else:
        told = {**body, "attachments": listed}
    payload = Part(name="payload_json", data=msgspec.json.encode(told), mime="application/json")
    parts = [
        Part(
            name=f"files[{number}]",
            data=file.content,
            filename=_FORBIDDEN.sub("_", file.name),
            mime=file.mime,
        )
        for number, file in enumerate(files)
    ]
    form = multipart({}, [payload, *parts], random_bytes)
    return form.content_type, form.body
