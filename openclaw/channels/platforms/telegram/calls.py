"""Which call of the Bot API a message becomes, and which other call a refusal leads to.

Pure: it neither sends nor reads files.
"""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from openclaw.channels.platforms.telegram.api import Refused
from openclaw.channels.platforms.telegram.wire import GENERAL
from openclaw.channels.text.telegram import counted, render
from openclaw.channels.text.units import utf16_length
from openclaw.interfaces.messages import Attachment, Outgoing, Target

CAPTION_UNITS = 1024
"""The longest caption, in UTF-16 units once its tags are read."""

PHOTO_BYTES = 10 << 20
UPLOAD_BYTES = 50 << 20

FALLBACK_REACTION = "\N{THUMBS UP SIGN}"

_METHODS = {
    "image": ("sendPhoto", "photo"),
    "video": ("sendVideo", "video"),
    "audio": ("sendAudio", "audio"),
    "voice": ("sendVoice", "voice"),
    "sticker": ("sendSticker", "sticker"),
    "document": ("sendDocument", "document"),
}
_VOICE_TYPES = ("audio/ogg", "audio/opus", "audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a")
_AS_DOCUMENT = ("sendDocument", "document")


@frozen(kw_only=True)
class Call:
    """One call, ready to be made.

    :ivar plain: the text without markup, for when Telegram cannot read the marked one.
    :ivar text_field: where the text stands in ``params``: ``text``, ``caption`` or nowhere.
    :ivar file_field: where the file goes; empty if there is none.
    """

    method: str
    params: Mapping[str, Any] = field(repr=False)
    plain: str = field(default="", repr=False)
    text_field: str = ""
    file_field: str = ""

    def having(self, **params: Any) -> "Call":
        """The same call with other params."""
        return evolve(self, params={**self.params, **params})

    def lacking(self, *names: str) -> "Call":
        """The same call without some params."""
        left = {name: value for name, value in self.params.items() if name not in names}
        return evolve(self, params=left)


def chat(chat_id: str) -> int | str:
    """A chat's id as the Bot API wants it; ``@name`` stays."""
    return int(chat_id) if _is_number(chat_id) else chat_id


def place(target: Target) -> dict[str, Any]:
    """Where to send: chat and topic. The general topic is refused where it is named."""
    params: dict[str, Any] = {"chat_id": chat(target.chat_id)}
    if _is_number(target.thread_id) and target.thread_id != GENERAL:
        params["message_thread_id"] = int(target.thread_id)
    return params


def send_text(outgoing: Outgoing, preview: bool) -> Call:
    """A message of text alone."""
    params = {**_common(outgoing), "text": render(outgoing.text), "parse_mode": "HTML"}
    if not preview:
        params["link_preview_options"] = {"is_disabled": True}
    return Call(method="sendMessage", params=params, plain=outgoing.text, text_field="text")


def send_file(outgoing: Outgoing, size: int) -> Call:
    """A message with a file, its text as the caption if stickers and length allow it."""
    assert outgoing.attachment is not None
    method, file_field = _method(outgoing.attachment, size)
    call = Call(method=method, params=_common(outgoing), file_field=file_field)
    if not captioned(outgoing):
        return call
    call = call.having(caption=render(outgoing.text), parse_mode="HTML")
    return evolve(call, plain=outgoing.text, text_field="caption")


def captioned(outgoing: Outgoing) -> bool:
    """Whether a file's text goes with it; else it follows as a message, if there is any."""
    file = outgoing.attachment
    if file is None or file.kind == "sticker" or not outgoing.text.strip():
        return False
    return utf16_length(counted(outgoing.text)) <= CAPTION_UNITS


def edit_text(outgoing: Outgoing, preview: bool) -> Call:
    """A change of a message's text."""
    params: dict[str, Any] = {
        "chat_id": chat(outgoing.target.chat_id),
        "message_id": int(outgoing.message_id),
        "text": render(outgoing.text),
        "parse_mode": "HTML",
    }
    if not preview:
        params["link_preview_options"] = {"is_disabled": True}
    return Call(method="editMessageText", params=params, plain=outgoing.text, text_field="text")


def mended(call: Call, refused: Refused) -> Call | None:
    """The call to make instead of one that was refused; ``None`` if there is nothing to mend.

    Each mend takes away what it is about, so that none is made twice.
    """
    params = call.params
    if refused.moved_to and str(params.get("chat_id")) != refused.moved_to:
        # Replies and topics of the old group mean nothing in the new one.
        moved = call.having(chat_id=chat(refused.moved_to))
        return moved.lacking("reply_parameters", "message_thread_id")
    if refused.code != 400:
        return None
    if "parse_mode" in params and refused.says("can't parse", "can't find end", "unsupported"):
        return call.having(**{call.text_field: call.plain}).lacking("parse_mode")
    if "message_thread_id" in params and refused.says("thread not found", "topic_deleted"):
        return call.lacking("message_thread_id")
    if "reply_parameters" in params and refused.says(
        "replied not found", "reply not found", "reply_message_id_invalid"
    ):
        return call.lacking("reply_parameters")
    return _mended_file(call, refused)


def _mended_file(call: Call, refused: Refused) -> Call | None:
    if call.method == "editMessageText" and refused.says("no text in the message to edit"):
        caption = call.having(caption=call.params["text"]).lacking("text", "link_preview_options")
        return evolve(caption, method="editMessageCaption", text_field="caption")
    if call.method == "sendPhoto" and refused.says(
        "photo_invalid_dimensions", "image_process_failed", "photo_ext_invalid", "too big"
    ):
        return evolve(call, method=_AS_DOCUMENT[0], file_field=_AS_DOCUMENT[1])
    if call.method == "sendVoice" and refused.says("voice_messages_forbidden"):
        return evolve(call, method="sendAudio", file_field="audio")
    return None


def _common(outgoing: Outgoing) -> dict[str, Any]:
    params = place(outgoing.target)
    if _is_number(outgoing.target.reply_to):
        params["reply_parameters"] = {
            "message_id": int(outgoing.target.reply_to),
            "allow_sending_without_reply": True,
        }
    if outgoing.silent:
        params["disable_notification"] = True
    return params


def _method(file: Attachment, size: int) -> tuple[str, str]:
    """How a file is shown; what Telegram would not take in its own way goes as a document."""
    if file.mime == "image/gif":
        return "sendAnimation", "animation"
    if file.kind == "image" and size > PHOTO_BYTES:
        return _AS_DOCUMENT
    if file.kind == "voice" and file.mime.partition(";")[0] not in ("", *_VOICE_TYPES):
        return _METHODS["audio"]
    return _METHODS.get(file.kind, _AS_DOCUMENT)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()
