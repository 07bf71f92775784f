"""The ``agents.defaults.cliBackends`` section: agents that are programs of their own; keys only."""

from typing import Annotated, Literal

from msgspec import field

from openclaw.config.schema.fields import Secret, Section, at_least, now


class CliBackend(Section, frozen=True, kw_only=True):
    """An agent that is a program and speaks JSON lines, such as ``pi --mode rpc``."""

    command: Annotated[
        str | None, now("The program: a path, or a name on ``PATH``. No shell reads it.")
    ] = None
    args: Annotated[tuple[str, ...], now("Its arguments. Keys do not belong here.")] = ()
    env: Annotated[
        dict[str, Secret],
        now("Its environment, beside ``PATH HOME LANG TZ``; ``${NAME}`` reads the gateway's."),
    ] = field(default_factory=dict)
    guest_args: Annotated[
        tuple[str, ...] | None,
        now(
            "Further arguments where somebody else than the owner asks, ``--no-tools`` say; "
            "without them nobody else may ask."
        ),
    ] = None
    runs_on: Annotated[
        Literal["gateway", "worker"],
        now("Where: here, or on another host, where ``openclaw worker run`` starts it."),
    ] = "gateway"
    models: Annotated[
        tuple[str, ...], now("Models to list, as the agent names them: ``provider/model``.")
    ] = ()
    max_processes: Annotated[int, at_least(1, "Most processes; each session has its own.")] = 8
    idle_seconds: Annotated[
        int, at_least(1, "After how many seconds a process that nobody uses is ended.")
    ] = 600
