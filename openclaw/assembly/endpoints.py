"""Makes the endpoints of the API for programs; loaded with the first request, not at start."""

from collections.abc import Mapping

from attrs import frozen

from openclaw.assembly.domain import Domain, make_id, model_of, now_ms
from openclaw.assembly.protocol import Front
from openclaw.deferreds import Tasks
from openclaw.http.openai.address import Addresses
from openclaw.http.openai.api import Serve
from openclaw.http.openai.chat.endpoint import ChatCompletions
from openclaw.http.openai.document import Description
from openclaw.http.openai.embeddings import Embeddings
from openclaw.http.openai.invoke import InvokeTool
from openclaw.http.openai.models import Models
from openclaw.http.openai.responses.endpoint import Responses
from openclaw.http.openai.running import Running
from openclaw.interfaces.agents import ModelInfo
from openclaw.interfaces.tools import IToolbox


@frozen(kw_only=True)
class Needs:
    """What endpoints are made from.

    :ivar tasks: owns what goes on after a request.
    :ivar toolbox: ``None`` where there are no tools.
    """

    domain: Domain
    front: Front
    tasks: Tasks
    toolbox: IToolbox | None


def make_endpoints(needs: Needs) -> Mapping[str, Serve]:
    """Make what answers, by path."""
    domain = needs.domain
    keys, work = domain.keys, needs.front.limits.work.take
    default = keys.default_agent
    agents = tuple(sorted((agent.id for agent in needs.front.agents), key=lambda id: id != default))
    addresses = Addresses(
        agents=agents, default=agents[0], canonical=keys.canonical, make_id=make_id
    )
    models = Models(addresses=addresses, started_at_ms=domain.figures.started_at_ms)
    embeddings = Embeddings(provider=domain.embeddings, addresses=addresses, take_work=work)
    invoke = InvokeTool(
        toolbox=needs.toolbox,
        agents=agents,
        canonical=keys.canonical,
        main_of=keys.main_of,
        make_id=make_id,
        take_work=work,
        noticed=domain.figures.notices.note,
    )
    return {
        "/openapi.json": Description(addresses.models()).serve,
        "/v1/models": models.list,
        "/v1/models/{model}": models.one,
        "/v1/embeddings": embeddings.serve,
        "/tools/invoke": invoke.serve,
        **_talking(needs, addresses),
    }


def _talking(needs: Needs, addresses: Addresses) -> Mapping[str, Serve]:
    """What starts runs."""
    domain = needs.domain

    def model(session_key: str) -> ModelInfo:
        """The model that answers in a session, which need not exist."""
        row = domain.conversations.row(session_key)
        ref = f"{row.model_provider}/{row.model}" if row else ""
        agent = session_key.split(":")[1]
        return model_of(domain.catalogue, ref, agent)

    running = Running(
        conversations=domain.conversations,
        runs=domain.runs,
        tasks=needs.tasks,
        take_work=needs.front.limits.work.take,
        sees_images=lambda key: "image" in model(key).input,
        keeps_forms=lambda key: domain.catalogue.keeps_forms(model(key)),
        noticed=domain.figures.notices.note,
    )
    chat = ChatCompletions(running=running, addresses=addresses, now_ms=now_ms)
    responses = Responses(
        running=running, addresses=addresses, conversations=domain.conversations, now_ms=now_ms
    )
    return {"/v1/chat/completions": chat.serve, "/v1/responses": responses.serve}
