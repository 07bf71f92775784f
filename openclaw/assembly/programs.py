"""Makes what is served to programs over HTTP: the API that they know from OpenAI, and tools."""

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.web.http import Request

from openclaw.assembly.domain import Domain, make_id, model_of, now_ms
from openclaw.assembly.protocol import Front
from openclaw.config.settings import Settings
from openclaw.deferreds import Tasks
from openclaw.http.gate import Gate
from openclaw.http.openai.address import Addresses
from openclaw.http.openai.api import Api, Endpoint
from openclaw.http.openai.chat.endpoint import ChatCompletions
from openclaw.http.openai.document import Description
from openclaw.http.openai.embeddings import Embeddings
from openclaw.http.openai.invoke import InvokeTool
from openclaw.http.openai.models import Models
from openclaw.http.openai.responses.endpoint import Responses
from openclaw.http.openai.running import Running
from openclaw.interfaces.agents import ModelInfo
from openclaw.interfaces.security import Peer
from openclaw.interfaces.tools import IToolbox


class Programs(Service):
    """Owns what programs wait for; a stop ends it.

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
        ids = [agent.id for agent in front.agents]
        default = domain.keys.default_agent
        self._agents = tuple(sorted(ids, key=lambda id: id != default))

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
        keys, work = self._domain.keys, self._front.limits.work.take
        addresses = Addresses(
            agents=self._agents,
            default=self._agents[0],
            canonical=keys.canonical,
            make_id=make_id,
        )
        models = Models(addresses=addresses, started_at_ms=self._domain.figures.started_at_ms)
        embeddings = Embeddings(
            provider=self._domain.embeddings, addresses=addresses, take_work=work
        )
        invoke = InvokeTool(
            toolbox=self._toolbox,
            agents=self._agents,
            canonical=keys.canonical,
            main_of=keys.main_of,
            make_id=make_id,
            take_work=work,
            noticed=self._domain.figures.notices.note,
        )
        return (
            Endpoint("/openapi.json", False, Description(addresses.models()).serve),
            Endpoint("/v1/models", False, models.list),
            Endpoint("/v1/models/{model}", False, models.one),
            *self._talking(addresses),
            Endpoint("/v1/embeddings", True, embeddings.serve),
            Endpoint("/tools/invoke", True, invoke.serve),
        )

    def _talking(self, addresses: Addresses) -> tuple[Endpoint, ...]:
        """What starts runs, unless it is switched off."""
        configured = self._settings.config.gateway.http.endpoints
        running = Running(
            conversations=self._domain.conversations,
            runs=self._domain.runs,
            tasks=self._tasks,
            take_work=self._front.limits.work.take,
            sees_images=lambda key: "image" in self._model(key).input,
            keeps_forms=lambda key: self._domain.catalogue.keeps_forms(self._model(key)),
            noticed=self._domain.figures.notices.note,
        )
        chat = ChatCompletions(running=running, addresses=addresses, now_ms=now_ms)
        responses = Responses(
            running=running,
            addresses=addresses,
            conversations=self._domain.conversations,
            now_ms=now_ms,
        )
        found = (
            ("/v1/chat/completions", configured.chat_completions, chat.serve),
            ("/v1/responses", configured.responses, responses.serve),
        )
        return tuple(
            Endpoint(path, True, serve, endpoint.max_body_bytes)
            for path, endpoint, serve in found
            if endpoint.enabled is not False
        )

    def _model(self, session_key: str) -> ModelInfo:
        """The model that answers in a session, which need not exist."""
        row = self._domain.conversations.row(session_key)
        ref = f"{row.model_provider}/{row.model}" if row else ""
        agent = session_key.split(":")[1]
        return model_of(self._domain.catalogue, ref, agent)
