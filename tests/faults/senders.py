"""Clients under load: they keep what was not acknowledged, and send it again under the same key."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.python.failure import Failure

from openclaw.client.errors import ClientError, ConnectionLost, NoAnswer, RequestFailed
from openclaw.client.frames import Event
from openclaw.client.gateway import GatewayClient
from openclaw.deferreds import Tasks, deferred
from tests.faults.histories import Record, Sent
from tests.integration.running import reactor

RECONNECT_SECONDS = 0.05
RETRY_SECONDS = 0.3
MOST_UNACKNOWLEDGED = 40
SHOWN = ("delta", "final", "error")


class Sender:
    """One client that writes into some sessions, on one connection at a time.

    :param make_client: makes a fresh client for each connection.
    :ivar heard: called at once when an acknowledgement arrives.
    :ivar gaps: how often events were missing on a connection; none may be.
    """

    def __init__(
        self,
        name: str,
        sessions: list[str],
        make_client: Callable[[], GatewayClient],
        record: Record,
        chance: random.Random,
    ) -> None:
        self.name = name
        self.heard: Callable[[], None] = lambda: None
        self.gaps = 0
        self.refusals: list[str] = []
        self._sessions = sessions
        self._make_client = make_client
        self._record = record
        self._chance = chance
        self._texts: dict[str, dict[str, Any]] = {}
        self._client: GatewayClient | None = None
        self._finals: Counter[str] = Counter()
        self._connecting = False
        self._running = False
        self._tasks = Tasks()
        self._count = 0
        self._later: Any = None

    # -- what the test does ----------------------------------------------------------------------

    def start(self) -> None:
        """Connect, now and whenever the connection is lost."""
        self._running = True
        self._connect_soon(0)

    @deferred
    async def stop(self) -> None:
        """Let go of the connection and make no other."""
        self._running = False
        if self._later is not None and self._later.active():
            self._later.cancel()
        await self._tasks.cancel()
        if self._client is not None:
            await self._client.close()

    @property
    def unacknowledged(self) -> int:
        """How many inputs still wait for their acknowledgement."""
        return len(self._texts)

    def write(self) -> None:
        """Write one more input; it is sent at once if there is a connection."""
        if self.unacknowledged >= MOST_UNACKNOWLEDGED:
            return
        self._count += 1
        key = f"{self.name}-{self._count}"
        session = self._chance.choice(self._sessions)
        self._record.sent[key] = Sent(key, session, self.name, self._count, reactor.seconds())
        self._texts[key] = self._params(key, session)
        self._send(key)
        if self._chance.random() < 0.05:  # An impatient client does not wait before it repeats.
            self._send(key)

    def disconnect(self) -> None:
        """Drop the connection, whatever is on it."""
        if self._client is not None:
            self._client.close().addErrback(lambda failure: failure.trap(ClientError))

    # -- inside ----------------------------------------------------------------------------------

    def _params(self, key: str, session: str) -> dict[str, Any]:
        # No faults of the model: an input without an answer stays in front of the model, and the
        # stand-in would go on doing what that one asked for.
        slow = self._chance.random() < 0.25
        how = {"message": f"[chunks={'8 delay=40' if slow else '2'}] {key}"}
        return {"sessionKey": session, "idempotencyKey": key, **how}

    def _connect_soon(self, seconds: float) -> None:
        if self._running:
            self._later = reactor.callLater(
                seconds, lambda: self._tasks.spawn("connect", self._connect())
            )

    async def _connect(self) -> None:
        client = self._make_client()
        self._finals = Counter()
        client.on_event(self._event)
        client.on_gap(lambda *_: self._count_gap())
        client.on_lost(lambda _: self._lost(client))
        try:
            await client.connect()
        except (
            ClientError,
            ConnectingCancelledError,
        ):  # It is being killed, is starting, or is not there at all.
            self._connect_soon(RECONNECT_SECONDS)
            return
        self._client = client
        for key in list(self._texts):
            self._send(key)

    def _lost(self, client: GatewayClient) -> None:
        if client is self._client:
            self._client = None
            self._connect_soon(RECONNECT_SECONDS)

    def _send(self, key: str) -> None:
        if self._client is None or key not in self._texts:
            return
        answer: Deferred[Any] = self._client.request("chat.send", self._texts[key], timeout=30)
        answer.addCallbacks(
            self._acknowledged, self._failed, callbackArgs=(key,), errbackArgs=(key,)
        )

    def _acknowledged(self, payload: Any, key: str) -> None:
        assert payload["runId"] == key, payload
        self._texts.pop(key, None)
        sent = self._record.sent[key]
        if sent.acknowledged is None:
            sent.acknowledged = reactor.seconds()
            self.heard()

    def _failed(self, failure: Failure, key: str) -> None:
        """Lost with its connection: sent again by the next one. Refused: tried again soon."""
        failure.trap(ConnectionLost, NoAnswer, RequestFailed)
        if failure.check(RequestFailed):
            self._record.sent[key].refused = True
            self.refusals.append(failure.getErrorMessage())
            reactor.callLater(RETRY_SECONDS, self._send, key)

    def _event(self, event: Event) -> None:
        if event.event != "chat":
            return
        payload: Any = event.payload
        key, state = payload["runId"], payload["state"]
        if state in SHOWN:
            self._record.shown.setdefault(key, reactor.seconds())
        if state in ("final", "error", "aborted"):
            self._finals[key] += 1
            self._record.finals[key] = max(self._record.finals[key], self._finals[key])

    def _count_gap(self) -> None:
        self.gaps += 1
