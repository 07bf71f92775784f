"""Agents that are programs, with their keys looked up; starts none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import field, frozen

from openclaw.config.environment import variable
from openclaw.config.redact import is_secret
from openclaw.config.references import resolve
from openclaw.config.schema import Config
from openclaw.config.schema.backends import CliBackend
from openclaw.config.schema.fields import Secret
from openclaw.errors import ConfigError

PATH = "agents.defaults.cliBackends"

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""What a program gets of our own environment; nothing of it is a secret."""


@frozen(kw_only=True)
class AgentBackend:
    """An agent that is a program, ready to be started.

    :ivar argv: empty where it runs on a worker.
    :ivar env: its whole environment.
    :ivar secrets: those of its values that nobody may see.
    """

    id: str
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    guest_args: tuple[str, ...] | None = None
    runs_on: Literal["gateway", "worker"] = "gateway"
    models: tuple[str, ...] = ()
    max_processes: int = 8
    idle_seconds: int = 600


def backends(
    config: Config, environ: Mapping[str, str], home: Path
) -> tuple[dict[str, AgentBackend], tuple[str, ...]]:
    """Collect the agents that can be used, by id.

    One whose key is not to be had is left out with a warning, unless the default model needs it.

    :param environ: the environment, ``env.vars`` of the file included.
    :return: the agents, and warnings.
    :raises ConfigError: for one without a program, or named like a provider.
    """
    ready, warnings = {}, []
    needed = (config.agents.defaults.primary_model or "").partition("/")[0]
    for id, backend in config.agents.defaults.cli_backends.items():
        _check(id, backend, config)
        try:
            ready[id] = _ready(id, backend, environ, home)
        except ConfigError as error:
            if id == needed:
                raise
            warnings.append(f"{error}; the agent is left out")
    return ready, tuple(warnings)


def _check(id: str, backend: CliBackend, config: Config) -> None:
    path = f"{PATH}.{id}"
    if not id or "/" in id:
        raise ConfigError("expected a name without a slash", path)
    if id in config.models.providers or id == "embedded":
        raise ConfigError("is named like a provider of models; choose another name", path)
    if backend.runs_on == "worker" and (backend.command or backend.args or backend.env):
        raise ConfigError(
            "runs on a worker, which is told there what to start (openclaw worker run); "
            "remove command, args and env",
            path,
        )
    if backend.runs_on == "gateway" and not (backend.command or "").strip():
        raise ConfigError("expected the program that is the agent", f"{path}.command")


def _ready(id: str, backend: CliBackend, environ: Mapping[str, str], home: Path) -> AgentBackend:
    path = f"{PATH}.{id}.env"
    own = {name: _value(value, environ, f"{path}.{name}") for name, value in backend.env.items()}
    secrets = [own[name] for name, value in backend.env.items() if hidden(name, value)]
    return AgentBackend(
        id=id,
        argv=_argv(backend, home),
        env={**passed_on(environ), **own},
        secrets=tuple(secrets),
        guest_args=backend.guest_args,
        runs_on=backend.runs_on,
        models=backend.models,
        max_processes=backend.max_processes,
        idle_seconds=backend.idle_seconds,
    )


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What a program gets of an environment."""
    found = {name: variable(environ, name) for name in PASSED_ON}
    return {name: value for name, value in found.items() if value}


def _argv(backend: CliBackend, home: Path) -> tuple[str, ...]:
    command = (backend.command or "").strip()
    if not command:
        return ()
    program = str(home / command[2:]) if command.startswith("~/") else command
    return (program, *backend.args)


def _value(secret: Secret, environ: Mapping[str, str], path: str) -> str:
    return resolve(secret, environ, path) or ""


def hidden(name: str, value: Secret) -> bool:
    """Whether a value is a secret: it was looked up, or is called like one."""
    return not isinstance(value, str) or "${" in value or is_secret(name)
