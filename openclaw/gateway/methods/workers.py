"""What workers tell: that they are there, and how the runs go that they were given."""

from collections.abc import Mapping

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.agents import RunOutcome, Usage
from openclaw.interfaces.tools import ToolCall, ToolResult
from openclaw.interfaces.workers import IWorkerLink, IWorkers
from openclaw.protocol.connect import MAX_PAYLOAD_BYTES
from openclaw.protocol.frames import EventText
from openclaw.protocol.schema.common import Ok
from openclaw.protocol.schema.workers import (
    WorkerDeltaParams,
    WorkerEndParams,
    WorkerFailParams,
    WorkerItemParams,
    WorkerReadyParams,
)

_OK = Ok()


@implementer(IWorkerLink)
class ClientLink:
    """A worker's connection."""

    def __init__(self, client: Client) -> None:
        self.conn_id = client.conn_id
        self._client = client

    def tell(self, event: str, payload: object) -> bool:
        """See :meth:`IWorkerLink.tell`."""
        text = EventText(event, payload)
        if len(text.targeted) > MAX_PAYLOAD_BYTES:
            return False
        self._client.event(text)
        return True


@frozen(kw_only=True)
class WorkerMethods:
    """For connections with the role ``worker`` only: their scope comes with no other role."""

    workers: IWorkers

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "worker.ready": self._ready,
            "worker.run.delta": self._delta,
            "worker.run.item": self._item,
            "worker.run.end": self._end,
            "worker.run.fail": self._fail,
        }

    def _ready(self, client: Client, params: WorkerReadyParams) -> Ok:
        conn_id = client.conn_id
        if self.workers.ready(ClientLink(client), params.backends, params.slots):
            # What waits for a client ends with its socket: so the end is heard of.
            end: Deferred[None] = Deferred(lambda _: self.workers.gone(conn_id))
            client.wait_for(lambda: end).addErrback(lambda _: None)
        return _OK

    def _delta(self, client: Client, params: WorkerDeltaParams) -> Ok:
        self.workers.delta(client.conn_id, params.run, params.text, params.thinking)
        return _OK

    def _item(self, client: Client, params: WorkerItemParams) -> Ok:
        call = ToolCall(id=params.call_id, name=params.name, arguments=params.arguments)
        if params.phase == "start":
            self.workers.tool_started(client.conn_id, params.run, call)
        else:
            result = ToolResult(text=params.text, is_error=params.is_error, title=params.title)
            self.workers.tool_ended(client.conn_id, params.run, call, result)
        return _OK

    def _end(self, client: Client, params: WorkerEndParams) -> Ok:
        used = params.usage
        usage = Usage(used.input, used.output, used.cache_read, used.cache_write)
        outcome = RunOutcome(params.text, stop_reason=params.stop_reason, usage=usage)
        self.workers.ended(client.conn_id, params.run, outcome)
        return _OK

    def _fail(self, client: Client, params: WorkerFailParams) -> Ok:
        self.workers.failed(client.conn_id, params.run, params.message, params.kind)
        return _OK
