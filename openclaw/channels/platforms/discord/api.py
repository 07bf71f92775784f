"""Calls of Discord's REST API: paced, authenticated, their failures sorted; repeats nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from attrs import frozen
from twisted.logger import Logger

from openclaw import __version__
from openclaw.channels.hosts import is_loopback, leads_here
from openclaw.channels.platforms.discord.bodies import Body, File, encode
from openclaw.channels.platforms.discord.buckets import Buckets, Pass, Route
from openclaw.channels.platforms.discord.codes import INVALID_FORM, error_paths, remedy
from openclaw.interfaces.channels import ChannelFailed, ILink
from openclaw.interfaces.outbound import IOutboundResponse, OutboundError

USER_AGENT = f"DiscordBot (https://pypi.org/project/openclaw-gateway, {__version__})"
VERSION = "/v10"
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 15.0
MOST_ANSWER_BYTES = 8 << 20
MOST_UNAUTHORIZED = 3
MOST_REFUSALS = 9_000
REFUSALS_SECONDS = 600.0
"""Discord bans an address for an hour after 10 000 refused requests within ten minutes."""

BAN_PAUSE_SECONDS = 60.0
"""What a 429 that names no time is worth: it comes from the guard before the API."""

SHORT_PAUSE_SECONDS = 5.0
MOST_PAUSES = 3
"""How long, and how often, whoever looks something up waits for Discord without giving up."""


class DiscordError(Exception):
    """A call that did not succeed; the message is for people and holds no secret."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refused(DiscordError):
    """Discord said no: a status of 4xx, other than 429.

    :ivar code: Discord's own, 0 if it gave none.
    :ivar paths: what a malformed request was wrong in.
    """

    def __init__(self, status: int, code: int, message: str, paths: Sequence[str] = ()) -> None:
        said = remedy(code, message) if code else f"Discord answered {status} {message}".rstrip()
        super().__init__(f"{said} [{'; '.join(paths)}]" if paths else said)
        self.status = status
        self.code = code
        self.paths = tuple(paths)


class Unauthorized(DiscordError):
    """The token is wrong."""


class Limited(DiscordError):
    """Too many requests; nothing was done.

    :ivar after_seconds: when the next one may come.
    """

    def __init__(self, after_seconds: float) -> None:
        super().__init__(f"Discord asks for a pause of {after_seconds:g} s")
        self.after_seconds = after_seconds


class Unavailable(DiscordError):
    """Discord has trouble of its own: a status of 5xx, or an answer that is not its own."""


class Broken(DiscordError):
    """No answer, or half of one.

    :ivar carried: whether the request may have arrived.
    """

    def __init__(self, error: OutboundError) -> None:
        super().__init__(error.message)
        self.carried = error.kind != "connect"
        self.refused = error.kind == "refused"


@frozen(kw_only=True)
class Request:
    """One call; ``authorized`` is false where a token in the path does it."""

    route: Route
    body: Body | list[Body] | None = None
    files: Sequence[File] = ()
    query: str = ""
    authorized: bool = True


class _Refusals:
    """How many requests were refused lately; too many of them, and none may go any more."""

    def __init__(self, link: ILink) -> None:
        self._link = link
        self._times: deque[float] = deque()
        self.unauthorized = 0

    def note(self, status: int) -> None:
        """An answer came."""
        self.unauthorized = self.unauthorized + 1 if status == 401 else 0
        if status in (401, 403, 429):
            self._times.append(self._link.clock.seconds())

    def check(self) -> None:
        """Raise if nothing may be sent."""
        if self.unauthorized >= MOST_UNAUTHORIZED:
            raise Unauthorized("Discord does not accept the bot token")
        oldest = self._link.clock.seconds() - REFUSALS_SECONDS
        while self._times and self._times[0] < oldest:
            self._times.popleft()
        if len(self._times) >= MOST_REFUSALS:
            raise Limited(self._times[0] - oldest)


@frozen
class Root:
    """Where the API is, as configured."""

    url: str
    is_loopback: bool

    def is_beside(self, url: str) -> bool:
        """Whether an address is on the API's own server; on this machine any port is."""
        parts, own = urlsplit(url), urlsplit(self.url)
        if self.is_loopback and parts.scheme in ("http", "https"):
            return leads_here(url)
        return (parts.scheme, parts.netloc) == (own.scheme, own.netloc)


def root_of(api_url: str, allow_insecure: bool) -> Root:
    """Read ``apiUrl``; a pasted version at its end is taken off.

    :raises ChannelFailed: it is no usable address; says what it should be.
    """
    url = api_url.strip().rstrip("/")
    head, _, last = url.rpartition("/")
    if last[:1] == "v" and last[1:].isdecimal():
        url = head
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelFailed(
            "channels.discord.apiUrl is no address: it should look like https://discord.com/api"
        )
    loopback = is_loopback(parts.hostname)
    if parts.scheme == "http" and not loopback and not allow_insecure:
        raise ChannelFailed(
            "channels.discord.apiUrl is plain http beyond this machine: the token would travel "
            "in the open. Use https, or set channels.discord.allowInsecure."
        )
    return Root(url, loopback)


