"""Discord's REST API as a stand-in: checks what Discord checks, answers as Discord answers."""

import json
import math
import re
from collections import deque
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from attrs import define, field
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.channels.discord.objects import Object
from tests.channels.discord.world import World

PREFIX = "/api/v10"
MOST_FILE_BYTES = 10 << 20

Handler = Callable[..., Any]
Routes = list[tuple[str, re.Pattern[str], Handler, str]]
ROUTES: Routes = []


class Problem(Exception):
    """An error in Discord's own form."""

    def __init__(self, status: int, code: int, message: str, errors: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Object = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def malformed(path: str, code: str, message: str) -> Problem:
    """An invalid form, with what is wrong in it."""
    inner: Any = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        inner = {part: inner}
    return Problem(400, 50035, "Invalid Form Body", inner)


@define
class Call:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    files: list[tuple[str, bytes]] = field(factory=list)


@define
class Faults:
    """What goes wrong with the next calls."""

    refusals: deque[tuple[int, float]] = field(factory=deque)
    problems: deque[tuple[str, Problem]] = field(factory=deque)
    """For the next call whose path contains the text."""
    lost: int = 0
    frozen: bool = False
    raw: deque[tuple[str, int, bytes]] = field(factory=deque)
    """Whole answers that are not Discord's, for the next call whose path contains the text."""


def route(method: str, template: str) -> Callable[[Handler], Handler]:
    """Serve a path; its ``{names}`` are the handler's arguments."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + r"\Z")

    def keep(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler, template))
        return handler

    return keep


class Rest(Resource):
    """The API and the file server, below one root.

    :ivar calls: everything that was asked, in order.
    :ivar per_window: requests that one bucket lets through, within how many seconds.
    """

    isLeaf = True

    def __init__(self, world: World, token: Callable[[], str], clock: Any, routes: Routes) -> None:
        super().__init__()
        self.routes = routes
        self.world = world
        self.token = token
        self.clock = clock
        self.faults = Faults()
        self.calls: list[Call] = []
        self.per_window = (1_000, 1.0)
        self.sends_headers = True
        self.session_limit: Object = {
            "total": 1000,
            "remaining": 1000,
            "reset_after": 0,
            "max_concurrency": 1,
        }
        self.shards = 1
        self.flags = 0
        self.commands: list[Any] = []
        self.callbacks: dict[str, Any] = {}
        self.interactions: dict[str, Object] = {}
        self.answers: dict[str, str] = {}
        self.typing: list[str] = []
        self.too_fast = 0
        self.unauthorized = 0
        self._nonces: dict[str, str] = {}
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}
        self._held: list[Request] = []

    # -- serving -----------------------------------------------------------------------------------

    def render(self, request: Request) -> Any:
        """Serve anything."""
        path = request.path.decode()
        if self.faults.frozen:
            request.notifyFinish().addErrback(lambda _: None)
            self._held.append(request)
            return NOT_DONE_YET
        if path.startswith("/attachments/"):
            return self._file(request, path.removeprefix("/attachments/"))
        if not path.startswith(PREFIX):
            return self._say(request, 404, {"message": "404: Not Found", "code": 0})
        try:
            call, handler, values, template = self._understood(request, path.removeprefix(PREFIX))
        except Problem as problem:
            return self._say(request, problem.status, problem.body)
        self.calls.append(call)
        return self._serve(request, call, handler, values, template)

    def _serve(
        self, request: Request, call: Call, handler: Handler, values: Any, template: str
    ) -> Any:
        sends = call.method == "POST" and template.endswith("/messages")
        if self.faults.raw and self.faults.raw[0][0] in f"{call.method} {call.path}":
            _, status, raw = self.faults.raw.popleft()
            request.setResponseCode(status)
            return raw
        if not self._limited(request, call.method, template, values):
            return self._say(request, 429, self._pause(request))
        if sends and self.faults.refusals:
            return self._refused(request, *self.faults.refusals.popleft())
        try:
            if self.faults.problems and self.faults.problems[0][0] in f"{call.method} {call.path}":
                raise self.faults.problems.popleft()[1]
            answer = handler(self, call, **values)
        except Problem as problem:
            return self._say(request, problem.status, problem.body)
        if sends and self.faults.lost:
            self.faults.lost -= 1
            _cut(request)
            return NOT_DONE_YET
        if answer is None:
            request.setResponseCode(204)
            return b""
        return self._say(request, 201 if template.endswith("/threads") else 200, answer)

    def _understood(self, request: Request, path: str) -> tuple[Call, Handler, Any, str]:
        method = request.method.decode()
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        agent = request.getHeader("user-agent") or ""
        if not agent.startswith("DiscordBot ("):
            raise Problem(403, 40333, "internal network error")
        if not by_token and request.getHeader("authorization") != f"Bot {self.token()}":
            self.unauthorized += 1
            raise Problem(401, 0, "401: Unauthorized")
        for known, pattern, handler, template in self.routes:
            found = pattern.match(path)
            if known == method and found:
                values = {name: unquote(value) for name, value in found.groupdict().items()}
                body, files = _body(request)
                query = dict(parse_qsl(request.uri.decode().partition("?")[2]))
                return Call(method, unquote(path), query, body, files), handler, values, template
        raise Problem(404, 0, "404: Not Found")

    def _limited(self, request: Request, method: str, template: str, values: Any) -> bool:
        """Count a request against its bucket; false if that is over."""
        major = values.get("channel") or values.get("guild") or values.get("webhook") or ""
        most, seconds = self.per_window
        now = self.clock.seconds()
        ends, used = self._windows.get((f"{method} {template}", major), (0.0, 0))
        if now >= ends:
            ends, used = now + seconds, 0
        used += 1
        self._windows[(f"{method} {template}", major)] = (ends, used)
        if self.sends_headers:
            for name, value in (
                ("Limit", str(most)),
                ("Remaining", str(max(0, most - used))),
                ("Reset", f"{ends:.3f}"),
                ("Reset-After", f"{math.ceil((ends - now) * 1000) / 1000:.3f}"),
                ("Bucket", f"{abs(hash((method, template))):x}"),
            ):
                request.setHeader(f"X-RateLimit-{name}", value)
        self._left = ends - now
        return used <= most

    def _pause(self, request: Request) -> Object:
        self.too_fast += 1
        request.setHeader("Retry-After", str(math.ceil(self._left)))
        request.setHeader("X-RateLimit-Scope", "user")
        return {
            "message": "You are being rate limited.",
            "retry_after": self._left,
            "global": False,
        }

    def _refused(self, request: Request, status: int, retry_after: float) -> Any:
        if status == 429:
            request.setHeader("Retry-After", str(math.ceil(retry_after)))
            request.setHeader("X-RateLimit-Scope", "user")
            body: Object = {
                "message": "You are being rate limited.",
                "retry_after": retry_after,
                "global": False,
            }
            return self._say(request, 429, body)
        if status >= 500:
            request.setResponseCode(status)
            return b"<html>upstream error</html>"
        codes = {403: (50013, "Missing Permissions"), 404: (10003, "Unknown Channel")}
        code, said = codes.get(status, (50035, "Invalid Form Body"))
        return self._say(request, status, {"message": said, "code": code})

    def _say(self, request: Request, status: int, body: Any) -> bytes:
        request.setResponseCode(status)
        request.setHeader("Content-Type", "application/json")
        return json.dumps(body).encode()

    def _file(self, request: Request, name: str) -> bytes:
        content = self.world.files.get(unquote(name))
        if content is None:
            request.setResponseCode(404)
            return b"This content is no longer available."
        return content

    def thaw(self) -> None:
        """Give up what was held; whoever asked has gone long since."""
        held, self._held = self._held, []
        for request in held:
            _cut(request)

    # -- what the handlers share -------------------------------------------------------------------

    def channel(self, channel_id: str) -> Object:
        """A channel that the bot may see."""
        if channel_id in self.world.hidden:
            raise Problem(403, 50001, "Missing Access")
        found = self.world.channels.get(channel_id)
        if found is None:
            raise Problem(404, 10003, "Unknown Channel")
        return found

    def message(self, channel_id: str, message_id: str) -> Object:
        """A message there."""
        self.channel(channel_id)
        found = self.world.messages.get(message_id)
        if found is None or found["channel_id"] != channel_id:
            raise Problem(404, 10008, "Unknown Message")
        return found

    def post(self, channel_id: str, call: Call, form: Object) -> Object:
        """Create a message of the bot's."""
        channel = self.channel(channel_id)
        if channel["type"] == 15:
            raise Problem(400, 50008, "Cannot send messages in a non-text channel")
        if (channel.get("thread_metadata") or {}).get("archived"):
            raise Problem(400, 50083, "Thread is archived")
        check_form(form, call.files)
        nonce = form.get("nonce")
        if form.get("enforce_nonce") and nonce is not None and str(nonce) in self._nonces:
            return self.world.messages[self._nonces[str(nonce)]]
        more = self._extras(channel_id, form, call.files)
        made = self.world.write(channel_id, self.world.me, form.get("content") or "", more)
        if form.get("enforce_nonce") and nonce is not None:
            self._nonces[str(nonce)] = made["id"]
        return made

    def _extras(self, channel_id: str, form: Object, files: list[tuple[str, bytes]]) -> Object:
        more: Object = {"flags": form.get("flags") or 0}
        if form.get("nonce") is not None:
            more["nonce"] = form["nonce"]
        if files:
            more["attachments"] = [
                self.world.attachment(name, content, "application/octet-stream")
                for name, content in files
            ]
        reference = form.get("message_reference")
        if reference:
            answered = self.world.messages.get(str(reference.get("message_id")))
            if answered is None and reference.get("fail_if_not_exists", True):
                raise malformed(
                    "message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message"
                )
            if answered is not None:
                more |= {
                    "type": 19,
                    "referenced_message": answered,
                    "message_reference": {
                        "type": 0,
                        "channel_id": channel_id,
                        "message_id": answered["id"],
                    },
                }
        return more


def _cut(request: Request) -> None:
    transport: Any = request.transport
    if transport is not None:
        transport.abortConnection()


def _body(request: Request) -> tuple[Any, list[tuple[str, bytes]]]:
    content: Any = request.content
    raw: bytes = content.read()
    kind = request.getHeader("content-type") or ""
    if not raw:
        return None, []
    if kind.startswith("multipart/form-data"):
        parsed = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
        payload: Any = {}
        files: list[tuple[str, bytes]] = []
        for part in cast(Any, parsed).iter_parts():
            content = cast(bytes, part.get_payload(decode=True))
            name = part.get_param("name", header="content-disposition")
            if name == "payload_json":
                payload = json.loads(content)
            else:
                files.append((part.get_filename() or "", content))
        return payload, files
    if not kind.startswith("application/json"):
        raise Problem(400, 50035, "Invalid Form Body")
    try:
        return json.loads(raw), []
    except ValueError:
        raise Problem(400, 50109, "The request body contains invalid JSON.") from None


def check_form(form: Any, files: list[tuple[str, bytes]]) -> None:
    """Refuse a message that Discord would refuse."""
    if not isinstance(form, dict):
        raise Problem(400, 50109, "The request body contains invalid JSON.")
    content = form.get("content") or ""
    if len(content) > 2000:
        raise malformed("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    if not content.strip() and not files and not form.get("embeds"):
        raise Problem(400, 50006, "Cannot send an empty message")
    nonce = form.get("nonce")
    if nonce is not None and len(str(nonce)) > 25:
        raise malformed("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
    allowed = form.get("allowed_mentions") or {}
    if "users" in allowed and "users" in (allowed.get("parse") or ()):
        raise malformed("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse")
    if any(len(content) > MOST_FILE_BYTES for _, content in files):
        raise Problem(413, 40005, "Request entity too large")
    listed = [str(one.get("id")) for one in form.get("attachments") or ()]
    if files and listed and listed != [str(number) for number in range(len(files))]:
        raise malformed("attachments", "ATTACHMENT_NOT_FOUND", "Unknown attachment")
