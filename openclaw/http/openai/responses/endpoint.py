"""Serves ``POST /v1/responses``: a request becomes a run, its answer a response."""

from collections.abc import Callable, Sequence
from uuid import UUID

from attrs import evolve, frozen

from openclaw.errors import InvalidRequest
from openclaw.http.openai.address import Addresses
from openclaw.http.openai.chat.answer import text_of
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.responses.answer import PREFIX, Response, ended
from openclaw.http.openai.responses.request import NamedFunctionTool, ResponsesRequest
from openclaw.http.openai.responses.stream import ResponseStream
from openclaw.http.openai.running import Running
from openclaw.interfaces.agents import Turn
from openclaw.interfaces.conversations import IConversations, Receipt
from openclaw.protocol.base import to_plain


@frozen(kw_only=True)
class Responses:
    """The endpoint.

    :ivar now_ms: Unix milliseconds.
    """

    running: Running
    addresses: Addresses
    conversations: IConversations
    now_ms: Callable[[], int]

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request.

        :raises Refused: it is not served, or its run did not go well.
        """
        asked = exchange.read(ResponsesRequest)
        agent = self.addresses.agent(exchange, asked.model)
        turns = asked.turns()
        prompt = asked.whole(turns) if asked.previous_response_id is None else None
        if prompt is None:
            earlier = await self._earlier(asked.previous_response_id or "", agent)
            session = earlier.input.session_key
            prompt = asked.whole(await self._with(earlier, turns))
        else:
            session = self.addresses.session(exchange, agent, asked.user)
        run_id = self.addresses.make_id()
        begun = self._begun(asked, run_id)
        if asked.stream:
            stream = ResponseStream(exchange, begun)
            await self.running.stream(exchange, run_id, session, prompt, stream)
            return
        record = await self.running.run(exchange, run_id, session, prompt)
        exchange.answer(200, ended(begun, record))

    async def _earlier(self, response_id: str, agent: str) -> Receipt:
        """The run that a request goes on from.

        :raises Refused: it is not known, not over, or another agent's.
        """
        receipt = None
        run_id = _run_of(response_id)
        if run_id:
            receipt = await self.conversations.receipt(run_id)
        if receipt is None or receipt.record is None or receipt.input.agent_id != agent:
            raise Refused(
                "previous_response_id: no such response of this agent in the last 24 hours",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        return receipt

    async def _with(self, earlier: Receipt, turns: Sequence[Turn]) -> list[Turn]:
        """The conversation so far, and what this request adds to it."""
        record = earlier.record
        assert record is not None
        wishes = earlier.input.wishes
        told = wishes is not None and wishes.turns
        if not record.calls:
            if not told and len(turns) == 1 and turns[0].role == "user":
                return list(turns)  # The session knows all that came before.
            return [*await self._said(earlier), *turns]
        said = await self._said(earlier)
        last = said[-1] if said else None
        if last is None or last.role != "assistant":
            said.append(Turn("assistant", text_of(record), calls=record.calls))
        elif not last.calls:
            said[-1] = evolve(last, calls=record.calls)
        return [*said, *turns]

    async def _said(self, earlier: Receipt) -> list[Turn]:
        wishes = earlier.input.wishes
        record = earlier.record
        if wishes is not None and wishes.turns and record is not None:
            # What a program told of its conversation stands in no transcript.
            answer = Turn("assistant", text_of(record), calls=record.calls)
            return [*wishes.turns, answer]
        try:
            return list(await self.conversations.said(earlier.input.session_key))
        except InvalidRequest:  # The session was deleted meanwhile.
            return []

    def _begun(self, asked: ResponsesRequest, run_id: str) -> Response:
        choice = asked.tool_choice or "auto"
        return Response(
            id=f"{PREFIX}{run_id.replace('-', '')}",
            created_at=self.now_ms() // 1000,
            model=asked.model,
            status="in_progress",
            instructions=asked.instructions,
            previous_response_id=asked.previous_response_id,
            tools=tuple(to_plain(tool) for tool in asked.tools or ()),
            tool_choice=to_plain(choice) if isinstance(choice, NamedFunctionTool) else choice,
            temperature=asked.temperature,
            top_p=asked.top_p,
            max_output_tokens=asked.max_output_tokens,
            metadata=asked.metadata or {},
            user=asked.user,
        )


def _run_of(response_id: str) -> str:
    """The run behind a response; empty if there can be none."""
    id = response_id.removeprefix(PREFIX)
    try:
        return str(UUID(hex=id)) if id != response_id and len(id) == 32 else ""
    except ValueError:
        return ""
