"""Calls of the Bot API: addresses, deadlines, answers, errors; it repeats nothing by itself.

The token is part of every address, so no address leaves this module, not even in an error.

https://core.telegram.org/bots/api#making-requests
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from attrs import frozen
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.telegram.multipart import File, encode
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

CALL_SECONDS = 15.0
"""What an ordinary call may take, from its start to the last byte of its answer."""

UPLOAD_BYTES_PER_SECOND = 50_000
"""The slowest line that a file is sent over; an upload gets the time that it takes there."""

FILE_SILENCE_SECONDS = 30.0

ANSWER_BYTES = 32 << 20
"""The most of an answer: a hundred updates stay far below it."""

PAUSE_SECONDS = 5.0
"""How long to wait where it is too much and nobody says until when, such as a proxy before it."""

NEW_TOKEN = "get a new token from @BotFather (/token) and set channels.telegram.botToken"

_PASTED_TOKEN = re.compile(r"/bot(?:\d+:[\w-]*|<token>)?/*\Z")
_TOKEN = re.compile(r"[A-Za-z0-9:_-]+\Z")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?\Z")


class Refused(Exception):
    """The Bot API said no, so nothing was done.

    :ivar code: its ``error_code``, mostly an HTTP status.
    :ivar retry_after: seconds to wait, 0 if it named none.
    :ivar moved_to: the new id of a group that became a supergroup; empty otherwise.
    """

    def __init__(
        self, code: int, description: str, retry_after: float = 0.0, moved_to: str = ""
    ) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.moved_to = moved_to

    def says(self, *parts: str) -> bool:
        """Whether the description has one of these in it, in whatever case."""
        said = self.description.lower()
        return any(part in said for part in parts)


class Unanswered(Exception):
    """No answer, or none that the Bot API gives.

    :ivar untouched: the call certainly did nothing.
    """

    def __init__(self, message: str, untouched: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.untouched = untouched


@frozen(kw_only=True)
class Address:
    """Where the Bot API is, and with which token; its ``repr`` shows neither.

    :ivar root: without ``/bot<token>`` and without a slash at its end.
    """

    root: str
    token: str

    def __repr__(self) -> str:
        return "Address()"

    def method(self, name: str) -> str:
        """The address of one method."""
        return f"{self.root}/bot{self.token}/{name}"

    def file(self, path: str) -> str:
        """The address of one file."""
        return f"{self.root}/file/bot{self.token}/{quote(path)}"


def address(root: str, token: str, allow_insecure: bool) -> Address:
    """Make an account's address.

    :param root: as configured; ``/bot<token>`` at its end is cut off.
    :raises ChannelFailed: there is no usable token or root; says what to set.
    """
    token = token.strip()
    if not token:
        raise ChannelFailed(
            "Telegram has no bot token: get one from @BotFather and set channels.telegram.botToken"
        )
    if not _TOKEN.match(token):
        raise ChannelFailed(
            f"the Telegram bot token is none (expected 123456:ABC-DEF...): {NEW_TOKEN}"
        )
    root = _PASTED_TOKEN.sub("", root.strip()).removesuffix(f"/bot{token}").rstrip("/")
    parts = urlsplit(root)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ChannelFailed(
            "channels.telegram.apiRoot is no address: expected https://host or "
            "https://host/path, without /bot<token>"
        )
    is_here = is_loopback(parts.hostname) or parts.hostname.rstrip(".") == "localhost"
    if parts.scheme == "http" and not allow_insecure and not is_here:
        raise ChannelFailed(
            "channels.telegram.apiRoot would send the token unencrypted: use https, or set "
            "channels.telegram.allowInsecure to true if the network is yours"
        )
    return Address(root=root, token=token)


class BotAPI:
    """The methods of one bot.

    :param where: the bot's address.
    :param clock: for deadlines.
    :param random_bytes: for the boundaries of forms.
    """

    def __init__(
        self,
        http: IOutboundHTTP,
        clock: IReactorTime,
        where: Address,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._http = http
        self._clock = clock
        self._where = where
        self._random_bytes = random_bytes

    @deferred
    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> Any:
        """Call a method.

        :param seconds: the deadline for all of it, however busy the connection looks.
        :return: fires with ``result``; fails with :class:`Refused` or :class:`Unanswered`.
        """
        body = msgspec.json.encode(params or {})
        return await self._bounded(
            self._ask(method, "application/json", body, seconds), method, seconds
        )

    @deferred
    async def upload(self, method: str, params: Mapping[str, Any], file: File) -> Any:
        """Call a method with a file; otherwise as :meth:`call`."""
        seconds = CALL_SECONDS + len(file.data) / UPLOAD_BYTES_PER_SECOND
        form = encode(params, file, self._random_bytes)
        asked = self._ask(method, form.content_type, form.body, seconds)
        return await self._bounded(asked, method, seconds)

    @deferred
    async def download(self, file_path: str) -> IOutboundResponse:
        """Begin to fetch a file by the path that ``getFile`` gave; fails with OutboundError."""
        return await self._http.request(
            "GET", self._where.file(file_path), {}, idle_seconds=FILE_SILENCE_SECONDS, trusted=True
        )

    @deferred
    async def _ask(self, method: str, content_type: str, body: bytes, seconds: float) -> Any:
        try:
            response = await self._http.request(
                "POST",
                self._where.method(method),
                {"content-type": content_type},
                body,
                connect_seconds=min(10.0, seconds),
                idle_seconds=seconds,
                trusted=True,
            )
            said = await response.read(ANSWER_BYTES)
        except OutboundError as error:
            untouched = error.kind in ("connect", "refused")
            raise Unanswered(f"{method}: {error.message}", untouched) from None
        return self._read(method, response.status, response.header("retry-after"), said)

    async def _bounded(self, asked: Deferred[Any], method: str, seconds: float) -> Any:
        asked.addTimeout(seconds, self._clock)
        try:
            return await asked
        except TimeoutError:
            raise Unanswered(f"{method}: no answer within {seconds:g} s") from None

    def _read(self, method: str, status: int, pause: str, said: bytes) -> Any:
        """Tell a result from a refusal, and both from what some proxy said."""
        try:
            answer = msgspec.json.decode(said)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise self._foreign(method, status, pause)
        if answer["ok"]:
            return answer.get("result")
        raise self._refusal(status, answer, pause)

    def _foreign(self, method: str, status: int, pause: str) -> Exception:
        if 300 <= status < 500:
            words = f"HTTP {status} without a word of the Bot API"
            return Refused(status, words, _seconds(pause))
        # 503 says that nothing was tried; any other may hide an answer that got lost behind it.
        return Unanswered(f"{method}: HTTP {status}, and no answer of the Bot API", status == 503)

    def _refusal(self, status: int, answer: Mapping[str, Any], told: str) -> Refused:
        code = answer.get("error_code")
        description = answer.get("description")
        more = answer.get("parameters")
        more = more if isinstance(more, dict) else {}
        pause = more.get("retry_after")
        return Refused(
            code if isinstance(code, int) else status if status >= 400 else 400,
            str(description or "no reason given").replace(self._where.token, "<token>"),
            float(pause) if isinstance(pause, int | float) else _seconds(told),
            str(more.get("migrate_to_chat_id") or ""),
        )


def _seconds(header: str) -> float:
    """What a ``Retry-After`` says, 0 for none and for a date."""
    return float(header) if _SECONDS.match(header.strip()) else 0.0


def is_unknown(error: Refused | Unanswered) -> bool:
    """Whether a server has no such method, if the token is known to be good."""
    return isinstance(error, Refused) and error.code == 404


def broken(error: Refused | Unanswered) -> ChannelDown | ChannelFailed:
    """What a failed call says of the whole account, for its loop."""
    if isinstance(error, Unanswered):
        return ChannelDown(f"Telegram: {error.message}")
    if error.code in (401, 404):
        return ChannelFailed(
            f"Telegram does not know this bot token ({error}): {NEW_TOKEN}; with an apiRoot of "
            "your own, check that too"
        )
    return ChannelDown(f"Telegram: {error}", after_seconds=error.retry_after)


def undelivered(error: Refused | Unanswered, repeatable: bool = False) -> Undelivered:
    """What a failed call says of one message.

    :param repeatable: doing it twice is the same as doing it once.
    """
    if isinstance(error, Unanswered):
        kind = "retry" if error.untouched or repeatable else "unknown"
        return Undelivered(f"Telegram: {error.message}", kind)
    words = f"Telegram: {error}"
    if error.code == 429:
        return Undelivered(words, "retry", int((error.retry_after or PAUSE_SECONDS) * 1000))
    if error.code == 401:
        # The bot itself is refused, not the message: it waits until somebody mends the token.
        return Undelivered(words, "later")
    if error.code >= 500:
        return Undelivered(words, "retry")  # ``ok: false``: the platform's word that it failed.
    if error.says("chat not found"):
        words += "; a person has to press Start in the bot's chat first, a group has to add it"
    return Undelivered(words, "never")
