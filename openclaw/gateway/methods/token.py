"""The gateway's own token: replaced. Who may connect with it is decided at the door."""

from collections.abc import Callable, Mapping

from attrs import frozen

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.security import ISharedToken
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.schema.system import TokenRotated


@frozen(kw_only=True)
class TokenMethods:
    """What the owner's tools sign in with.

    :ivar now_ms: Unix milliseconds.
    """

    token: ISharedToken
    now_ms: Callable[[], int]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {"gateway.token.rotate": self._rotate}

    async def _rotate(self, client: Client, params: NoParams) -> TokenRotated:
        # The token itself stays at home: whoever may read the file may have it.
        path = await self.token.rotate()
        return TokenRotated(path=path, rotated_at_ms=self.now_ms())
