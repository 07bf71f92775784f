"""The table of every limit in ``docs/limits.rst``, made from the constants themselves."""

from collections.abc import Iterable
from inspect import signature

from attrs import frozen

from openclaw.assembly import limits
from openclaw.config.schema import Config
from openclaw.gateway import pace, presence
from openclaw.http import channel, port
from openclaw.http.openai.events import STALL_SECONDS
from openclaw.protocol import connect
from openclaw.security import limiter, pairing_codes, sockets
from openclaw.security.limits import names, writes
from openclaw.security.requests import PendingRequests
from openclaw.security.sender_codes import MAX_WAITING

_DEFAULT = Config().gateway
_HEADS = ("What", "Default", "Key", "Answer")
_LATER = "429 or ``UNAVAILABLE``, ``RATE_LIMITED``, ``retryAfterMs``"
_OFF = "not limited"


@frozen
class Row:
    """One limit.

    :ivar key: where it is configured; empty: nowhere.
    """

    what: str
    default: str
    key: str
    answer: str


def rows() -> dict[str, list[Row]]:
    """Every limit, under the heading of what it limits."""
    return {
        "Who may connect at all": _addresses(),
        "Sockets that have proven nothing": _strangers(),
        "Wrong credentials": _credentials(),
        "HTTP requests": _http(),
        "Requests": _requests(),
        "Messages": _messages(),
    }


def _addresses() -> list[Row]:
    closed = "the socket is closed; 403 ``address_not_allowed`` behind a proxy"
    return [
        Row("addresses, networks, names", "everybody", "access.ipWhitelist", closed),
        Row("names are looked up every", _seconds(names.INTERVAL_SECONDS), "", "as above"),
    ]


def _strangers() -> list[Row]:
    cut = "the socket is cut"
    asked = signature(PendingRequests).parameters
    return [
        Row("sockets of one remote client", str(sockets.PER_CLIENT), "", cut),
        Row("sockets of all remote clients", str(sockets.TOTAL), "", cut),
        Row("of this machine, and of trusted proxies", str(sockets.LOCAL_TOTAL), "", cut),
        Row("time for the first head", _seconds(port.HEAD_SECONDS), "", cut),
        Row("first head", _bytes(port.MAX_HEAD_BYTES), "", "431"),
        Row(
            "time for the handshake",
            _seconds(_DEFAULT.handshake_timeout),
            "gateway.handshakeTimeout",
            "close 1000",
        ),
        Row("messages before the answer to it", "1", "", "close 1008"),
        Row("size of that message", _bytes(connect.MAX_PREAUTH_BYTES), "", "close 1009"),
        Row("handshakes in one turn of the loop", str(pace.PER_TURN), "", "the next turn"),
        Row(
            "waiting devices of one client",
            str(asked["per_client"].default),
            "",
            "the oldest that nobody has seen goes",
        ),
        Row("waiting devices", str(asked["total"].default), "", "as above"),
        Row("waiting senders of one account", str(MAX_WAITING), "", "silence"),
    ]


def _credentials() -> list[Row]:
    per_minute = _seconds(limiter.WINDOW_SECONDS)
    locked = "``AUTH_RATE_LIMITED`` or 429, ``retryAfterMs``"
    return [
        Row(
            "wrong ones of one kind from one client",
            f"{limiter.FAILURES} in {per_minute}, then none for {_seconds(limiter.LOCK_SECONDS)}",
            "",
            locked,
        ),
        Row(
            "wrong shared secrets of one client",
            f"{limiter.SLOW_FAILURES} in a day, then none for "
            f"{_seconds(limiter.SLOW_LOCK_SECONDS)}",
            "",
            locked,
        ),
        Row(
            "requests without any",
            f"{limiter.MISSING} in {per_minute}, then "
            f"{_seconds(limiter.MISSING_LOCK_SECONDS)} later",
            "",
            locked,
        ),
        Row(
            "wrong pairing codes of one approver",
            f"{pairing_codes.WRONG_PER_HOUR} in an hour",
            "",
            "``PAIRING_CODE_RATE_LIMITED``, ``retryAfterMs``",
        ),
        Row("wrong tries of one pairing code", str(pairing_codes.MAX_WRONG), "", "it is void"),
    ]


def _http() -> list[Row]:
    return [
        Row("connections of one remote client", str(limits.PAGES_PER_CLIENT), "", "503"),
        Row("connections of all remote clients", str(limits.PAGES_TOTAL), "", "503"),
        Row("time for a later head", _seconds(channel.HEAD_SECONDS), "", "the socket is cut"),
        Row("body", _bytes(channel.BODY_BYTES), "", "413, closed"),
        Row(
            "body of the API for programs",
            _bytes(_DEFAULT.http.endpoints.responses.max_body_bytes),
            "gateway.http.endpoints.….maxBodyBytes",
            "413, closed",
        ),
        Row("a reader of a stream that reads nothing", _seconds(STALL_SECONDS), "", "closed"),
        Row("body of a route that takes none", "not read", "", "the route's answer, closed"),
        Row("time for a body", _seconds(channel.BODY_SECONDS), "", "408, closed"),
        Row("idle connection", _seconds(channel.IDLE_SECONDS), "", "closed"),
    ]


def _requests() -> list[Row]:
    work = _DEFAULT.rate_limit
    return [
        Row(
            "work of one remote device or sender",
            f"{work.requests_per_minute} a minute, {work.burst} at once",
            "gateway.rate_limit",
            _LATER,
        ),
        Row("control-plane writes of one device", f"{writes.WRITES} a minute", "", _LATER),
        Row("frames and requests, all", _OFF, "access.rateLimiting.global", _LATER),
        Row("of one address", _OFF, "access.rateLimiting.perIp", _LATER),
        Row("of one connection", _OFF, "access.rateLimiting.perConnection", _LATER),
    ]


def _messages() -> list[Row]:
    policy = _DEFAULT.policy
    return [
        Row("a message", _bytes(policy.max_payload), "gateway.policy.maxPayload", "close 1009"),
        Row(
            "unsent bytes of a slow client",
            _bytes(policy.max_buffered_bytes),
            "gateway.policy.maxBufferedBytes",
            "close 1008 ``slow consumer``",
        ),
        Row(
            "presence lists, all receivers together",
            f"{_bytes(presence.BYTES_PER_SECOND)} a second",
            "",
            "changes are told together",
        ),
    ]


def table() -> str:
    """The tables as text."""
    return "\n\n".join(_section(title, group) for title, group in rows().items())


def _section(title: str, group: Iterable[Row]) -> str:
    lines = [f".. list-table:: {title}", "   :header-rows: 1", "   :widths: 34 24 22 30", ""]
    for first, *rest in (_HEADS, *map(_cells, group)):
        lines += [f"   * - {first}", *(f"     - {cell}".rstrip() for cell in rest)]
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    return row.what, row.default, f"``{row.key}``" if row.key else "", row.answer


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds > 60 and seconds % 60 == 0 else f"{seconds:g} s"


def _bytes(count: int) -> str:
    for unit, size in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count % size == 0:
            return f"{count // size} {unit}"
    return f"{count / 1e6:g} MB"
