"""Requests of platforms, handed to the account they are for; signatures are judged there."""

from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.server import NOT_DONE_YET

from openclaw.errors import StoreError
from openclaw.http.answers import locked_out, send, send_json, send_text
from openclaw.http.port import header_map
from openclaw.interfaces.channels import IChannels, WebhookAnswer, WebhookPlace, WebhookRequest
from openclaw.interfaces.queue import QueueFull
from openclaw.interfaces.security import Peer

ANSWER_SECONDS = 30.0
RETRY_SECONDS = 5
_REFUSED = (401, 403)


class Webhooks:
    """The webhooks of every account.

    :param wait_ms: how long a client has to wait that was refused too often, asked before anything.
        Never for this machine: a tunnel brings everybody from there, the platform too.
    :param failed: counts that a client was refused; milliseconds to wait if that was too often.
    """

    _log = Logger()

    def __init__(
        self,
        channels: IChannels,
        peer: Callable[[Request], Peer],
        wait_ms: Callable[[Peer], int],
        failed: Callable[[Peer], int],
        clock: IReactorTime,
    ) -> None:
        self._channels = channels
        self._peer = peer
        self._wait_ms = wait_ms
        self._failed = failed
        self._clock = clock

    def place(self, request: Request) -> WebhookPlace | None:
        """Whose webhook a request is for; its head is enough to tell."""
        path = request.path.decode("utf-8", "replace")
        return self._channels.webhook_at(unquote(path))

    def body_limit(self, request: Request) -> int:
        """How large the body of a request may be; 0: not wanted, as of who is locked out."""
        place = self.place(request)
        if place is None or self._wait_ms(self._peer(request)):
            return 0
        return place.body_bytes

    def serve(self, request: Request, place: WebhookPlace) -> bytes | int:
        """Answer a request, now or when the account has."""
        peer = self._peer(request)
        wait_ms = self._wait_ms(peer)
        if wait_ms:
            return locked_out(request, wait_ms)
        working = self._channels.webhook(place, _read(request, place))
        working.addTimeout(ANSWER_SECONDS, self._clock)
        body: Deferred[bytes] = working.addCallbacks(
            self._answered,
            self._broken,
            callbackArgs=(request, peer),
            errbackArgs=(request, place),
        )
        gone = request.notifyFinish()
        gone.addErrback(lambda _: working.cancel())
        return _when_done(body, request)

    def _answered(self, answer: WebhookAnswer, request: Request, peer: Peer) -> bytes:
        if answer.status in _REFUSED:
            wait_ms = self._failed(peer)
            if wait_ms:
                return locked_out(request, wait_ms)
        headers = {name.replace("-", "_"): value for name, value in answer.headers.items()}
        return send(request, answer.status, answer.content_type, answer.body, **headers)

    def _broken(self, failure: Failure, request: Request, place: WebhookPlace) -> bytes:
        """What could not be taken has to come again; the platform hears it from the status."""
        request.setHeader("Retry-After", str(RETRY_SECONDS))
        if failure.check(QueueFull, StoreError, CancelledError, TimeoutError):
            words = "the gateway cannot take this now; send it again"
            return send_json(request, 503, {"error": {"message": words, "type": "busy"}})
        name = f"{place.channel}/{place.account}"
        self._log.failure("webhook of {name} broke", failure=failure, name=name)
        return send_text(request, 500, "internal error")


def _read(request: Request, place: WebhookPlace) -> WebhookRequest:
    query = request.uri.partition(b"?")[2].decode("utf-8", "replace")
    body = b"" if request.content is None else request.content.read()
    return WebhookRequest(
        method=request.method.decode("ascii", "replace"),
        path=place.rest,
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers=header_map(request),
        body=body,
    )


def _when_done(body: Deferred[bytes], request: Request) -> bytes | int:
    """The body if it is there; else it is written once it is, unless the client has gone."""
    at_once: list[bytes] = []
    returned = False

    def write(data: bytes) -> None:
        if not returned:
            at_once.append(data)
        elif not request._disconnected:  # Twisted has no public word for it.
            request.write(data)
            request.finish()

    body.addCallback(write)
    returned = True
    return at_once[0] if at_once else NOT_DONE_YET
