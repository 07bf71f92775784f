"""``GET /v1/models``: the agents, as models."""

from typing import Literal

from attrs import frozen

from openclaw.http.openai.address import Addresses
from openclaw.http.openai.errors import Refused
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.shape import Shape


class Model(Shape, frozen=True, kw_only=True):
    """Something that answers.

    :ivar created: Unix seconds; of the gateway's start, as agents have no date.
    """

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = "openclaw"


class ModelList(Shape, frozen=True, kw_only=True):
    """All of them."""

    data: list[Model]
    object: Literal["list"] = "list"


@frozen(kw_only=True)
class Models:
    """Both endpoints.

    :ivar started_at_ms: Unix milliseconds.
    """

    addresses: Addresses
    started_at_ms: int

    async def list(self, exchange: Exchange) -> None:
        """Name them."""
        data = [self._model(id) for id in self.addresses.models()]
        exchange.answer(200, ModelList(data=data))

    async def one(self, exchange: Exchange) -> None:
        """Describe one.

        :raises Refused: it is not there.
        """
        if self.addresses.find(exchange.rest) is None:
            raise Refused(
                f"there is no model {exchange.rest[:80]!r}",
                status=404,
                param="model",
                code="model_not_found",
            )
        exchange.answer(200, self._model(exchange.rest))

    def _model(self, id: str) -> Model:
        return Model(id=id, created=self.started_at_ms // 1000)
