"""Requests that are repeated under one idempotency key: one effect, one answer.

This holds what is in flight, and answers of the last minutes. What must survive a restart (the
inputs of ``chat.send`` and ``agent``) is in the journal, not here.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler

WINDOW_SECONDS = 300.0
CAPACITY = 1000


@frozen
class _Kept:
    result: Any
    until: float


class Repeats:
    """Answers by idempotency key: shared while in flight, kept for a while once they are good.

    :param seconds: a monotonic clock.
    :param capacity: how many answers are kept; the oldest go first.
    """

    def __init__(
        self,
        seconds: Callable[[], float],
        window_seconds: float = WINDOW_SECONDS,
        capacity: int = CAPACITY,
    ) -> None:
        self._seconds = seconds
        self._window_seconds = window_seconds
        self._capacity = capacity
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._waiting: dict[str, list[Deferred[Any]]] = {}

    def guard(self, handler: Handler) -> Handler:
        """Make a handler of one keyed method answer repeats without running again.

        A failure is told to everybody who waits for it, and forgotten: the next try runs.
        """

        def once(client: Client, params: Any) -> Any:
            key: str = params.idempotency_key
            kept = self._kept.get(key)
            if kept is not None and kept.until > self._seconds():
                return kept.result
            if key in self._waiting:
                answer: Deferred[Any] = Deferred()
                self._waiting[key].append(answer)
                return answer
            return self._first(key, handler, client, params)

        return once

    def _first(self, key: str, handler: Handler, client: Client, params: Any) -> Deferred[Any]:
        self._waiting[key] = []
        try:
            result = handler(client, params)
        except BaseException:
            del self._waiting[key]
            raise
        if isinstance(result, Coroutine):
            result = Deferred.fromCoroutine(result)
        running: Deferred[Any] = result if isinstance(result, Deferred) else succeed(result)
        return running.addCallbacks(
            self._succeeded, self._failed, callbackArgs=(key,), errbackArgs=(key,)
        )

    def _succeeded(self, result: Any, key: str) -> Any:
        self._kept.pop(key, None)  # An answer that replaces an old one is not the oldest.
        self._kept[key] = _Kept(result, self._seconds() + self._window_seconds)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        for answer in self._waiting.pop(key):
            answer.callback(result)
        return result

    def _failed(self, failure: Failure, key: str) -> Failure:
        for answer in self._waiting.pop(key):
            answer.errback(failure)
        return failure
