"""Calls of a homeserver: addresses, deadlines, answers, errors; it repeats nothing by itself.

https://spec.matrix.org/latest/client-server-api/#api-standards
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from attrs import define, field
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime

from openclaw.channels.hosts import is_loopback
from openclaw.deferreds import deferred
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

CLIENT = "/_matrix/client/v3"
CLIENT_V1 = "/_matrix/client/v1"
MEDIA = "/_matrix/media/v3"

CALL_SECONDS = 14.0
"""What an ordinary call may take, from its start to the last byte of its answer."""

UPLOAD_BYTES_PER_SECOND = 50_000
"""The slowest line that a file is sent over; an upload gets the time that it takes there."""

ANSWER_BYTES = 64 << 20
"""The most of an answer; the first sync of an account in very many rooms is the largest."""

UNNAMED_PAUSE_SECONDS = 5.0
"""The pause after a 429 that names none."""

SIGNED_OUT = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")


class Refused(Exception):
    """The homeserver said no, so nothing was done.

    :ivar errcode: such as ``M_FORBIDDEN``; empty if it is not Matrix that speaks.
    :ivar retry_after: seconds to wait, 0 if it named none.
    :ivar soft: signed out, but the device is still there: sign in again with its id.
    """

    def __init__(
        self,
        status: int,
        errcode: str = "",
        message: str = "",
        retry_after: float = 0.0,
        soft: bool = False,
    ) -> None:
        super().__init__(" ".join(filter(None, (str(status), errcode, message))))
        self.status = status
        self.errcode = errcode
        self.message = message
        self.retry_after = retry_after
        self.soft = soft

    @property
    def signed_out(self) -> bool:
        """Whether the token is not, or no longer, one."""
        return self.errcode in SIGNED_OUT

    @property
    def unknown(self) -> bool:
        """Whether the homeserver does not have this call at all."""
        return self.errcode == "M_UNRECOGNIZED" or (self.status in (404, 405) and not self.errcode)


class Unanswered(Exception):
    """No answer, or none that a homeserver gives; whether anything was done is open."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def path(*parts: str, base: str = CLIENT) -> str:
    """A path; every part is encoded, for ids hold ``!``, ``:``, ``#`` and ``/``."""
    return "/".join((base, *(quote(part, safe="") for part in parts)))


def address(homeserver: str, allow_insecure: bool) -> str:
    """Check a homeserver's address.

    :return: it without a slash at its end, and without a pasted ``/_matrix…``.
    :raises ChannelFailed: it cannot be used; says what to set.
    """
    root = homeserver.strip().partition("/_matrix")[0].rstrip("/")
    if not root:
        raise ChannelFailed(
            "Matrix has no homeserver: set channels.matrix.homeserver to its address, such as "
            "https://matrix.example.org"
        )
    parts = urlsplit(root)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ChannelFailed(
            "channels.matrix.homeserver is no address: expected https://host, as clients use it"
        )
    is_here = is_loopback(parts.hostname) or parts.hostname.rstrip(".") == "localhost"
    if parts.scheme == "http" and not allow_insecure and not is_here:
        raise ChannelFailed(
            "channels.matrix.homeserver would send the token unencrypted: use https, or set "
            "channels.matrix.allowInsecure to true if the network is yours"
        )
    return root


