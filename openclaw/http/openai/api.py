"""The routes of this API: who may ask is settled before a byte of a body is read."""

from collections.abc import Awaitable, Callable, Mapping

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.http import Request
from twisted.web.server import NOT_DONE_YET

from openclaw.deferreds import Tasks
from openclaw.errors import GatewayError
from openclaw.http.answers import send_json, unauthorized
from openclaw.http.channel import BODY_BYTES
from openclaw.http.gate import API_ROUTES, Gate
from openclaw.http.openai.caller import Caller
from openclaw.http.openai.errors import ErrorBody, ErrorDetail, HungUp, Refused, refusal_of
from openclaw.http.openai.exchange import Exchange
from openclaw.interfaces.security import Peer

Serve = Callable[[Exchange], Awaitable[None]]
_READING = (b"GET", b"HEAD")
_ONE_MODEL = "/v1/models/"


@frozen
class Endpoint:
    """What is at one path.

    :ivar path: as the table of scopes has it.
    :ivar posted: whether it takes a body.
    :ivar body_bytes: how large that may be.
    """

    path: str
    posted: bool
    serve: Serve
    body_bytes: int = BODY_BYTES

    @property
    def allowed(self) -> str:
        """The methods it takes."""
        return "POST" if self.posted else "GET, HEAD"

    def takes(self, method: bytes) -> bool:
        """Whether it takes this one."""
        return method == b"POST" if self.posted else method in _READING


@frozen
class Place:
    """Where a request goes.

    :ivar rest: what stands behind the endpoint's path.
    """

    endpoint: Endpoint
    rest: str = ""


class Api:
    """Serves the endpoints there are.

    :param endpoints: each at most once; a path of the table that none has is not served here.
    :param peer: who is at the other end.
    :param tasks: owns what is being answered.
    """

    _log = Logger()

    def __init__(
        self,
        endpoints: tuple[Endpoint, ...],
        gate: Gate,
        peer: Callable[[Request], Peer],
        tasks: Tasks,
        clock: IReactorTime,
    ) -> None:
        self._endpoints: Mapping[str, Endpoint] = {one.path: one for one in endpoints}
        unknown = sorted(self._endpoints.keys() - API_ROUTES.keys())
        if unknown:
            raise ValueError(f"routes without a scope: {', '.join(unknown)}")
        self._gate = gate
        self._peer = peer
        self._tasks = tasks
        self._clock = clock

    def place(self, path: str) -> Place | None:
        """What is at a path, decoded; ``None`` if nothing of this API is."""
        endpoint = self._endpoints.get(path)
        if endpoint is not None:
            return Place(endpoint)
        id = path.removeprefix(_ONE_MODEL)
        one = self._endpoints.get(_ONE_MODEL + "{model}")
        return Place(one, id) if one is not None and id and id != path else None

    def body_limit(self, request: Request, path: str) -> int:
        """How large the body of a request may be; 0: whoever asks gets an answer without it."""
        place = self.place(path)
        if place is None or not place.endpoint.posted or request.method != b"POST":
            return 0
        endpoint = place.endpoint
        return endpoint.body_bytes if self._gate.lets_in(request, endpoint.path) else 0

    def serve(self, request: Request, place: Place) -> bytes | int:
        """Answer a request, now or later."""
        endpoint = place.endpoint
        if not endpoint.takes(request.method):
            return _not_allowed(request, endpoint.allowed)
        refusal = self._gate.refusal(request, endpoint.path)
        if refusal is not None:
            return refusal
        admitted = self._gate.who(request)
        if admitted is None:
            return unauthorized(request)
        caller = Caller(admitted, self._peer(request))
        exchange = Exchange(request, caller, place.rest, self._clock)
        self._tasks.spawn(f"answer of {endpoint.path}", self._answer(exchange, endpoint))
        return NOT_DONE_YET

    async def _answer(self, exchange: Exchange, endpoint: Endpoint) -> None:
        try:
            await endpoint.serve(exchange)
        except Refused as refused:
            exchange.refuse(refused)
        except GatewayError as error:
            exchange.refuse(refusal_of(error))
        except (HungUp, CancelledError):
            exchange.end(_stopped())
        except Exception:  # A bug in here is one client's 500, and a line in the log.
            self._log.failure("{path} broke", path=endpoint.path)
            exchange.refuse(Refused("internal error", status=500, kind="server_error"))


def _stopped() -> Refused:
    return Refused("the gateway stops", status=503, kind="server_error")


def _not_allowed(request: Request, allowed: str) -> bytes:
    request.setHeader("Allow", allowed)
    words = f"use {allowed} here"
    detail = ErrorDetail(message=words, type="method_not_allowed")
    return send_json(request, 405, ErrorBody(error=detail))
