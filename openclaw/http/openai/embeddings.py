"""``POST /v1/embeddings``, passed through to a provider that has them."""

import base64
from array import array
from collections.abc import Callable, Sequence
from sys import byteorder
from typing import Annotated, Literal

from attrs import frozen
from msgspec import Meta

from openclaw.http.openai.address import MODEL_HEADER, Addresses
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.agents import IEmbeddings
from openclaw.interfaces.security import Peer

MOST_TEXTS = 2048

Text = Annotated[str, Meta(min_length=1)]


class EmbeddingsRequest(Shape, frozen=True, kw_only=True):
    """What is asked for; texts only, no tokens.

    :ivar model: ``provider/model``; or an agent's, where the header ``x-openclaw-model`` names the
        provider's own.
    """

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: Text | Annotated[list[Text], Meta(min_length=1, max_length=MOST_TEXTS)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1, le=65_536)] | None = None
    user: str | None = None


class Embedding(Shape, frozen=True, kw_only=True):
    """The vector of one text; in base64: little-endian floats of 32 bits."""

    index: int
    embedding: list[float] | str
    object: Literal["embedding"] = "embedding"


class EmbeddingsUsage(Shape, frozen=True, kw_only=True):
    """What it cost, in tokens."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsList(Shape, frozen=True, kw_only=True):
    """The vectors, in the order of the texts."""

    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage
    object: Literal["list"] = "list"


@frozen(kw_only=True)
class Embeddings:
    """The endpoint.

    :ivar provider: ``None`` where no model provider has embeddings.
    :ivar take_work: counts one request that starts work; raises Busy for one too many.
    """

    provider: IEmbeddings | None
    addresses: Addresses
    take_work: Callable[[str, str | None, Peer], None]

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request.

        :raises Refused: it is not served.
        """
        asked = exchange.read(EmbeddingsRequest)
        ref = self._ref(exchange, asked.model)
        if self.provider is None or not self.provider.providers():
            raise Refused(
                "no model provider of this gateway has embeddings",
                status=404,
                code="embeddings_not_configured",
            )
        caller = exchange.caller
        self.take_work("/v1/embeddings", caller.admitted.device_id, caller.peer)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        working = self.provider.embed(ref, texts, asked.dimensions or 0)
        exchange.when_gone(working.cancel)
        found = await working
        packed = asked.encoding_format == "base64"
        data = [
            Embedding(index=place, embedding=_packed(vector) if packed else list(vector))
            for place, vector in enumerate(found.rows)
        ]
        usage = EmbeddingsUsage(prompt_tokens=found.tokens, total_tokens=found.tokens)
        exchange.answer(200, EmbeddingsList(data=data, model=found.model, usage=usage))

    def _ref(self, exchange: Exchange, model: str) -> str:
        """The provider's model.

        :raises Refused: none is named.
        """
        named = exchange.header(MODEL_HEADER)
        if self.addresses.find(model) is None and "/" in model:
            return model
        if not named:
            raise Refused(
                f"name a provider's model: provider/model in model, or in {MODEL_HEADER}",
                param="model",
                code="model_not_found",
            )
        return named


def _packed(vector: Sequence[float]) -> str:
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode("ascii")
