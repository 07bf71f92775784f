"""What a workspace remembers: people, conversations, messages, files; no sockets."""

import re
import time
from typing import Any

Fields = dict[str, Any]

BOT_USER, BOT_ID, APP_ID, TEAM_ID = "U0BOT", "B0BOT", "A0APP", "T0TEAM"
BOT_TOKEN, APP_TOKEN = "xoxb-right", f"xapp-1-{APP_ID}-1-right"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
POST_LIMIT, UPDATE_LIMIT = 40_000, 4_000
_EVENT_TYPE = re.compile(r"[A-Za-z0-9_.]{1,255}")
_TS = re.compile(r"\d+\.\d{6}")


class Refusal(Exception):
    """An answer ``{ok: false, error}``, as Slack gives it."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


class Workspace:
    """One workspace with one app in it."""

    def __init__(self) -> None:
        self.messages: list[Fields] = []
        self.channels: dict[str, Fields] = {}
        self.users: dict[str, Fields] = {}
        self.files: dict[str, Fields] = {}
        self.statuses: list[tuple[str, str, str]] = []
        self.assistant_threads: set[tuple[str, str]] = set()
        self._last = 0
        self.add_user(BOT_USER, "helper", is_bot=True)

    def add_user(self, user_id: str, name: str, is_bot: bool = False) -> None:
        self.users[user_id] = {
            "id": user_id,
            "team_id": TEAM_ID,
            "name": name,
            "real_name": name.title(),
            "is_bot": is_bot,
            "profile": {"display_name": name.title(), "real_name": name.title()},
        }

    def channel(self, channel_id: str, kind: str) -> Fields:
        """The conversation of that id, made if it is new; the app is a member."""
        return self.channels.setdefault(
            channel_id, {"id": channel_id, "kind": kind, "member": True, "archived": False}
        )

    def ts(self) -> str:
        """The next message id: a time, and no two are the same."""
        self._last = max(self._last + 1, int(time.time() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def find(self, channel: str, ts: object) -> Fields | None:
        for message in self.messages:
            if message["channel"] == channel and message["ts"] == ts:
                return message
        return None

    def open_channel(self, args: Fields) -> Fields:
        """The conversation that arguments name, if the app may write there."""
        channel = self.channels.get(str(args.get("channel") or args.get("channel_id") or ""))
        if channel is None:
            raise Refusal("channel_not_found")
        if channel["archived"]:
            raise Refusal("is_archived")
        if not channel["member"]:
            raise Refusal("not_in_channel")
        return channel

    def post(self, args: Fields) -> Fields:
        """chat.postMessage: checks what Slack checks."""
        channel = self.open_channel(args)
        said = args.get("text")
        if not isinstance(said, str) or not said:
            raise Refusal("no_text")
        thread = self._thread(channel["id"], args.get("thread_ts"))
        _check_metadata(args.get("metadata"))
        message = self.keep(
            channel=channel["id"],
            user=BOT_USER,
            bot_id=BOT_ID,
            app_id=APP_ID,
            text=said[:POST_LIMIT],
            metadata=args.get("metadata"),
            unfurl=(args.get("unfurl_links"), args.get("unfurl_media")),
            **({"thread_ts": thread} if thread else {}),
        )
        answer: Fields = {"channel": channel["id"], "ts": message["ts"], "message": shape(message)}
        if len(said) > POST_LIMIT:
            answer["warning"] = "message_truncated"
        return answer

    def keep(self, **fields: Any) -> Fields:
        message: Fields = {"type": "message", "ts": self.ts(), "reactions": {}, **fields}
        self.messages.append(message)
        return message

    def _thread(self, channel: str, thread: object) -> str:
        if thread is None:
            return ""
        if not isinstance(thread, str) or not _TS.fullmatch(thread):
            raise Refusal("invalid_thread_ts")
        if self.find(channel, thread) is None:
            raise Refusal("thread_not_found")
        return thread

    def own(self, args: Fields, wrong: str) -> Fields:
        """The app's own message that arguments name."""
        self.open_channel(args)
        message = self.find(str(args["channel"]), args.get("ts"))
        if message is None:
            raise Refusal("message_not_found")
        if message.get("bot_id") != BOT_ID:
            raise Refusal(wrong)
        return message

    def update(self, args: Fields) -> Fields:
        message = self.own(args, "cant_update_message")
        said = args.get("text")
        if not isinstance(said, str) or not said:
            raise Refusal("no_text")
        if len(said) > UPDATE_LIMIT:
            raise Refusal("msg_too_long")
        message["text"] = said
        message["edited"] = {"user": BOT_USER, "ts": self.ts()}
        return {"channel": message["channel"], "ts": message["ts"], "text": said}

    def delete(self, args: Fields) -> Fields:
        message = self.own(args, "cant_delete_message")
        self.messages.remove(message)
        return {"channel": message["channel"], "ts": message["ts"]}

    def react(self, args: Fields, on: bool) -> Fields:
        message = self.find(str(args.get("channel")), args.get("timestamp"))
        name = str(args.get("name") or "")
        if message is None:
            raise Refusal("message_not_found")
        if not name or not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
            raise Refusal("invalid_name")
        users = message["reactions"].setdefault(name, [])
        if on and BOT_USER in users:
            raise Refusal("already_reacted")
        if not on and BOT_USER not in users:
            raise Refusal("no_reaction")
        if on:
            users.append(BOT_USER)
        else:
            users.remove(BOT_USER)
        return {}

    def history(self, args: Fields, thread: str = "") -> Fields:
        """conversations.history, and conversations.replies with a thread."""
        channel = str(args.get("channel"))
        if channel not in self.channels:
            raise Refusal("channel_not_found")
        if thread and self.find(channel, thread) is None:
            raise Refusal("thread_not_found")
        oldest = _moment(str(args.get("oldest") or "0"))
        every = [each for each in self.messages if each["channel"] == channel]
        if thread:
            every = [each for each in every if thread in (each["ts"], each.get("thread_ts"))]
        else:
            every = [each for each in every if each.get("thread_ts") in (None, each["ts"])]
            every.reverse()
        every = [each for each in every if _moment(each["ts"]) >= oldest]
        start = int(str(args.get("cursor") or "0"))
        end = start + int(args.get("limit") or 100)
        full = str(args.get("include_all_metadata")).lower() in ("true", "1")
        more = str(end) if end < len(every) else ""
        return {
            "messages": [shape(each, full) for each in every[start:end]],
            "has_more": bool(more),
            "response_metadata": {"next_cursor": more},
        }


def shape(message: Fields, metadata: bool = False) -> Fields:
    """A message as the API gives it."""
    shown = {
        name: value
        for name, value in message.items()
        if name not in ("channel", "reactions", "metadata", "unfurl", "contents")
    }
    if metadata and message.get("metadata"):
        shown["metadata"] = message["metadata"]
    elif message.get("metadata"):
        shown["metadata"] = {"event_type": message["metadata"]["event_type"]}
    shown["reactions"] = [
        {"name": name, "users": users, "count": len(users)}
        for name, users in message["reactions"].items()
        if users
    ]
    return shown


def _moment(ts: str) -> tuple[int, int]:
    seconds, _, rest = ts.partition(".")
    return int(seconds), int(rest or "0")


def _check_metadata(metadata: object) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, dict) or set(metadata) - {"event_type", "event_payload"}:
        raise Refusal("invalid_metadata_format")
    if not _EVENT_TYPE.fullmatch(str(metadata.get("event_type"))):
        raise Refusal("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
