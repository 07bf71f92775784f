"""Telegram as a person and a bot see it, on loopback: chats, people, messages, the Bot API.

It is strict where Telegram is: wrong tokens, unknown chats, unreadable markup, texts and captions
that are too long, the named general topic, files that are no pictures, a second poll.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.server import Request

from openclaw.channels.counterpart import Shown
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.outbound import OutboundError
from tests.channels.loopback import Fault, gone
from tests.channels.telegram import markup
from tests.channels.telegram.bot_server import BotError, BotServer
from tests.channels.telegram.forms import Upload, as_json

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
BOT = {"id": 110201543, "is_bot": True, "first_name": "Tia", "username": "tia_bot"}
REACTIONS = {"👍", "👎", "❤", "🔥", "🎉", "👀", "🤔"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
_FILE_FIELDS = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendSticker": "sticker",
}


@define
class Said:
    """A message in a chat; ``text`` without markup."""

    chat_id: str
    message_id: int
    text: str
    own: bool
    thread_id: str = ""
    reply_to: str = ""
    has_text: bool = True
    files: list[bytes] = field(factory=list)
    reactions: list[str] = field(factory=list)
    params: dict[str, Any] = field(factory=dict)
    method: str = ""


class Telegram(BotServer):
    """The counterpart.

    :ivar topics: threads that there are, by chat.
    :ivar me: what ``getMe`` says.
    :ivar clock: how long polls wait is counted on it.
    """

    def __init__(self, token: str = TOKEN, clock: Any = reactor) -> None:
        super().__init__(token)
        self.clock = clock
        self.me: dict[str, Any] = {
            **BOT,
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": False,
        }
        self.chats: dict[str, dict[str, Any]] = {}
        self.topics: dict[str, set[int]] = {}
        self.blocked: set[str] = set()
        self.upgraded: dict[str, str] = {}
        self.said: list[Said] = []
        self.answered_buttons: list[str] = []
        self.commands: list[dict[str, str]] = []
        self.most_commands = 100
        self.webhook: dict[str, Any] = {}
        self.webhook_error: tuple[int, str] = (0, "")
        self.webhook_statuses: list[int] = []
        self.allowed: list[str] = []
        self.pending: list[dict[str, Any]] = []
        self.all_updates: dict[str, dict[str, Any]] = {}
        self.done: set[str] = set()
        self.next_update = 1000
        self.next_message = 1
        self.file_ids: dict[str, tuple[str, int]] = {}
        self._again: list[dict[str, Any]] = []
        self._poll: tuple[Request, int, Any] | None = None
        self._polls: set[Request] = set()
        self._most = 0
        self._http = TreqOutbound(reactor)

    # What a test, or a person, does.

    def settings(self) -> Mapping[str, Any]:
        return {
            "botToken": self.token,
            "apiRoot": self.root,
            "pollTimeoutSeconds": 1,
            "allowFrom": ["*"],
            "dmPolicy": "open",
            "groupPolicy": "open",
        }

    def chat(self, chat_id: str, **more: Any) -> dict[str, Any]:
        """A chat, made at first use: a person's if the id is positive, else a supergroup."""
        if chat_id not in self.chats:
            kind: dict[str, Any] = (
                {"type": "supergroup", "title": "Friends"}
                if chat_id.startswith("-")
                else {"type": "private", "first_name": "Ada", "username": "ada"}
            )
            self.chats[chat_id] = {"id": int(chat_id), **kind}
        self.chats[chat_id].update(more)
        return self.chats[chat_id]

    def say(self, text: str, *, chat_id: str, sender_id: str, group: bool = False) -> str:
        more: dict[str, Any] = {}
        if group:
            name = f"@{self.me['username']}"
            text = f"{name} {text}"
            more["entities"] = [{"type": "mention", "offset": 0, "length": markup.units(name)}]
        return self.write(chat_id, sender_id, text=text, **more)

    def write(self, chat_id: str, sender_id: str, **content: Any) -> str:
        """Let somebody send a message with any content; returns its id."""
        number = self.next_message
        self.next_message += 1
        person = {"id": int(sender_id), "is_bot": False, "first_name": "Ada", "username": "ada"}
        message = {
            "message_id": number,
            "from": person,
            "chat": self.chat(chat_id),
            "date": int(time.time()),
            **content,
        }
        text = str(content.get("text", ""))
        self.said.append(Said(chat_id, number, text, own=False))
        self.update("message", message)
        return str(number)

    def update(self, kind: str, content: Any) -> int:
        """Let an update of any kind come; returns its id."""
        one = {"update_id": self.next_update, kind: content}
        self.next_update += 1
        if isinstance(content, dict) and "message_id" in content:
            self.all_updates[str(content["message_id"])] = one
        self.pending.append(one)
        self._flow()
        return int(one["update_id"])

    def repeat(self, message_id: str) -> None:
        self._again.append(self.all_updates[message_id])
        self._flow()

    def acknowledged(self, message_id: str) -> bool:
        return message_id in self.done

    def shown(self) -> list[Shown]:
        return [
            Shown(
                chat_id=one.chat_id,
                message_id=str(one.message_id),
                text=one.text,
                thread_id=one.thread_id,
                reply_to=one.reply_to,
                reactions=tuple(one.reactions),
                files=tuple(one.files),
            )
            for one in self.said
            if one.own
        ]

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        words = {429: "Too Many Requests: retry after", 400: "Bad Request: message is odd"}
        more = {"retry_after": retry_after} if retry_after else {}
        error = BotError(status, words.get(status, "Internal Server Error"), **more)
        self.faults.append(Fault(is_send, times, "answer", error))

    def lose_answers(self, times: int) -> None:
        self.faults.append(Fault(is_send, times, "lose"))

    def freeze(self, frozen: bool) -> None:
        self.frozen = frozen
        if not frozen:
            self._poll = None
            self._flow()

    def revoke(self) -> None:
        self.token = "110201543:AArevokedrevokedrevokedrevokedrev00"
        if self._poll is not None:
            request, self._poll = self._poll[0], None
            self.fail(request, BotError(401, "Unauthorized"))

    @property
    def open_sockets(self) -> int:
        self._polls = {request for request in self._polls if not gone(request)}
        return len(self._polls)

    @property
    def most_sockets(self) -> int:
        return self._most

    async def stop(self) -> None:
        await self._http.stopService()
        await super().stop()

    # What the Bot API does.

    def do(self, method: str, given: dict[str, Any], request: Request) -> Any:
        if method == "getUpdates":
            return self._get_updates(given, request)
        if method in _FILE_FIELDS:
            return self._send_file(method, given)
        work = getattr(self, f"_{method}", None)
        if work is None:
            raise BotError(404, "Not Found: method not found")
        return work(given)

    def _getMe(self, given: dict[str, Any]) -> Any:
        return self.me

    def _setMyCommands(self, given: dict[str, Any]) -> Any:
        commands = as_json(given.get("commands"))
        if len(commands) > self.most_commands:
            raise BotError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        for one in commands:
            if not one["command"] or not one["description"] or len(one["description"]) > 256:
                raise BotError(400, "Bad Request: BOT_COMMAND_INVALID")
        self.commands = commands
        return True

    def _setWebhook(self, given: dict[str, Any]) -> Any:
        if not str(given.get("url", "")).startswith("http"):
            raise BotError(400, "Bad Request: bad webhook: invalid URL")
        self.webhook = {**given, "allowed_updates": as_json(given.get("allowed_updates"))}
        self.allowed = self.webhook["allowed_updates"] or self.allowed
        if self._poll is not None:
            request, self._poll = self._poll[0], None
            self.fail(request, _conflict("terminated by setWebhook request"))
        self.clock.callLater(0, self._flow)
        return True

    def _deleteWebhook(self, given: dict[str, Any]) -> Any:
        self.webhook = {}
        return True

    def _getWebhookInfo(self, given: dict[str, Any]) -> Any:
        date, words = self.webhook_error
        more = {"last_error_date": date, "last_error_message": words} if date else {}
        return {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.pending),
            **more,
        }

    def _get_updates(self, given: dict[str, Any], request: Request) -> Any:
        if self.webhook:
            raise _conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook"
            )
        if self._poll is not None:
            rival, self._poll = self._poll[0], None
            words = "terminated by other getUpdates request; make sure that only one bot instance"
            self.fail(rival, _conflict(f"{words} is running"))
        self.allowed = as_json(given.get("allowed_updates")) or self.allowed
        offset = int(given.get("offset") or 0)
        self._confirm(offset)
        self._polls.add(request)
        self._most = max(self._most, self.open_sockets)
        limit = int(given.get("limit") or 100)
        found = self._take(limit)
        wait = float(given.get("timeout") or 0)
        if found or not wait:
            return found
        over = self.clock.callLater(wait, self._end_poll, request)
        ended: Deferred[None] = request.notifyFinish()
        ended.addBoth(lambda _: over.active() and over.cancel())
        self._poll = (request, limit, over)
        return self.LATER

    def _confirm(self, offset: int) -> None:
        """Forget what lies below an offset; one beyond everything is as good as none."""
        if offset > self.next_update:
            return
        for one in [one for one in self.pending if one["update_id"] < offset]:
            self._forget(one)

    def _forget(self, one: dict[str, Any]) -> None:
        self.pending.remove(one)
        for content in one.values():
            if isinstance(content, dict):
                self.done.add(str(content.get("message_id", "")))

    def _take(self, limit: int) -> list[dict[str, Any]]:
        again, self._again = self._again, []
        wanted = [one for one in self.pending if self._is_wanted(one)]
        return (again + wanted)[:limit]

    def _is_wanted(self, one: dict[str, Any]) -> bool:
        kinds = [kind for kind in one if kind != "update_id"]
        if self.allowed:
            return kinds[0] in self.allowed or kinds[0] not in _KINDS
        return kinds[0] != "message_reaction"

    def _end_poll(self, request: Request) -> None:
        if self._poll is not None and self._poll[0] is request:
            self._poll = None
        self.answer(request, [])

    def _flow(self) -> None:
        """Hand on what waits, by whichever way there is."""
        if self.frozen:
            return
        if self.webhook:
            for one in [*self._again, *self.pending]:
                Deferred.fromCoroutine(self._deliver(one))
            self._again = []
        elif self._poll is not None:
            request, limit, _ = self._poll
            if gone(request):
                self._poll = None
                return
            found = self._take(limit)
            if found:
                self._poll = None
                self.answer(request, found)

    async def _deliver(self, one: dict[str, Any]) -> None:
        headers = {"content-type": "application/json"}
        if "secret_token" in self.webhook:
            headers["x-telegram-bot-api-secret-token"] = self.webhook["secret_token"]

        try:
            response = await self._http.request(
                "POST", self.webhook["url"], headers, json.dumps(one).encode(), trusted=True
            )
            await response.read(1 << 20)
        except OutboundError as error:
            self.webhook_error = (int(time.time()), error.message)
            return
        self.webhook_statuses.append(response.status)
        if response.status == 200 and one in self.pending:
            self._forget(one)

    def _sendMessage(self, given: dict[str, Any]) -> Any:
        text = self._read_text(given, "text", 4096, "message")
        if not text.strip():
            raise BotError(400, "Bad Request: message text is empty")
        return self._post("sendMessage", given, text)

    def _send_file(self, method: str, given: dict[str, Any]) -> Any:
        field_name = _FILE_FIELDS[method]
        file = given.get(field_name)
        if isinstance(file, str) and file.startswith("attach://"):
            file = given.get(file.removeprefix("attach://"))
        if not isinstance(file, Upload):
            raise BotError(400, f"Bad Request: there is no {field_name} in the request")
        if not file.data:
            raise BotError(400, "Bad Request: file must be non-empty")
        if method == "sendPhoto" and not file.data.startswith((b"\x89PNG", b"\xff\xd8")):
            raise BotError(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if method == "sendSticker" and "caption" in given:
            raise BotError(400, "Bad Request: stickers have no caption")
        text = self._read_text(given, "caption", 1024, "message caption")
        return self._post(method, given, text, [file.data])

    def _post(
        self, method: str, given: dict[str, Any], text: str, files: list[bytes] | None = None
    ) -> Any:
        chat_id = self._chat_of(given)
        thread = str(given.get("message_thread_id") or "")
        if thread and int(thread) not in self.topics.get(chat_id, set()):
            raise BotError(400, "Bad Request: message thread not found")
        reply = as_json(given.get("reply_parameters")) or {}
        reply_to = str(reply.get("message_id", ""))
        if reply_to and not self._find(chat_id, reply_to):
            if not reply.get("allow_sending_without_reply"):
                raise BotError(400, "Bad Request: message to be replied not found")
            reply_to = ""
        number = self.next_message
        self.next_message += 1
        one = Said(chat_id, number, text, True, thread, reply_to, not files, files or [])
        one.params, one.method = given, method
        self.said.append(one)
        return self._message(one)

    def _message(self, one: Said) -> dict[str, Any]:
        more: dict[str, Any] = {"message_thread_id": int(one.thread_id)} if one.thread_id else {}
        return {
            "message_id": one.message_id,
            "from": BOT,
            "chat": self.chat(one.chat_id),
            "date": int(time.time()),
            ("text" if one.has_text else "caption"): one.text,
            **more,
        }

    def _editMessageText(self, given: dict[str, Any]) -> Any:
        one = self._own(given)
        text = self._read_text(given, "text", 4096, "message")
        if not one.has_text:
            raise BotError(400, "Bad Request: there is no text in the message to edit")
        return self._edited(one, text)

    def _editMessageCaption(self, given: dict[str, Any]) -> Any:
        return self._edited(
            self._own(given), self._read_text(given, "caption", 1024, "message caption")
        )

    def _edited(self, one: Said, text: str) -> Any:
        if text == one.text:
            raise BotError(
                400,
                "Bad Request: message is not modified: specified new message content and reply "
                "markup are exactly the same as a current content and reply markup of the message",
            )
        one.text = text
        return self._message(one)

    def _own(self, given: dict[str, Any]) -> Said:
        chat_id = self._chat_of(given)
        one = self._find(chat_id, str(given.get("message_id", "")))
        if one is None:
            raise BotError(400, "Bad Request: message to edit not found")
        if not one.own:
            raise BotError(400, "Bad Request: message can't be edited")
        return one

    def _deleteMessage(self, given: dict[str, Any]) -> Any:
        one = self._find(self._chat_of(given), str(given.get("message_id", "")))
        if one is None:
            raise BotError(400, "Bad Request: message to delete not found")
        self.said.remove(one)
        return True

    def _setMessageReaction(self, given: dict[str, Any]) -> Any:
        one = self._find(self._chat_of(given), str(given.get("message_id", "")))
        if one is None:
            raise BotError(400, "Bad Request: message to react not found")
        emojis = [entry["emoji"] for entry in as_json(given.get("reaction")) or []]
        if len(emojis) > 1 or not REACTIONS.issuperset(emojis):
            raise BotError(400, "Bad Request: REACTION_INVALID")
        one.reactions = emojis
        return True

    def _sendChatAction(self, given: dict[str, Any]) -> Any:
        chat_id = self._chat_of(given)
        thread = int(given.get("message_thread_id") or 0)
        if thread not in {0, 1} | self.topics.get(chat_id, set()):
            raise BotError(400, "Bad Request: message thread not found")
        return True

    def _answerCallbackQuery(self, given: dict[str, Any]) -> Any:
        self.answered_buttons.append(given["callback_query_id"])
        return True

    def _getFile(self, given: dict[str, Any]) -> Any:
        known = self.file_ids.get(str(given.get("file_id")))
        if known is None:
            raise BotError(400, "Bad Request: invalid file_id")
        path, size = known
        if size > 20 << 20:
            raise BotError(400, "Bad Request: file is too big")
        return {"file_id": given["file_id"], "file_unique_id": "u", "file_path": path}

    def add_file(self, file_id: str, data: bytes, size: int = 0) -> None:
        """Let there be a file that a message can name."""
        path = f"documents/{file_id} 1.bin"
        self.file_ids[file_id] = (path, size or len(data))
        self.files[path] = data

    def _chat_of(self, given: dict[str, Any]) -> str:
        chat_id = str(given.get("chat_id", ""))
        if not chat_id:
            raise BotError(400, "Bad Request: chat_id is empty")
        if chat_id in self.upgraded:
            raise BotError(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=int(self.upgraded[chat_id]),
            )
        if chat_id not in self.chats:
            raise BotError(400, "Bad Request: chat not found")
        if chat_id in self.blocked:
            raise BotError(403, "Forbidden: bot was blocked by the user")
        return chat_id

    def _find(self, chat_id: str, message_id: str) -> Said | None:
        for one in self.said:
            if one.chat_id == chat_id and str(one.message_id) == message_id:
                return one
        return None

    def _read_text(self, given: dict[str, Any], name: str, most: int, what: str) -> str:
        text = str(given.get(name) or "")
        if given.get("parse_mode"):
            try:
                text = markup.plain(text)
            except markup.MarkupError as error:
                raise BotError(400, f"Bad Request: can't parse entities: {error}") from None
        if markup.units(text) > most:
            raise BotError(400, f"Bad Request: {what} is too long")
        return text


_KINDS = {"message", "edited_message", "channel_post", "callback_query", "message_reaction"}


def is_send(method: str) -> bool:
    """Whether a method sends something that people see."""
    return method.startswith("send") and method != "sendChatAction"


def _conflict(words: str) -> BotError:
    return BotError(409, f"Conflict: {words}")
