"""``openclaw gateway``: becomes the gateway's process, or asks the one that runs."""

import json
import os
import sys
from typing import Any

import click

from openclaw.cli import audit, health, status, trace
from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common, places
from openclaw.cli.groups import Group
from openclaw.cli.output import print_json
from openclaw.protocol.scopes import ADMIN, APPROVALS, PAIRING, READ, WRITE


@click.group("gateway", cls=Group, invoke_without_command=True)
@places
@click.option("--host", help="Address to listen on [127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on [18789].")
@click.option("--token", help="Token that clients must present [made and kept].")
@click.option(
    "--allow-plaintext",
    is_flag=True,
    help="Listen beyond this machine without TLS and without a proxy.",
)
@click.pass_context
def command(
    ctx: click.Context,
    host: str | None,
    port: int | None,
    token: str | None,
    allow_plaintext: bool,
) -> None:
    """Run the gateway in the foreground, or ask the running one."""
    if ctx.invoked_subcommand is None:
        arguments = launch_arguments(ctx.ensure_object(Given), host, port)
        if allow_plaintext:
            arguments.append("--allow-plaintext")
        _become_gateway(ctx.ensure_object(Given), arguments, token)
    elif host is not None or port is not None or allow_plaintext:
        raise click.UsageError(
            "--host, --port and --allow-plaintext are for running the gateway; use --url to ask"
        )
    elif token is not None:
        ctx.ensure_object(Given).token = token


def _become_gateway(given: Given, arguments: list[str], token: str | None) -> None:
    environ = dict(given.environ)
    if token or given.token:
        # Not as an argument: everybody on the machine can list those.
        environ["OPENCLAW_GATEWAY_TOKEN"] = str(token or given.token)
    sys.stdout.flush()
    os.execve(sys.executable, arguments, environ)


def launch_arguments(given: Given, host: str | None = None, port: int | None = None) -> list[str]:
    """The argument vector of the gateway's own process."""
    # -P: whatever lies in the current directory is not our code.
    arguments = [sys.executable, "-P", "-m", "openclaw"]
    for name, value in (
        ("--config", given.config),
        ("--state-dir", given.state_dir),
        ("--host", host),
        ("--port", port),
    ):
        if value is not None:
            arguments += [name, str(value)]
    return arguments


@command.command("call")
@click.argument("method")
@click.option("--params", default="{}", metavar="JSON", help="Parameters [{}].")
@click.option("--expect-final", is_flag=True, help="Wait for the outcome of accepted work.")
@common
@click.pass_obj
def call(given: Given, method: str, params: str, expect_final: bool) -> None:
    """Call one method and print its answer as JSON."""
    decoded = _decode(params)
    with Connection(given, scopes_for(method)) as gateway:
        answer = gateway.call(method, decoded, final=expect_final)
    print_json(answer)


def _decode(text: str) -> dict[str, Any]:
    try:
        params = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--params") from None
    if not isinstance(params, dict):
        raise click.BadParameter('not an object such as {"limit": 5}', param_hint="--params")
    return params


def scopes_for(method: str) -> list[str]:
    """The least rights for a method; all of them for one we do not know."""
    # The table builds a decoder for every method: only this command needs it.
    from openclaw.protocol.methods import METHODS

    if method not in METHODS:
        return [ADMIN, READ, WRITE, APPROVALS, PAIRING]
    scope = METHODS[method].scope
    return [] if scope is None else [scope]


command.add_command(audit.command, "audit")
command.add_command(health.command, "health")
command.add_command(status.command, "status")
command.add_command(trace.trace, "trace")
command.add_command(trace.ping, "ping")
