"""What skills are given by the configuration, with its secrets looked up; reads no skill."""

import re
from collections.abc import Mapping

from attrs import field, frozen

from openclaw.config.backends import PASSED_ON, hidden
from openclaw.config.references import resolve
from openclaw.config.schema.skills import SkillEntry, Skills
from openclaw.errors import ConfigError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# What would make a program load or run something else than it should.
_LOADERS = ("LD_", "DYLD_", "PYTHON", "NODE_", "BASH_", "GIT_", "PERL5", "RUBY", "OPENCLAW_")
_SHELLS = frozenset(
    {"ENV", "IFS", "SHELL", "EDITOR", "PAGER", "GLIBC_TUNABLES", "JAVA_TOOL_OPTIONS"}
)


@frozen(kw_only=True)
class SkillValues:
    """What one skill is given.

    :ivar env: variables by name.
    :ivar api_key: the value of the variable that the skill itself names as its main one.
    :ivar secrets: what of it nobody may see.
    """

    env: Mapping[str, str] = field(factory=dict, repr=False)
    api_key: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def skill_values(
    skills: Skills, known: Mapping[str, str]
) -> tuple[Mapping[str, SkillValues], tuple[str, ...]]:
    """What skills are given, by their keys, and warnings about what is not to be had.

    :param known: the environment, ``env.vars`` of the file included.
    :raises ConfigError: for a variable that no skill may set.
    """
    found, warnings = {}, []
    for key, entry in skills.entries.items():
        path = f"skills.entries.{key}"
        for name in entry.env:
            if not may_be_set(name):
                raise ConfigError(
                    "expected a variable that changes no program", f"{path}.env.{name}"
                )
        if not entry.enabled:
            continue
        try:
            found[key] = _values(entry, known, path)
        except ConfigError as error:
            warnings.append(f"{error}; the skill is given nothing")
    return found, tuple(warnings)


def may_be_set(name: str) -> bool:
    """Whether a variable is a skill's to set: it changes no program that is started."""
    if not _NAME.fullmatch(name) or name in PASSED_ON or name in _SHELLS:
        return False
    return not name.upper().startswith(_LOADERS)


def _values(entry: SkillEntry, known: Mapping[str, str], path: str) -> SkillValues:
    env = {
        name: resolve(value, known, f"{path}.env.{name}") or "" for name, value in entry.env.items()
    }
    api_key = resolve(entry.api_key, known, f"{path}.apiKey") or ""
    secrets = [env[name] for name, value in entry.env.items() if hidden(name, value)]
    return SkillValues(env=env, api_key=api_key, secrets=tuple(filter(None, [*secrets, api_key])))
