"""A server behind an address: each message is a POST, its answers JSON or a stream of events."""

from collections.abc import Mapping

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from openclaw.agents.mcp.transport import Ears
from openclaw.agents.mcp.wire import MOST_BYTES
from openclaw.agents.runtimes.sse import EventReader, EventTooLong
from openclaw.deferreds import Tasks, deferred
from openclaw.interfaces.outbound import IOutboundHTTP, IOutboundResponse, OutboundError

IDLE_SECONDS = 3_600.0
CLOSING_SECONDS = 2.0
AGAIN_SECONDS = 5.0
_SESSION = "Mcp-Session-Id"
_STREAM = "text/event-stream"


class StreamableTransport:
    """Speaks to an address of the operator's own; redirects are not followed.

    :param headers: of every request; they may hold secrets.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], http: IOutboundHTTP, clock: IReactorTime
    ) -> None:
        self._url = url
        self._headers = dict(headers)
        self._http = http
        self._clock = clock
        self._tasks = Tasks()
        self._requests: dict[int, Deferred[None]] = {}
        self._live: set[int] = set()
        self._ears: Ears | None = None
        self._session = ""
        self._version = ""
        self._closed = False

    def open(self, ears: Ears) -> None:
        """See :meth:`Transport.open`; nobody is asked yet."""
        self._ears = ears

    def send(self, message: bytes, number: int = 0) -> Deferred[None]:
        """See :meth:`Transport.send`."""
        taken: Deferred[None] = Deferred(lambda _: None)
        if self._closed:
            return succeed(None)
        self._live.add(number)
        self._tasks.spawn("a message to an mcp server", self._sent(message, number, taken))
        return taken

    async def _sent(self, message: bytes, number: int, taken: Deferred[None]) -> None:
        posting = self._requests[number] = self._post(message, number)
        try:
            await posting
        finally:
            self._requests.pop(number, None)
            self._live.discard(number)
            if not taken.called:
                taken.callback(None)

    def agreed(self, version: str) -> None:
        """See :meth:`Transport.agreed`; from now on the server may speak by itself."""
        self._version = version
        self._tasks.spawn("what an mcp server says by itself", self._listen())

    def forget(self, number: int) -> None:
        """See :meth:`Transport.forget`."""
        self._live.discard(number)
        posting = self._requests.pop(number, None)
        if posting is not None:
            posting.cancel()

    def close(self) -> Deferred[None]:
        """See :meth:`Transport.close`: tell the server, and give up everything."""
        if self._closed:
            return succeed(None)
        self._closed = True
        return self._close()

    @deferred
    async def _close(self) -> None:
        await self._tasks.cancel()
        if not self._session:
            return
        try:
            answer = await self._request("DELETE").addTimeout(CLOSING_SECONDS, self._clock)
            answer.release()
        except (OutboundError, TooLate, CancelledError):
            return  # It forgets the session by itself.

    @deferred
    async def _post(self, message: bytes, number: int) -> None:
        """Send one message, and hear whatever is said to it."""
        try:
            answer = await self._request("POST", message)
            await self._heard(answer, number)
        except OutboundError as error:
            self._failed(number, error.message, lost=error.kind in ("connect", "refused"))
        except EventTooLong:
            self._failed(number, f"its answer is longer than {MOST_BYTES >> 20} MB")

    async def _heard(self, answer: IOutboundResponse, number: int) -> None:
        self._session = answer.header(_SESSION) or self._session
        if answer.status == 404 and self._session:
            answer.release()
            self._session = ""
            self._failed(number, "it has forgotten the session", lost=True)
        elif answer.status in (200, 202, 204):
            await self._body(answer)
            # Without an answer by the end of its own stream, there will be none.
            self._failed(number, "it ended its answer without one")
        else:
            answer.release()
            hint = "; check its headers" if answer.status in (401, 403) else ""
            self._failed(number, f"it answered {answer.status}{hint}", lost=bool(hint))

    async def _body(self, answer: IOutboundResponse) -> None:
        assert self._ears is not None
        if answer.status != 200:
            answer.release()
        elif answer.header("content-type").lower().startswith(_STREAM):
            reader = EventReader(MOST_BYTES)
            await answer.deliver(lambda data: self._events(reader.feed(data)))
            self._events(reader.finish())
        else:
            text = await answer.read(MOST_BYTES)
            self._ears.received(text)

    def _events(self, events: list[bytes]) -> None:
        assert self._ears is not None
        for event in events:
            if event.strip():
                self._ears.received(event)

    async def _listen(self) -> None:
        """Hold a stream open for what no request asks for, if the server has one."""
        while not self._closed:
            try:
                answer = await self._request("GET", seconds=IDLE_SECONDS)
                if answer.status != 200 or not answer.header("content-type").startswith(_STREAM):
                    answer.release()
                    return
                await self._body(answer)
            except (OutboundError, EventTooLong):
                pass  # It may be there again in a moment; requests find out whether it is gone.
            await deferLater(self._clock, AGAIN_SECONDS)

    def _request(
        self, method: str, body: bytes = b"", seconds: float = IDLE_SECONDS
    ) -> Deferred[IOutboundResponse]:
        headers = {"Accept": f"application/json, {_STREAM}", **self._headers}
        if method == "GET":
            headers["Accept"] = _STREAM
        if body:
            headers["Content-Type"] = "application/json"
        if self._session:
            headers[_SESSION] = self._session
        if self._version:
            headers["MCP-Protocol-Version"] = self._version
        return self._http.request(
            method, self._url, headers, body, idle_seconds=seconds, trusted=True
        )

    def _failed(self, number: int, why: str, lost: bool = False) -> None:
        """A request has no answer (any more); one that was answered is not hurt by it."""
        if self._ears is None or number not in self._live:
            return  # Nobody waits for it: what its connection says now means nothing.
        if number:
            self._ears.failed(number, why)
        if lost:
            self._ears.lost(why)
