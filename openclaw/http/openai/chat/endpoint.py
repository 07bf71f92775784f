"""Serves ``POST /v1/chat/completions``: a request becomes a run, its answer a completion."""

from collections.abc import Callable

from attrs import frozen

from openclaw.http.openai.address import Addresses
from openclaw.http.openai.chat.answer import ChatChunk, completion
from openclaw.http.openai.chat.request import ChatRequest
from openclaw.http.openai.chat.stream import ChatStream
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.running import Running


@frozen(kw_only=True)
class ChatCompletions:
    """The endpoint.

    :ivar now_ms: Unix milliseconds.
    """

    running: Running
    addresses: Addresses
    now_ms: Callable[[], int]

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request.

        :raises Refused: it is not served, or its run did not go well.
        """
        asked = exchange.read(ChatRequest)
        agent = self.addresses.agent(exchange, asked.model)
        prompt = asked.prompt()
        session = self.addresses.session(exchange, agent, asked.user)
        run_id = self.addresses.make_id()
        created = self.now_ms() // 1000
        id = f"chatcmpl-{run_id.replace('-', '')}"
        if asked.stream:
            head = ChatChunk(id=id, created=created, model=asked.model, choices=[])
            stream = ChatStream(exchange, head, asked.wants_usage)
            await self.running.stream(exchange, run_id, session, prompt, stream)
            return
        record = await self.running.run(exchange, run_id, session, prompt)
        exchange.answer(200, completion(record, id, created, asked.model))
