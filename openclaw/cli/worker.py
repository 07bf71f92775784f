"""``openclaw worker``: runs agents on this host for a gateway elsewhere."""

import os
import sys

import click

from openclaw.cli.discovery import Target, discover
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.problems import UsageProblem


@click.group("worker", cls=Group)
def command() -> None:
    """Run agents here for a gateway on another host."""


@command.command("run")
@click.option("--backend", default="pi", help="Which agent the program is, for the gateway [pi].")
@click.option("--slots", type=click.IntRange(1, 1000), default=4, help="Runs at a time [4].")
@click.option(
    "--env",
    "names",
    multiple=True,
    metavar="NAME",
    help="Hand this environment variable on to the program; may be given again.",
)
@click.argument("program", nargs=-1, type=click.UNPROCESSED)
@common
@click.pass_obj
def run(
    given: Given, backend: str, slots: int, names: tuple[str, ...], program: tuple[str, ...]
) -> None:
    """Connect to the gateway and run agents for it, until a signal comes.

    PROGRAM is the agent and its arguments, behind "--"; without one, those that
    agents.defaults.cliBackends names in this host's configuration. The gateway sends what is to be
    answered, never what is to be started.
    """
    target = discover(given)
    if target.ssh is not None:
        raise UsageProblem(
            "a worker does not connect through SSH",
            "Keep a tunnel open with ssh -L, and give its end as --url.",
        )
    arguments = _arguments(given, target)
    arguments += ["--backend", backend, "--slots", str(slots)]
    for name in names:
        arguments += ["--env", name]
    sys.stdout.flush()
    os.execve(sys.executable, [*arguments, "--", *program], _environment(given, target))


def _arguments(given: Given, target: Target) -> list[str]:
    # -P: whatever lies in the current directory is not our code.
    arguments = [
        sys.executable,
        "-P",
        "-m",
        "openclaw.assembly.worker",
        "--url",
        target.address.url,
    ]
    for option, value in (("--config", given.config), ("--state-dir", given.state_dir)):
        if value is not None:
            arguments += [option, value]
    for pin in target.pins:
        arguments += ["--pin", pin]
    if given.allow_plaintext_lan:
        arguments.append("--allow-plaintext-lan")
    return arguments


def _environment(given: Given, target: Target) -> dict[str, str]:
    """Ours, with the secrets that were found: as arguments, everybody here could read them."""
    environ = dict(given.environ)
    for name, value in (
        ("OPENCLAW_GATEWAY_TOKEN", target.secret.token),
        ("OPENCLAW_GATEWAY_PASSWORD", target.secret.password),
    ):
        environ.pop(name, None)
        if value:
            environ[name] = value
    return environ