class Api:
    """The REST API for one bot.

    :ivar has_stopped: the token was refused so often that nothing is sent any more.
    """

    _log = Logger()

    def __init__(self, link: ILink, token: str, root: Root) -> None:
        self._link = link
        self._token = token
        self._root = root
        self._buckets = Buckets(link.clock)
        self._refusals = _Refusals(link)

    @property
    def has_stopped(self) -> bool:
        """Whether the token was refused so often that nothing is sent any more."""
        return self._refusals.unauthorized >= MOST_UNAUTHORIZED

    def start_again(self) -> None:
        """Try the token once more."""
        self._refusals.unauthorized = 0

    async def call(self, request: Request) -> Any:
        """Send one request when its limits let it through.

        :return: the answer's JSON; ``None`` for an empty one.
        :raises DiscordError: one of its kinds.
        """
        self._refusals.check()
        leave = await self._buckets.enter(request.route)
        try:
            # While it waited the token may have been refused.
            self._refusals.check()
            return await self._exchange(request, leave)
        finally:
            leave.close()

    async def get(self, template: str, query: str = "", **values: str) -> Any:
        """GET what a path names; a short pause that Discord asks for is waited out."""
        request = Request(route=Route("GET", template, values), query=query)
        for _ in range(MOST_PAUSES):
            try:
                return await self.call(request)
            except Limited as error:
                if error.after_seconds > SHORT_PAUSE_SECONDS:
                    raise
        return await self.call(request)

    async def _exchange(self, request: Request, leave: Pass) -> Any:
        headers, body = self._encoded(request)
        url = f"{self._root.url}{VERSION}{request.route.path}"
        if request.query:
            url += f"?{request.query}"
        try:
            answer = await self._link.http.request(
                request.route.method,
                url,
                headers,
                body,
                connect_seconds=CONNECT_SECONDS,
                idle_seconds=IDLE_SECONDS,
                trusted=True,
            )
            leave.answered(_limits(answer))
            content = await answer.read(MOST_ANSWER_BYTES)
        except OutboundError as error:
            raise Broken(error) from None
        return self._read(request, answer, content, leave)

    def _encoded(self, request: Request) -> tuple[dict[str, str], bytes]:
        headers = {"user-agent": USER_AGENT, "accept": "application/json"}
        if request.authorized:
            headers["authorization"] = f"Bot {self._token}"
        if request.body is None:
            return headers, b""
        content_type, body = encode(request.body, request.files, self._link.random.randbytes)
        return {**headers, "content-type": content_type}, body

    def _read(
        self, request: Request, answer: IOutboundResponse, content: bytes, leave: Pass
    ) -> Any:
        try:
            data = msgspec.json.decode(content) if content else None
        except msgspec.MsgspecError:
            data = content  # Something between here and Discord answered.
        foreign = isinstance(data, bytes)
        self._refusals.note(answer.status if request.authorized else 200)
        if answer.status == 429:
            raise self._limited(answer, data, leave)
        if answer.status == 401 and request.authorized:
            raise Unauthorized("Discord does not accept the bot token (401)")
        if answer.status >= 500 or (foreign and answer.status < 300):
            raise Unavailable(f"Discord has trouble (status {answer.status})")
        if answer.status >= 300:
            raise self._refused(answer.status, data)
        return data

    def _limited(self, answer: IOutboundResponse, data: Any, leave: Pass) -> Limited:
        said = data if isinstance(data, dict) else {}
        seconds = said.get("retry_after")
        if not isinstance(seconds, int | float):
            try:
                seconds = float(answer.header("retry-after"))
            except ValueError:
                seconds = BAN_PAUSE_SECONDS
        scope = answer.header("x-ratelimit-scope")
        everything = bool(said.get("global")) or scope == "global" or not said
        leave.limited(seconds, everything)
        self._log.warn(
            "discord: paused {seconds} s, scope {scope}",
            seconds=seconds,
            scope="global" if everything else scope,
        )
        return Limited(float(seconds))

    def _refused(self, status: int, data: Any) -> Refused:
        said = data if isinstance(data, dict) else {}
        code = said.get("code")
        paths = error_paths(said.get("errors"))
        refused = Refused(
            status, code if isinstance(code, int) else 0, str(said.get("message") or ""), paths
        )
        if refused.code == INVALID_FORM:
            self._log.error("discord: malformed request: {paths}", paths=paths)
        return refused


def _limits(answer: IOutboundResponse) -> Mapping[str, str]:
    names = ("x-ratelimit-bucket", "x-ratelimit-remaining", "x-ratelimit-reset-after")
    return {name: answer.header(name) for name in names}
