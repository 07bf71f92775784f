"""The ids of the configured agents, checked; says nothing about what an agent may do."""

import re
from collections.abc import Iterator

from openclaw.config.check import Problem, describe
from openclaw.config.schema.agents import Agents
from openclaw.errors import ConfigError

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""What a session key can carry: an agent of another id could never be asked."""


def check_agents(agents: Agents) -> None:
    """Refuse agents that nobody could reach: without an id, with a wrong one, one id for two.

    :raises ConfigError: names every one of them.
    """
    problems = list(_faults(agents))
    if problems:
        first, *others = problems
        lines = [f"expected {first.expected}, found {first.found}", *map(str, others)]
        raise ConfigError("\n".join(lines), first.path)


def _faults(agents: Agents) -> Iterator[Problem]:
    places: dict[str, str] = {}
    for at, agent in enumerate(agents.known):
        listed = at < len(agents.list)
        path = f"agents.list[{at}].id" if listed else f"agents.entries.{agent.id}"
        if not _ID.fullmatch(agent.id):
            expected = 'an id of a-z, 0-9, _ and -, such as "work"'
            yield Problem(path, expected, describe(agent.id) if agent.id else "nothing")
        elif agent.id in places:
            expected = f"an id of its own, as {places[agent.id]} has this one"
            yield Problem(path, expected, describe(agent.id))
        places.setdefault(agent.id, path)
