"""Calls of Slack's Web API: form or JSON out, an object back or a :class:`SlackError`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.forms import urlencoded
from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.slack.failures import Kind, SlackError, kind_of
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import ChannelFailed
from openclaw.interfaces.outbound import IOutboundHTTP, OutboundError

ANSWER_BYTES = 16 << 20
ANSWER_SECONDS = 15.0
"""How long Slack may be silent: it answers in well under a second, or not at all."""

_DEFAULT_PAUSE_MS = 30_000

Answer = dict[str, Any]


def checked_root(url: str, allow_insecure: bool) -> str:
    """The Web API's address with one slash at its end.

    :raises ChannelFailed: for one that secrets must not be sent to.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelFailed(
            f"apiUrl: expected an address such as https://slack.com/api/, found {parts.scheme!r}; "
            "remove the key to use Slack's own"
        )
    if parts.scheme == "http" and not (allow_insecure or is_loopback(parts.hostname)):
        raise ChannelFailed(
            f"apiUrl: http to {parts.hostname} would show the tokens to the network; use https, or "
            "set allowInsecure"
        )
    return url.rstrip("/") + "/"


class WebApi:
    """One token's way to the Web API.

    It waits for nothing and repeats nothing; a method that Slack has limited is refused here
    until Slack will listen again, for asking sooner makes the wait longer.

    :param root: ends with a slash.
    """

    def __init__(self, http: IOutboundHTTP, clock: IReactorTime, root: str, token: str) -> None:
        self._http = http
        self._clock = clock
        self._root = root
        self._token = token
        self._limited: dict[str, float] = {}

    @property
    def root(self) -> str:
        """The address that methods' names are put behind."""
        return self._root

    @property
    def bearer(self) -> str:
        """The value of an ``Authorization`` header."""
        return f"Bearer {self._token}"

    @deferred
    async def read(self, method: str, **params: str | int) -> Answer:
        """Call a method that only reads, as a form: not every such method takes JSON."""
        form = urlencoded({name: str(value) for name, value in params.items()})
        return await self._call(method, form.content_type, form.body)

    @deferred
    async def call(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Call a method that changes something, as JSON."""
        body = msgspec.json.encode(params)
        return await self._call(method, "application/json; charset=utf-8", body)

    async def _call(self, method: str, content_type: str, body: bytes) -> Answer:
        self._check_limit(method)
        headers = {"authorization": self.bearer, "content-type": content_type}
        try:
            response = await self._http.request(
                "POST",
                self._root + method,
                headers,
                body,
                idle_seconds=ANSWER_SECONDS,
                trusted=True,
            )
            status, pause = response.status, response.header("retry-after")
            text = await response.read(ANSWER_BYTES)
        except OutboundError as error:
            kind: Kind = "undone" if error.kind in ("connect", "refused") else "lost"
            raise SlackError(method, error.message, kind, answered=False) from None
        if status == 429:
            raise self._too_many(method, pause)
        return self._understood(method, status, text, pause)

    def _check_limit(self, method: str) -> None:
        until = self._limited.get(method, 0.0)
        left = until - self._clock.seconds()
        if left > 0:
            raise SlackError(
                method,
                f"Slack asked to wait {left:.0f} s more",
                "limited",
                code="ratelimited",
                after_ms=int(left * 1000) + 1,
            )
        self._limited.pop(method, None)

    def _too_many(self, method: str, pause: str) -> SlackError:
        after_ms = int(float(pause) * 1000) if _is_number(pause) else _DEFAULT_PAUSE_MS
        self._limited[method] = self._clock.seconds() + after_ms / 1000
        message = f"Slack asked to wait {after_ms / 1000:g} s"
        return SlackError(method, message, "limited", code="ratelimited", after_ms=after_ms)

    def _understood(self, method: str, status: int, text: bytes, pause: str) -> Answer:
        answer = decoded(text)
        if answer is None:
            # 503 is said before anything is done; any other failure may be of what came after.
            raise SlackError(method, f"HTTP {status} without an answer", _kind_of_status(status))
        if answer.get("ok") is True:
            return answer
        code = str(answer.get("error") or f"HTTP {status}")
        kind = kind_of(code)
        if kind == "limited":
            raise self._too_many(method, pause)
        if kind == "refused":
            kind = _kind_of_status(status)
        needed = str(answer.get("needed") or "")
        raise SlackError(method, code, kind, code=code, needed=needed)


def decoded(text: bytes) -> Answer | None:
    """A JSON object, or None for anything else."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _kind_of_status(status: int) -> Kind:
    """503 is said before anything is done; any other 5xx may be of what came after."""
    if status == 503:
        return "undone"
    return "lost" if status >= 500 else "refused"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
