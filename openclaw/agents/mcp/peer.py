"""One session with a server: requests and their answers, and what the server says by itself."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred, fail
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime

from openclaw import __version__
from openclaw.agents.mcp import wire
from openclaw.agents.mcp.transport import Ears, Transport
from openclaw.agents.mcp.wire import McpError
from openclaw.deferreds import deferred

T = TypeVar("T")
MOST_PAGES = 50
CLIENT = {"name": "openclaw-gateway", "version": __version__}


class Peer:
    """Speaks to a server over a transport; whatever arrives, it does not raise.

    :param changed: told that the server's tools are others now.
    :ivar ended: fires with the reason when the transport is lost.
    :ivar garbage: messages that were none.
    """

    def __init__(
        self, transport: Transport, clock: IReactorTime, changed: Callable[[], None]
    ) -> None:
        self.ended: Deferred[str] = Deferred()
        self.garbage = 0
        self._transport = transport
        self._clock = clock
        self._changed = changed
        self._waiting: dict[int, Deferred[Any]] = {}
        self._number = 0
        self._lost = ""

    # -- asking --------------------------------------------------------------------------------

    @deferred
    async def greet(self, seconds: float) -> None:
        """Open the transport, and agree on a version; fails with :class:`McpError`."""
        try:
            self._transport.open(Ears(received=self.received, failed=self.failed, lost=self.lost))
        except OSError as error:
            raise McpError(f"it cannot be started: {error.strerror or error}") from None
        params = {"protocolVersion": wire.VERSION, "capabilities": {}, "clientInfo": CLIENT}
        greeting = await self._asked("initialize", params, wire.Greeting, seconds)
        if greeting.protocol_version not in wire.VERSIONS:
            raise McpError(f"it speaks version {greeting.protocol_version[:40]!r}, which we do not")
        self._transport.agreed(greeting.protocol_version)
        told = self._transport.send(wire.notification("notifications/initialized"))
        try:
            await told.addTimeout(seconds, self._clock)
        except TooLate:
            raise McpError(f"it took no message within {seconds:g} s") from None

    @deferred
    async def tools(self, seconds: float) -> list[dict[str, Any]]:
        """Every tool, as the server describes it; fails with :class:`McpError`."""
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {}
        for _ in range(MOST_PAGES):
            page = await self._asked("tools/list", params, wire.ToolPage, seconds)
            found += page.tools
            if not page.next_cursor:
                break
            params = {"cursor": page.next_cursor}
        return found

    @deferred
    async def call(self, name: str, arguments: dict[str, Any]) -> wire.CallResult:
        """Use a tool; fails with :class:`McpError`. Cancelling it tells the server so."""
        params = {"name": name, "arguments": arguments}
        return _read(await self.request("tools/call", params), wire.CallResult)

    def request(self, method: str, params: dict[str, Any]) -> Deferred[Any]:
        """Ask; fires with the result, fails with :class:`McpError`."""
        if self._lost:
            return fail(McpError(self._lost))
        self._number += 1
        number = self._number
        waiting: Deferred[Any] = Deferred(lambda _: self._cancelled(number))
        self._waiting[number] = waiting
        self._transport.send(wire.request(number, method, params), number)
        return waiting

    async def _asked(self, method: str, params: dict[str, Any], into: type[T], seconds: float) -> T:
        try:
            result = await self.request(method, params).addTimeout(seconds, self._clock)
        except TooLate:
            raise McpError(f"no answer to {method} within {seconds:g} s") from None
        return _read(result, into)

    def _cancelled(self, number: int) -> None:
        self._waiting.pop(number, None)
        if not self._lost:
            params = {"requestId": number, "reason": "nobody waits for it any more"}
            self._transport.send(wire.notification("notifications/cancelled", params))
            self._transport.forget(number)

    # -- hearing -------------------------------------------------------------------------------

    def received(self, text: bytes) -> None:
        """See :class:`Ears`."""
        messages = wire.read(text)
        if not messages:
            self.garbage += 1
        for message in messages:
            if "method" in message:
                self._told(message)
            else:
                self._answered(message)

    def failed(self, number: int, why: str) -> None:
        """See :class:`Ears`."""
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.errback(McpError(why))

    def lost(self, why: str) -> None:
        """See :class:`Ears`."""
        if self._lost:
            return
        self._lost = why or "it is gone"
        for number in list(self._waiting):
            self.failed(number, self._lost)
        self.ended.callback(self._lost)

    def close(self) -> Deferred[None]:
        """End the session; fires when nothing of the transport is left."""
        self.lost("it was stopped")
        return self._transport.close()

    def _told(self, message: dict[str, Any]) -> None:
        """The server says something, or asks."""
        method, number = message["method"], message.get("id")
        if method == "notifications/tools/list_changed":
            self._changed()
        elif number is not None and not self._lost:
            if method == "ping":
                self._transport.send(wire.answer(number, {}))
            else:
                words = "this client serves no requests but ping"
                self._transport.send(wire.refusal(number, wire.METHOD_NOT_FOUND, words))

    def _answered(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        waiting = self._waiting.pop(number, None) if isinstance(number, int) else None
        if waiting is None:
            return  # Cancelled meanwhile, or never asked.
        if "result" in message:
            waiting.callback(message["result"])
        else:
            waiting.errback(McpError(_words(message.get("error"))))


def _read(result: Any, into: type[T]) -> T:
    try:
        return msgspec.convert(result, into)
    except msgspec.ValidationError as error:
        raise McpError(f"its answer is not as the protocol says: {error}") from None


def _words(error: Any) -> str:
    found = error.get("message") if isinstance(error, dict) else None
    return str(found)[:2000] if found else "it refused, and did not say why"
