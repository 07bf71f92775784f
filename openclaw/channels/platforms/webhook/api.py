"""Posts answers to another service, and says what became of them."""

import re
from urllib.parse import urlsplit

from openclaw.channels.hosts import is_loopback
from openclaw.channels.platforms.webhook.signing import signed
from openclaw.interfaces.channels import ChannelFailed
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError
from openclaw.interfaces.queue import Undelivered

ANSWER_BYTES = 64 << 10
SILENCE_SECONDS = 30.0
DEFAULT_PAUSE_MS = 5_000
MOST_PAUSE_SECONDS = 3600

_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))


class Unauthorized(Exception):
    """The other service does not believe our signature."""


def checked_url(url: str, allow_insecure: bool) -> str:
    """An address that answers may be posted to.

    :raises ChannelFailed: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelFailed(
            "channels.webhook.outboundUrl: expected an address such as https://example.org/hook"
        )
    if parts.scheme == "http" and not (allow_insecure or is_loopback(parts.hostname)):
        raise ChannelFailed(
            f"channels.webhook.outboundUrl: http to {parts.hostname} would show what is said to "
            "the network; use https, or set allowInsecure"
        )
    return url


class Poster:
    """One other service.

    :param url: the operator's own choice, so it may be anywhere.
    """

    def __init__(self, http: IOutboundHTTP, url: str, secret: str) -> None:
        self._http = http
        self._url = url
        self._secret = secret

    async def post(self, body: bytes, key: str, now_ms: int) -> bytes:
        """Post one document; gives what was answered.

        Whatever is lost may be repeated: the other service knows it by its key.

        :raises Undelivered: it was not taken.
        :raises Unauthorized: our signature was not believed.
        """
        headers = {
            "content-type": "application/json",
            "idempotency-key": key,
            "user-agent": "openclaw-webhook",
            **signed(self._secret, now_ms // 1000, body),
        }
        try:
            response = await self._http.request(
                "POST", self._url, headers, body, idle_seconds=SILENCE_SECONDS, trusted=True
            )
            said = await response.read(ANSWER_BYTES)
        except OutboundError as error:
            kind = "never" if error.kind in ("refused", "too_large") else "retry"
            raise Undelivered(error.message, kind) from None
        return self._judged(response, said)

    def _judged(self, response: IOutboundResponse, said: bytes) -> bytes:
        status = response.status
        # 409 is what services answer to a key that they have seen: it was taken before.
        if 200 <= status < 300 or status == 409:
            return said
        if status in (401, 403):
            raise Unauthorized
        if status in _AGAIN:
            pause = _pause_ms(response.header("retry-after"), status)
            raise Undelivered(f"the service answered {status}", "retry", pause)
        more = "; redirects are not followed" if 300 <= status < 400 else ""
        raise Undelivered(f"the service answered {status}{more}", "never")


def _pause_ms(told: str, status: int) -> int:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", told.strip()):
        return round(min(float(told), MOST_PAUSE_SECONDS) * 1000)
    return DEFAULT_PAUSE_MS if status == 429 else 0
