"""Which model each agent uses, which others stand in for it, and what they are called."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from openclaw.config.schema.agents import Agents, ModelChoice, choice_of

DEFAULTS_PATH = "agents.defaults.model"


@frozen
class Choice:
    """The models of one agent.

    :ivar primary: ``provider/model`` or an alias; empty if none was chosen.
    :ivar fallbacks: asked in this order when it cannot answer.
    :ivar path: where the configuration says so.
    """

    primary: str = ""
    fallbacks: tuple[str, ...] = ()
    path: str = DEFAULTS_PATH


@frozen
class Choices:
    """The models of all agents.

    :ivar agents: by id, those with a choice of their own.
    :ivar aliases: names for models, in lower case.
    """

    default: Choice = field(factory=Choice)
    agents: Mapping[str, Choice] = field(factory=dict)
    aliases: Mapping[str, str] = field(factory=dict)

    def of(self, agent_id: str) -> Choice:
        """The choice of one agent; the default for an unknown one, or none."""
        return self.agents.get(agent_id, self.default)

    def ref(self, name: str) -> str:
        """The ``provider/model`` behind an alias; anything else as it is."""
        return self.aliases.get(name.casefold(), name)

    def all(self) -> Iterator[Choice]:
        """Every choice there is."""
        yield self.default
        yield from self.agents.values()


def choices_of(agents: Agents) -> Choices:
    """Read the choices of a configuration.

    An agent with a model of its own has only the fallbacks that stand beside it.
    """
    default = _choice(choice_of(agents.defaults.model), Choice())
    own = {
        agent.id: _choice(choice_of(agent.model), Choice(default.primary, path=_path(agents, at)))
        for at, agent in enumerate(agents.known)
        if agent.model
    }
    aliases = {
        use.alias.casefold(): ref for ref, use in agents.defaults.models.items() if use.alias
    }
    return Choices(default, own, aliases)


def _choice(chosen: ModelChoice, base: Choice) -> Choice:
    return Choice(chosen.primary or base.primary, chosen.fallbacks, base.path)


def _path(agents: Agents, at: int) -> str:
    if at < len(agents.list):
        return f"agents.list[{at}].model"
    return f"agents.entries.{agents.known[at].id}.model"
