"""Agents, models and commands."""

from collections.abc import Callable, Mapping, Sequence

from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.interfaces.agents import ModelInfo
from openclaw.protocol.base import UNSET
from openclaw.protocol.schema.agents import (
    AgentIdentity,
    AgentIdentityParams,
    AgentRow,
    AgentsList,
    CommandRow,
    CommandsList,
    CommandsListParams,
    ModelRow,
    ModelsList,
    ModelsListParams,
    PrimaryModel,
)
from openclaw.protocol.schema.chat import Metadata, MetadataParams
from openclaw.protocol.schema.common import NoParams


@frozen
class AgentProfile:
    """One agent as it is configured.

    :ivar model: ``provider/model``; empty for the default.
    """

    id: str
    name: str
    workspace: str
    model: str = ""


@frozen(kw_only=True)
class AgentMethods:
    """What agents there are, and what they can be asked.

    :ivar tags: what the list of models says beside one.
    :ivar commands: name and what it does, of what can be typed in a chat.
    """

    agents: Sequence[AgentProfile]
    default_agent: str
    main_key: str
    models: Callable[[], Sequence[ModelInfo]]
    default_model: Callable[[], ModelInfo]
    tags: Callable[[ModelInfo], list[str]]
    commands: Sequence[tuple[str, str]]

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "agents.list": self._list,
            "agent.identity.get": self._identity,
            "models.list": self._models,
            "commands.list": self._commands,
            "chat.metadata": self._metadata,
        }

    def _list(self, client: Client, params: NoParams) -> AgentsList:
        return AgentsList(
            default_id=self.default_agent,
            main_key=self.main_key,
            scope="per-sender",
            agents=[
                AgentRow(
                    id=agent.id,
                    kind="agent",
                    model=PrimaryModel(primary=agent.model or self.default_model().ref),
                    name=agent.name,
                    workspace=agent.workspace,
                )
                for agent in self.agents
            ],
        )

    def _identity(self, client: Client, params: AgentIdentityParams) -> AgentIdentity:
        agent_id = params.agent_id
        if agent_id is UNSET:
            agent_id = self.default_agent
            if params.session_key is not UNSET and params.session_key.startswith("agent:"):
                agent_id = params.session_key.split(":")[1]
        for agent in self.agents:
            if agent.id == agent_id:
                return AgentIdentity(
                    agent_id=agent.id, name=agent.name, avatar=agent.name[:1].upper()
                )
        raise InvalidRequest(f'unknown agent id "{agent_id[:64]}"')

    def _models(self, client: Client, params: ModelsListParams) -> ModelsList:
        return ModelsList(models=self._model_rows())

    def _commands(self, client: Client, params: CommandsListParams) -> CommandsList:
        return CommandsList(commands=self._command_rows())

    def _metadata(self, client: Client, params: MetadataParams) -> Metadata:
        return Metadata(models=self._model_rows(), commands=self._command_rows())

    def _model_rows(self) -> list[ModelRow]:
        return [
            ModelRow(
                id=model.id,
                name=model.name,
                provider=model.provider,
                context_window=model.context_window,
                input=list(model.input),
                reasoning=model.reasoning,
                tags=self.tags(model),
                available=model.available,
            )
            for model in self.models()
        ]

    def _command_rows(self) -> list[CommandRow]:
        return [
            CommandRow(
                name=name,
                native_name=name,
                text_aliases=[f"/{name}"],
                description=description,
                category="status",
                source="native",
                scope="both",
                accepts_args=False,
            )
            for name, description in self.commands
        ]
