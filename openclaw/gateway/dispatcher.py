"""From a request to exactly one answer: look up, check, decode, call, encode."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from openclaw.errors import GatewayError, InvalidRequest, MissingScope, Unavailable
from openclaw.gateway.client import Client
from openclaw.protocol import scopes
from openclaw.protocol.base import UNSET, Raw
from openclaw.protocol.frames import ErrorBody, Request, encode_ok, encode_refused, error_body
from openclaw.protocol.methods import Method
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.validation import decode_params

Handler = Callable[[Client, Any], Any]
Check = Callable[[Client], None]
_NOTHING = NoParams()
_EMPTY, _NULL = Raw(b"{}"), Raw(b"null")


@frozen
class Refused:
    """A handler's answer that says no and still carries a payload (a failed final ``agent``)."""

    payload: object
    error: ErrorBody


@frozen
class Twice:
    """A handler's answer in two parts under one request id: now, and when the run ends."""

    first: object
    final: Deferred[Any]


@frozen
class _Served:
    """A method with whatever serves it, side by side for the hot path."""

    method: Method
    handler: Handler
    scope: str | None
    decoder: Any
    check: Check | None


class Dispatcher:
    """Answers requests of admitted clients.

    Handlers are plain functions where nothing waits, and return a Deferred or a coroutine where
    something does. A request whose handler does not wait is answered without a Deferred.
    """

    _log = Logger()

    def __init__(
        self,
        table: Mapping[str, Method],
        handlers: Mapping[str, Handler],
        make_reference: Callable[[], str],
        check_of: Callable[[Method], Check | None] = lambda method: None,
    ) -> None:
        """Pair every method with its handler.

        :param check_of: what else may refuse a method's requests, beside its scope.
        :raises ValueError: a method without a handler, or a handler without a method.
        """
        if table.keys() != handlers.keys():
            odd = sorted(table.keys() ^ handlers.keys())
            raise ValueError(f"methods and handlers differ: {', '.join(odd)}")
        self._served = {
            name: _Served(method, handlers[name], method.scope, method.decoder, check_of(method))
            for name, method in table.items()
        }
        self._make_reference = make_reference

    @property
    def methods(self) -> list[str]:
        """The methods that are served, sorted."""
        return sorted(self._served)

    def dispatch(self, client: Client, request: Request) -> None:
        """Answer one request, now or later; never raises."""
        try:
            if client.meter is not None:
                client.count(request.method)
            served = self._served.get(request.method)
            if served is None or (served.scope is not None and served.scope not in client.allowed):
                raise _refusal(client, request.method, served)
            if served.check is not None:
                served.check(client)
            params = _NOTHING
            if served.decoder is not None:
                raw = request.params
                if raw is UNSET or raw == _NULL:
                    raw = _EMPTY
                params = decode_params(request.method, served.decoder, raw)
            result = served.handler(client, params)
        except Exception as error:  # Whatever a handler does, the request gets its one answer.
            self._answer_error(client, request, error)
        else:
            self._answer(client, request, result)

    def _answer(self, client: Client, request: Request, result: object) -> None:
        """Send a handler's result, or arrange for it."""
        if isinstance(result, Coroutine):
            result = Deferred.fromCoroutine(result)
        if isinstance(result, Deferred):
            result.addCallbacks(
                lambda value: self._answer(client, request, value),
                lambda failure: self._answer_error(client, request, failure.value),
            )
        elif isinstance(result, Twice):
            self._answer(client, request, result.first)
            self._answer(client, request, result.final)
        else:
            try:
                text = _result_text(request, result)
            except Exception as error:  # A result that has no JSON form is a failure like others.
                self._answer_error(client, request, error)
            else:
                client.send(text)

    def _answer_error(self, client: Client, request: Request, error: BaseException) -> None:
        """Send a refusal: the handler's own, or one with the reference of a line in the log."""
        if isinstance(error, CancelledError):
            error = Unavailable("cancelled")
        if isinstance(error, GatewayError):
            try:
                text = encode_refused(request.id, error_body(error))
            except Exception as odd:  # So are details that have none.
                text = self._reference_text(request, odd)
        else:
            text = self._reference_text(request, error)
        client.send(text)

    def _reference_text(self, request: Request, error: BaseException) -> bytes:
        """Log what nobody expected, and refuse with words that find it in the log again."""
        reference = self._make_reference()
        self._log.failure(
            "{method} failed, reference {reference}",
            failure=Failure(error),
            method=request.method,
            reference=reference,
        )
        told = Unavailable(f"internal error, reference {reference}")
        return encode_refused(request.id, error_body(told))


def _result_text(request: Request, result: object) -> bytes:
    if isinstance(result, Refused):
        return encode_refused(request.id, result.error, result.payload)
    return encode_ok(request.id, result)


def _refusal(client: Client, name: str, served: _Served | None) -> GatewayError:
    """Why a request is not even looked at, in the order the original looks."""
    if client.admitted.role != scopes.OPERATOR:
        return InvalidRequest(f"unauthorized role: {client.admitted.role}")
    if served is not None and served.scope is not None:
        return MissingScope(served.scope)
    if name == "connect":
        return InvalidRequest("connect is only valid as the first request")
    if scopes.ADMIN not in client.allowed:
        return MissingScope(scopes.ADMIN)
    return InvalidRequest(f"unknown method: {name}")
