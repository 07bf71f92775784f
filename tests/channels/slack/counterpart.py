"""A stand-in for Slack on loopback: Web API, Socket Mode, files. It checks what Slack checks."""

import re
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from twisted.internet.defer import maybeDeferred
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from openclaw.channels.counterpart import Shown
from openclaw.channels.platforms.slack.webhook import signature
from openclaw.interfaces.channels import WebhookRequest
from tests.channels.slack.sockets import Sockets
from tests.channels.slack.workspace import (
    APP_ID,
    APP_TOKEN,
    BOT_ID,
    BOT_TOKEN,
    BOT_USER,
    SIGNING_SECRET,
    TEAM_ID,
    Fields,
    Refusal,
    Workspace,
    shape,
)

# Methods that take no JSON: their arguments are not seen in one.
FORM_ONLY = re.compile(
    r"users\.info|bots\.info|files\.info|files\.getUploadURLExternal|reactions\.get|"
    r"conversations\.(history|replies|info)"
)
SENDS = ("chat.postMessage", "files.completeUploadExternal")


class SlackCounterpart:
    """One workspace, one app, both ways of hearing of events.

    :ivar calls: every call of the Web API: method and arguments, in order.
    :ivar failures: what is answered instead, by method: HTTP status, headers, body.
    """

    def __init__(self, reactor: Any) -> None:
        self.workspace = Workspace()
        self.calls: list[tuple[str, Fields]] = []
        self.failures: dict[str, list[tuple[int, dict[str, str], Fields | None]]] = {}
        self.missing_scopes: dict[str, str] = {}
        self.slow_share = 0
        self.login_page = False
        self.revoked = False
        self._losing = 0
        self._frozen = False
        self._reactor = reactor
        self._events: dict[str, list[Fields]] = {}
        self._tokens = {BOT_TOKEN: "bot", APP_TOKEN: "app"}
        self.sockets = Sockets(self)
        self._http: Any = None
        self._requests: set[Request] = set()

    def listen(self) -> None:
        """Begin, on any free ports."""
        site = Site(_Api(self), timeout=None)
        self._http = self._reactor.listenTCP(0, site, interface="127.0.0.1")
        self.sockets.listen(self._reactor)

    async def close_port(self) -> None:
        """Refuse connections from now on."""
        await maybeDeferred(self._http.stopListening)
        self._hang_up()

    async def stop(self) -> None:
        """Cut everything and stop."""
        await maybeDeferred(self._http.stopListening)
        self._hang_up()
        await self.sockets.stop()

    @property
    def url(self) -> str:
        """The server's address without a slash at its end."""
        return f"http://127.0.0.1:{self._http.getHost().port}"

    def settings(self) -> Mapping[str, Any]:
        """See :class:`Counterpart`."""
        return {
            "mode": "socket",
            "botToken": BOT_TOKEN,
            "appToken": APP_TOKEN,
            "signingSecret": SIGNING_SECRET,
            "apiUrl": f"{self.url}/api/",
            "dmPolicy": "open",
            "allowFrom": ["*"],
            "groupPolicy": "open",
        }

    def say(
        self, text: str, *, chat_id: str, sender_id: str, group: bool = False, **more: Any
    ) -> str:
        """See :class:`Counterpart`; ``more`` are fields of the message."""
        space = self.workspace
        space.channel(chat_id, "channel" if group else "im")
        if sender_id not in space.users:
            space.add_user(sender_id, f"name-{sender_id}".lower())
        said = f"<@{BOT_USER}> {text}" if group else text
        message = space.keep(channel=chat_id, user=sender_id, text=said, **more)
        self.publish(message, "channel" if group else "im")
        return str(message["ts"])

    def publish(self, message: Fields, kind: str) -> None:
        """Tell the app of a message, in a channel that names it also of a mention."""
        inner = {**shape(message), "channel": message["channel"], "event_ts": message["ts"]}
        inner.pop("reactions")
        events = [{**inner, "channel_type": kind}]
        if kind != "im" and f"<@{BOT_USER}>" in inner.get("text", ""):
            events.append({**inner, "type": "app_mention"})
        for each in events:
            self.tell(each, str(message["ts"]))

    def tell(self, event: Fields, name: str = "") -> Fields:
        """Deliver an event; ``name`` is what :meth:`acknowledged` knows it by."""
        payload = {
            "token": "verification",
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{token_hex(5)}",
            "event_time": 1_700_000_000,
            "authorizations": [
                {"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True, "enterprise_id": None}
            ],
        }
        self._events.setdefault(name, []).append(payload)
        self.sockets.deliver("events_api", payload, name)
        return payload

    def repeat(self, message_id: str) -> None:
        """See :class:`Counterpart`."""
        for payload in self._events[message_id]:
            self.sockets.deliver("events_api", payload, message_id, attempt=1)

    def acknowledged(self, message_id: str) -> bool:
        """See :class:`Counterpart`."""
        return self.sockets.acknowledged(message_id)

    def shown(self) -> list[Shown]:
        """See :class:`Counterpart`."""
        return [
            Shown(
                chat_id=message["channel"],
                message_id=message["ts"],
                text=_plain(message["text"]),
                thread_id=message.get("thread_ts", ""),
                reactions=tuple(name for name, users in message["reactions"].items() if users),
                files=tuple(message.get("contents", ())),
            )
            for message in self.workspace.messages
            if message.get("bot_id") == BOT_ID
        ]

    def refuse(self, times: int, status: int, retry_after: float = 0.0) -> None:
        """See :class:`Counterpart`."""
        headers = {"retry-after": f"{retry_after:g}"} if status == 429 else {}
        codes = {429: "ratelimited", 503: "service_unavailable", 400: "restricted_action"}
        code = codes.get(status)
        body = {"ok": False, "error": code} if code else None
        for method in SENDS:
            self.fail(method, times, 200 if status == 400 else status, body, headers)

    def fail(
        self,
        method: str,
        times: int = 1,
        status: int = 200,
        body: Fields | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer the next calls of a method so."""
        self.failures.setdefault(method, []).extend([(status, headers or {}, body)] * times)

    def error(self, method: str, code: str, times: int = 1, **more: Any) -> None:
        """Answer the next calls of a method with one of Slack's errors."""
        self.fail(method, times, 200, {"ok": False, "error": code, **more})

    def lose_answers(self, times: int) -> None:
        """See :class:`Counterpart`."""
        self._losing = times

    def drop(self) -> None:
        """See :class:`Counterpart`."""
        self._hang_up()
        self.sockets.drop()

    def _hang_up(self) -> None:
        for request in list(self._requests):
            _cut(request)

    def freeze(self, frozen: bool) -> None:
        """See :class:`Counterpart`."""
        self._frozen = frozen
        self.sockets.freeze(frozen)

    def revoke(self) -> None:
        """See :class:`Counterpart`."""
        self.revoked = True
        self.tell({"type": "tokens_revoked", "tokens": {"bot": [BOT_USER]}, "event_ts": "1.0"})

    @property
    def open_sockets(self) -> int:
        """See :class:`Counterpart`."""
        return self.sockets.open

    @property
    def most_sockets(self) -> int:
        """See :class:`Counterpart`."""
        return self.sockets.most

    def called(self, method: str) -> list[Fields]:
        """The arguments of every call of a method."""
        return [arguments for name, arguments in self.calls if name == method]

    def signed(self, body: bytes, now_ms: int, content_type: str = "application/json") -> Any:
        """A request to the webhook, signed as Slack does."""
        stamp = str(now_ms // 1000)
        return WebhookRequest(
            method="POST",
            path="",
            query={},
            headers={
                "content-type": content_type,
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": signature(SIGNING_SECRET, stamp, body),
            },
            body=body,
        )

    def got(self, request: Request, path: str) -> None:
        """Answer a request, or do to it what was asked for."""
        self._requests.add(request)
        request.notifyFinish().addBoth(lambda _: self._requests.discard(request))
        if self._frozen:
            return
        if path.startswith("/api/"):
            self._called(request, path.removeprefix("/api/"))
        elif path.startswith("/upload/"):
            self._uploaded(request, path.removeprefix("/upload/"))
        else:
            self._file(request, path.removeprefix("/files/"))

    def _called(self, request: Request, method: str) -> None:
        arguments, token = _arguments(request, method), _token(request)
        arguments.pop("token", None)
        self.calls.append((method, arguments))
        waiting = self.failures.get(method)
        if waiting:
            status, headers, body = waiting.pop(0)
            for name, value in headers.items():
                request.setHeader(name, value)
            _answer(request, status, b"oops" if body is None else msgspec.json.encode(body))
            return
        try:
            answer = {"ok": True, **self._do(method, arguments, token)}
        except Refusal as refusal:
            answer = {"ok": False, "error": refusal.error, **refusal.more}
        if self._losing and method in SENDS:
            self._losing -= 1
            _cut(request)
            return
        _answer(request, 200, msgspec.json.encode(answer))

    def _do(self, method: str, args: Fields, token: str) -> Fields:
        kind = self._tokens.get(token)
        if not token:
            raise Refusal("not_authed")
        if kind is None:
            raise Refusal("invalid_auth")
        if self.revoked:
            raise Refusal("token_revoked")
        if (kind == "app") != (method == "apps.connections.open"):
            raise Refusal("not_allowed_token_type")
        if method in self.missing_scopes:
            needed = self.missing_scopes[method]
            raise Refusal("missing_scope", needed=needed, provided="chat:write")
        action = self._actions().get(method)
        if action is None:
            raise Refusal("unknown_method")
        return action(args)

    def _actions(self) -> dict[str, Callable[[Fields], Fields]]:
        space = self.workspace
        return {
            "api.test": lambda args: {},
            "auth.test": lambda args: {
                "url": "https://team.slack.com/",
                "team": "Team",
                "user": "helper",
                "team_id": TEAM_ID,
                "user_id": BOT_USER,
                "bot_id": BOT_ID,
                "is_enterprise_install": False,
            },
            "bots.info": lambda args: {"bot": {"id": BOT_ID, "app_id": APP_ID, "name": "helper"}},
            "apps.connections.open": lambda args: {"url": self.sockets.ticket()},
            "chat.postMessage": space.post,
            "chat.update": space.update,
            "chat.delete": space.delete,
            "reactions.add": lambda args: space.react(args, True),
            "reactions.remove": lambda args: space.react(args, False),
            "reactions.get": self._reactions,
            "conversations.open": self._open,
            "conversations.join": self._join,
            "conversations.history": space.history,
            "conversations.replies": lambda args: space.history(args, str(args.get("ts"))),
            "users.info": self._user,
            "assistant.threads.setStatus": self._status,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
            "files.info": self._file_info,
            "files.delete": self._file_delete,
        }

    def _reactions(self, args: Fields) -> Fields:
        message = self.workspace.find(str(args.get("channel")), args.get("timestamp"))
        if message is None:
            raise Refusal("message_not_found")
        return {"type": "message", "message": shape(message)}

    def _open(self, args: Fields) -> Fields:
        user = str(args.get("users") or "")
        if user not in self.workspace.users:
            raise Refusal("user_not_found")
        return {"channel": {"id": self.workspace.channel(f"D{user[1:]}", "im")["id"]}}

    def _join(self, args: Fields) -> Fields:
        channel = self.workspace.channels.get(str(args.get("channel")))
        if channel is None:
            raise Refusal("channel_not_found")
        if channel["kind"] != "channel":
            raise Refusal("method_not_supported_for_channel_type")
        channel["member"] = True
        return {"channel": {"id": channel["id"]}}

    def _user(self, args: Fields) -> Fields:
        user = self.workspace.users.get(str(args.get("user")))
        if user is None:
            raise Refusal("user_not_found")
        return {"user": user}

    def _status(self, args: Fields) -> Fields:
        place = (str(args.get("channel_id")), str(args.get("thread_ts")))
        if place not in self.workspace.assistant_threads:
            raise Refusal("invalid_thread_ts")
        self.workspace.statuses.append((*place, str(args.get("status"))))
        return {}

    def _upload_url(self, args: Fields) -> Fields:
        length = str(args.get("length") or "")
        if not args.get("filename") or not length.isdigit():
            raise Refusal("invalid_arguments")
        name = f"F{token_hex(4).upper()}"
        self.workspace.files[name] = {
            "id": name,
            "name": args["filename"],
            "length": int(length),
            "content": None,
            "shares": {},
        }
        return {"upload_url": f"{self.url}/upload/{name}", "file_id": name}

    def _uploaded(self, request: Request, name: str) -> None:
        file = self.workspace.files.get(name)
        content = _body(request)
        if file is None or file["length"] != len(content):
            _answer(request, 400, b"length")
            return
        file["content"] = content
        _answer(request, 200, f"OK - {len(content)}".encode(), "text/plain")

    def _complete(self, args: Fields) -> Fields:
        given = args.get("files")
        files = msgspec.json.decode(given) if isinstance(given, str) else given
        if not isinstance(files, list) or not files:
            raise Refusal("invalid_arguments")
        found = [self.workspace.files.get(str(each.get("id"))) for each in files]
        if any(each is None or each["content"] is None for each in found):
            raise Refusal("file_not_found")
        if args.get("channel_id"):
            self._share(args, [each for each in found if each is not None])
        return {"files": [{"id": each["id"], "title": each.get("title", "")} for each in files]}

    def _share(self, args: Fields, files: list[Fields]) -> None:
        space = self.workspace
        channel = space.open_channel(args)
        thread = args.get("thread_ts")
        if thread is not None and space.find(channel["id"], thread) is None:
            raise Refusal("thread_not_found")
        message = space.keep(
            channel=channel["id"],
            subtype="file_share",
            user=BOT_USER,
            bot_id=BOT_ID,
            text=args.get("initial_comment") or "",
            contents=[each["content"] for each in files],
            **({"thread_ts": thread} if thread else {}),
        )
        kind = "public" if channel["kind"] == "channel" else "private"
        for each in files:
            each["shares"] = {kind: {channel["id"]: [{"ts": message["ts"]}]}}

    def _file_info(self, args: Fields) -> Fields:
        file = self.workspace.files.get(str(args.get("file")))
        if file is None:
            raise Refusal("file_not_found")
        late = self.slow_share > 0
        self.slow_share -= late
        url = f"{self.url}/files/{file['id']}"
        return {
            "file": {
                "id": file["id"],
                "name": file["name"],
                "shares": {} if late else file["shares"],
                "url_private_download": url,
            }
        }

    def _file_delete(self, args: Fields) -> Fields:
        if self.workspace.files.pop(str(args.get("file")), None) is None:
            raise Refusal("file_not_found")
        return {}

    def attach(self, content: bytes, name: str, mime: str) -> Fields:
        """A file as it stands in a message of somebody's."""
        file_id = f"F{token_hex(4).upper()}"
        self.workspace.files[file_id] = {
            "id": file_id,
            "name": name,
            "content": content,
            "mime": mime,
            "shares": {},
        }
        return {
            "id": file_id,
            "name": name,
            "mimetype": mime,
            "size": len(content),
            "url_private_download": f"{self.url}/files/{file_id}",
        }

    def _file(self, request: Request, name: str) -> None:
        file = self.workspace.files.get(name)
        if self.login_page or _token(request) != BOT_TOKEN:
            _answer(request, 200, b"<!DOCTYPE html><title>Log in</title>", "text/html")
        elif file is None:
            _answer(request, 404, b"")
        else:
            _answer(request, 200, file["content"], file.get("mime", "application/octet-stream"))

    def form(self, fields: Mapping[str, str], now_ms: int) -> Any:
        """A form to the webhook: a slash command, or an interaction in ``payload``."""
        kind = "application/x-www-form-urlencoded"
        return self.signed(urlencode(fields).encode(), now_ms, kind)


class _Api(Resource):
    isLeaf = True

    def __init__(self, counterpart: SlackCounterpart) -> None:
        super().__init__()
        self._counterpart = counterpart

    def render(self, request: Request) -> int:
        self._counterpart.got(request, request.path.decode())
        return NOT_DONE_YET


def _answer(
    request: Request, status: int, body: bytes, kind: str = "application/json; charset=utf-8"
) -> None:
    request.setResponseCode(status)
    request.setHeader("content-type", kind)
    request.write(body)
    request.finish()


def _body(request: Request) -> bytes:
    assert request.content is not None
    content: bytes = request.content.read()
    return content


def _cut(request: Request) -> None:
    transport: Any = request.transport
    transport.abortConnection()


def _token(request: Request) -> str:
    given = request.getHeader("authorization") or ""
    return given.removeprefix("Bearer ") if given.startswith("Bearer ") else ""


def _arguments(request: Request, method: str) -> Fields:
    """Query, form or JSON; JSON only where the method takes it."""
    found: Fields = dict(parse_qsl(request.uri.decode().partition("?")[2]))
    body = _body(request)
    kind = (request.getHeader("content-type") or "").partition(";")[0]
    if kind == "application/x-www-form-urlencoded":
        found.update(parse_qsl(body.decode()))
    elif kind == "application/json" and not FORM_ONLY.fullmatch(method):
        found.update(msgspec.json.decode(body) if body else {})
    return found


def _plain(text: str) -> str:
    """Without the marks that Slack would show as looks."""
    bare = re.sub(r"[*_~`]", "", re.sub(r"<([^|>]+)\|([^>]+)>", r"\2", text))
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
