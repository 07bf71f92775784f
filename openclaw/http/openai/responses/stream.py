"""A response as a stream of typed events."""

from typing import Any

from msgspec.structs import replace

from openclaw.http.openai.chat.answer import text_of
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.responses.answer import (
    OutputCall,
    OutputText,
    Response,
    ended,
    id_of,
    message_item,
    problem,
)
from openclaw.http.openai.streamed import StreamedAnswer
from openclaw.interfaces.conversations import RunRecord
from openclaw.protocol.base import encode


class ResponseStream(StreamedAnswer):
    """Writes the events of one answer.

    :param response: the answer as it begins.
    """

    def __init__(self, exchange: Exchange, response: Response) -> None:
        self._response = response
        self._id = id_of(response)
        self._number = 0
        self._has_message = False
        super().__init__(exchange)

    def opened(self) -> None:
        """Write the answer as it begins."""
        self._send("response.created", response=self._response)
        self._send("response.in_progress", response=self._response)

    def write(self, text: str) -> None:
        """Write words of the one message."""
        if not self._has_message:
            self._begin_message()
        self._send("response.output_text.delta", **self._place(), delta=text, logprobs=[])

    def ended(self, record: RunRecord) -> None:
        """Write the end of the message, calls, and the whole answer."""
        whole = ended(self._response, record)
        if not self._has_message and not record.calls:
            self._begin_message()
        if self._has_message:
            self._end_message(text_of(record))
        for item in whole.output:
            if isinstance(item, OutputCall):
                self._call(item, whole.output.index(item))
        self._send(f"response.{whole.status}", response=whole)

    def broken(self, refused: Refused) -> None:
        """Write the answer as it failed."""
        failed = replace(self._response, status="failed", error=problem(refused.body))
        self._send("response.failed", response=failed)

    def _begin_message(self) -> None:
        self._has_message = True
        item = replace(message_item(self._id, "", "in_progress"), content=())
        self._send("response.output_item.added", output_index=0, item=item)
        self._send("response.content_part.added", **self._place(), part=OutputText(text=""))

    def _end_message(self, text: str) -> None:
        place = self._place()
        self._send("response.output_text.done", **place, text=text, logprobs=[])
        self._send("response.content_part.done", **place, part=OutputText(text=text))
        item = message_item(self._id, text, "completed")
        self._send("response.output_item.done", output_index=0, item=item)

    def _call(self, item: OutputCall, index: int) -> None:
        place = {"output_index": index, "item_id": item.id}
        begun = replace(item, status="in_progress", arguments="")
        name = "response.function_call_arguments"
        self._send("response.output_item.added", output_index=index, item=begun)
        self._send(f"{name}.delta", **place, delta=item.arguments)
        self._send(f"{name}.done", **place, name=item.name, arguments=item.arguments)
        self._send("response.output_item.done", output_index=index, item=item)

    def _place(self) -> dict[str, Any]:
        return {"output_index": 0, "content_index": 0, "item_id": f"msg_{self._id}"}

    def _send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        self.stream.send(b"event: %s\ndata: %s\n\n" % (kind.encode("ascii"), encode(event)))