@define(kw_only=True)
class Homeserver:
    """One homeserver, and who asks it.

    :ivar root: its address, without a slash at its end.
    :ivar token: the access token; empty before the sign-in.
    """

    http: IOutboundHTTP
    clock: IReactorTime
    root: str
    token: str = field(default="", repr=False)

    @deferred
    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        seconds: float = CALL_SECONDS,
    ) -> dict[str, Any]:
        """Make a call.

        :param path: as :func:`path` makes it.
        :param seconds: the deadline for all of it, however busy the connection looks.
        :return: fires with the answer; fails with :class:`Refused` or :class:`Unanswered`.
        """
        headers = {"content-type": "application/json"}
        content = b"" if body is None and method == "GET" else msgspec.json.encode(body or {})
        asked = self._ask(method, self._url(path, query), headers, content, seconds)
        return await self._bounded(asked, seconds)

    @deferred
    async def upload(self, name: str, mime: str, data: bytes) -> str:
        """Store a file; fires with its ``mxc:`` address, otherwise as :meth:`call`."""
        seconds = CALL_SECONDS + len(data) / UPLOAD_BYTES_PER_SECOND
        url = self._url(f"{MEDIA}/upload", {"filename": name} if name else None)
        headers = {"content-type": mime or "application/octet-stream"}
        answer = await self._bounded(self._ask("POST", url, headers, data, seconds), seconds)
        return str(answer.get("content_uri") or "")

    def download(self, path: str) -> Deferred[IOutboundResponse]:
        """Begin to fetch a file; fails with :class:`OutboundError`."""
        return self.http.request("GET", self.root + path, self._authorized({}), trusted=True)

    def _url(self, path: str, query: Mapping[str, str] | None) -> str:
        return f"{self.root}{path}" + (f"?{urlencode(query)}" if query else "")

    def _authorized(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "authorization": f"Bearer {self.token}"} if self.token else headers

    @deferred
    async def _ask(
        self, method: str, url: str, headers: dict[str, str], body: bytes, seconds: float
    ) -> dict[str, Any]:
        try:
            response = await self.http.request(
                method,
                url,
                self._authorized(headers),
                body,
                connect_seconds=min(10.0, seconds),
                idle_seconds=seconds,
                trusted=True,
            )
            pause = response.header("retry-after")
            said = await response.read(ANSWER_BYTES)
        except OutboundError as error:
            raise Unanswered(error.message) from None
        return _read(response.status, pause, said)

    async def _bounded(self, asked: Deferred[dict[str, Any]], seconds: float) -> dict[str, Any]:
        asked.addTimeout(seconds, self.clock)
        try:
            return await asked
        except TimeoutError:
            raise Unanswered(f"no answer within {seconds:g} s") from None


def _read(status: int, pause: str, said: bytes) -> dict[str, Any]:
    """Tell a result from a refusal, and both from what some proxy said."""
    try:
        answer = msgspec.json.decode(said)
    except (ValueError, RecursionError):
        answer = None
    if status == 200:
        if isinstance(answer, dict):
            return answer
        raise Unanswered("HTTP 200, and no answer of a homeserver")
    given = answer if isinstance(answer, dict) else {}
    errcode, words = given.get("errcode"), given.get("error")
    raise Refused(
        status,
        errcode if isinstance(errcode, str) else "",
        words[:200] if isinstance(words, str) else "",
        _pause(status, given.get("retry_after_ms"), pause),
        given.get("soft_logout") is True,
    )


def _pause(status: int, named_ms: object, header: str) -> float:
    """How long to wait: the body knows milliseconds, the header only seconds."""
    if isinstance(named_ms, int | float) and not isinstance(named_ms, bool) and named_ms > 0:
        return float(named_ms) / 1000
    if header.strip().isdigit():
        return float(header)
    return UNNAMED_PAUSE_SECONDS if status == 429 else 0.0


def broken(error: Refused | Unanswered) -> ChannelDown | ChannelFailed:
    """What a failed call says of the whole account; who is signed out is not asked here."""
    if isinstance(error, Unanswered):
        return ChannelDown(f"Matrix: {error.message}")
    if error.unknown:
        return ChannelFailed(
            f"no Matrix homeserver answers at channels.matrix.homeserver ({error}): set it to the "
            "address that clients use; https://<server>/.well-known/matrix/client names it"
        )
    if error.errcode == "M_USER_DEACTIVATED":
        return ChannelFailed("the Matrix account is deactivated: use another one")
    return ChannelDown(f"Matrix: {error}", after_seconds=error.retry_after)


def undelivered(error: Refused | Unanswered) -> Undelivered:
    """What a failed call says of one message. All of them may be repeated, so none is lost."""
    if isinstance(error, Unanswered):
        return Undelivered(f"Matrix: {error.message}", "retry")
    words = f"Matrix: {error}"
    if error.status == 429:
        return Undelivered(words, "retry", max(1, round(error.retry_after * 1000)))
    if error.status >= 500 or error.status == 408:
        return Undelivered(words, "retry", round(error.retry_after * 1000))
    if error.status == 401:
        # The account is refused, not the message: it waits until it is signed in again.
        return Undelivered(words, "later")
    if error.status == 413 or error.errcode == "M_TOO_LARGE":
        words += "; set channels.matrix.textChunkLimit lower"
    return Undelivered(words, "never")
