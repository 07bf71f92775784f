"""The configured bindings, checked against the agents that there are; matches no message."""

from collections.abc import Iterator

from openclaw.config.check import Problem, describe
from openclaw.config.schema import Config
from openclaw.config.schema.agents import Agents
from openclaw.config.schema.bindings import BindingRow
from openclaw.errors import ConfigError

DEFAULT_AGENT = "main"


def agent_ids(agents: Agents) -> tuple[str, ...]:
    """Ids of all agents; the one agent ``main`` if none is configured."""
    return tuple(agent.id for agent in agents.known) or (DEFAULT_AGENT,)


def check_bindings(config: Config) -> None:
    """Refuse bindings that could never do what they say.

    :raises ConfigError: names every one of them.
    """
    known = agent_ids(config.agents)
    problems = [
        problem
        for at, row in enumerate(config.bindings)
        for problem in _faults(row, f"bindings[{at}]", known)
    ]
    if problems:
        first, *others = problems
        lines = [f"expected {first.expected}, found {first.found}", *map(str, others)]
        raise ConfigError("\n".join(lines), first.path)


def _faults(row: BindingRow, path: str, known: tuple[str, ...]) -> Iterator[Problem]:
    match = row.match
    if row.agent_id not in known:
        expected = "a configured agent: " + ", ".join(sorted(known))
        yield Problem(f"{path}.agentId", expected, describe(row.agent_id))
    if not match.channel.strip():
        yield Problem(f"{path}.match.channel", "a channel", describe(match.channel))
    if match.peer is not None and not str(match.peer.id).strip():
        yield Problem(f"{path}.match.peer.id", 'an id or "*"', describe(match.peer.id))
    if match.roles and match.guild_id is None:
        yield Problem(f"{path}.match.guildId", "a guild, as roles belong to one", "nothing")
