"""One skill: what its head says, what it needs, and whether that is there."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from openclaw.agents.skills.front_matter import FrontMatterError, split
from openclaw.protocol.schema.skills import SkillNeeds

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1_024
FILE = "SKILL.md"


@frozen(kw_only=True)
class Skill:
    """A skill as it is written.

    :ivar source: where it was found, ``openclaw-workspace`` and so on.
    :ivar directory: its own.
    :ivar key: its name in ``skills.entries``.
    :ivar always: the agent is told of it whatever is missing.
    :ivar hidden: no model is told of it.
    """

    name: str
    description: str
    source: str
    directory: Path
    key: str
    needs: SkillNeeds
    always: bool = False
    hidden: bool = False
    primary_env: str = ""
    emoji: str = ""
    homepage: str = ""


@frozen(kw_only=True)
class Surroundings:
    """What skills can need.

    :ivar has_program: whether there is a program of that name.
    :ivar variables: names of the environment that have a value.
    :ivar is_set: whether a key of the configuration says something, by its path.
    :ivar os: ``linux``, ``darwin`` or ``win32``.
    """

    has_program: Callable[[str], bool]
    variables: frozenset[str]
    is_set: Callable[[str], bool]
    os: str
    extra: Mapping[str, str] = field(factory=dict)


def read_skill(text: str, directory: Path, source: str) -> Skill:
    """Read a skill.

    :raises FrontMatterError: it is not written as it should be.
    """
    head, _ = split(text)
    name, description = _words(head, "name"), _words(head, "description")
    if len(name) > LONGEST_NAME or "\n" in name:
        raise FrontMatterError(f"name: expected one line of at most {LONGEST_NAME} characters")
    own = _own(head)
    requires = own.get("requires")
    return Skill(
        name=name,
        description=description[:LONGEST_DESCRIPTION],
        source=source,
        directory=directory,
        key=str(own.get("skillKey") or name),
        needs=_needs(requires if isinstance(requires, dict) else {}, own.get("os")),
        always=own.get("always") is True,
        hidden=head.get("disable-model-invocation") is True,
        primary_env=str(own.get("primaryEnv") or ""),
        emoji=str(own.get("emoji") or ""),
        homepage=str(own.get("homepage") or head.get("homepage") or ""),
    )


def missing(skill: Skill, around: Surroundings, given: Collection[str] = ()) -> SkillNeeds:
    """What a skill needs and does not have.

    :param given: names of variables that the configuration gives it.
    """
    needs = skill.needs
    some = any(around.has_program(one) for one in needs.any_bins)
    return SkillNeeds(
        bins=[one for one in needs.bins if not around.has_program(one)],
        any_bins=[] if some else needs.any_bins,
        env=[one for one in needs.env if one not in around.variables and one not in given],
        config=[one for one in needs.config if not around.is_set(one)],
        os=needs.os if needs.os and around.os not in needs.os else [],
    )


def is_complete(lacking: SkillNeeds) -> bool:
    """Whether nothing is missing."""
    return not any((lacking.bins, lacking.any_bins, lacking.env, lacking.config, lacking.os))


def _own(head: dict[str, Any]) -> dict[str, Any]:
    """The part of the head that is about gateways like this one."""
    metadata = head.get("metadata")
    if not isinstance(metadata, dict):
        return {}
    for name in ("openclaw", "clawdbot", "clawdis"):
        if isinstance(found := metadata.get(name), dict):
            return found
    return {}


def _needs(requires: dict[str, Any], os: Any) -> SkillNeeds:
    return SkillNeeds(
        bins=_list(requires, "bins"),
        any_bins=_list(requires, "anyBins"),
        env=_list(requires, "env"),
        config=_list(requires, "config"),
        os=_list({"os": os}, "os"),
    )


def _list(found: dict[str, Any], name: str) -> list[str]:
    value = found.get(name)
    if value is None:
        return []
    every = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and one for one in every):
        raise FrontMatterError(f"{name}: expected a list of names")
    return list(every)


def _words(head: dict[str, Any], name: str) -> str:
    value = head.get(name)
    if not isinstance(value, str) or not value.strip():
        raise FrontMatterError(f"{name}: expected some words")
    return value.strip()
