"""Makes what is served to programs over HTTP: the API that they know from OpenAI, and tools."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.web.http import Request

from openclaw.assembly.domain import Domain
from openclaw.assembly.protocol import Front
from openclaw.assembly.tools import in_thread
from openclaw.config.settings import Settings
from openclaw.deferreds import Tasks
from openclaw.http.channel import BODY_BYTES
from openclaw.http.gate import Gate
from openclaw.http.openai.api import Api, Endpoint, Serve
from openclaw.http.openai.exchange import Exchange
from openclaw.interfaces.security import Peer
from openclaw.interfaces.tools import IToolbox


class Programs(Service):
    """Owns what programs wait for; a stop ends it.

    What answers is loaded and made with the first request that gets as far as an answer.

    :param toolbox: ``None`` where there are no tools.
    """

    name = "programs"

    def __init__(
        self,
        settings: Settings,
        domain: Domain,
        front: Front,
        reactor: Any,
        toolbox: IToolbox | None = None,
    ) -> None:
        self._settings = settings
        self._domain = domain
        self._front = front
        self._reactor = reactor
        self._toolbox = toolbox
        self._tasks = Tasks()
        self._serving: Mapping[str, Serve] | None = None

    def stopService(self) -> Deferred[None]:
        """Break off what is being answered; fires when that is done."""
        super().stopService()
        return self._tasks.cancel()

    def make_api(self, gate: Gate, peer: Callable[[Request], Peer]) -> Api:
        """Make the routes of one port.

        :param peer: who is at the other end.
        """
        return Api(self._endpoints(), gate, peer, self._tasks, self._reactor)

    def _endpoints(self) -> tuple[Endpoint, ...]:
        """Everything that is not switched off."""
        switches = self._settings.config.gateway.http.endpoints
        talking = (
            ("/v1/chat/completions", switches.chat_completions),
            ("/v1/responses", switches.responses),
        )
        return (
            self._endpoint("/openapi.json", False),
            self._endpoint("/v1/models", False),
            self._endpoint("/v1/models/{model}", False),
            *(
                self._endpoint(path, True, endpoint.max_body_bytes)
                for path, endpoint in talking
                if endpoint.enabled is not False
            ),
            self._endpoint("/v1/embeddings", True),
            self._endpoint("/tools/invoke", True),
        )

    def _endpoint(self, path: str, posted: bool, body_bytes: int = BODY_BYTES) -> Endpoint:
        async def serve(exchange: Exchange) -> None:
            serving = self._serving or await self._load()
            await serving[path](exchange)

        return Endpoint(path, posted, serve, body_bytes)

    async def _load(self) -> Mapping[str, Serve]:
        # Elsewhere, for other connections should not wait for it. Requests that come meanwhile
        # load it too: the import system lets all but one wait.
        await in_thread(self._reactor)(_import)
        if self._serving is None:
            from openclaw.assembly.endpoints import Needs, make_endpoints

            self._serving = make_endpoints(
                Needs(
                    domain=self._domain,
                    front=self._front,
                    tasks=self._tasks,
                    toolbox=self._toolbox,
                )
            )
        return self._serving


def _import() -> None:
    """Load what answers. Blocks."""
    import openclaw.assembly.endpoints  # noqa: F401  Kept by the import system.
