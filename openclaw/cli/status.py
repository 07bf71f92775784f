"""``openclaw status``: what the gateway is doing; answers within a second, gateway or not."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.discovery import Target
from openclaw.cli.given import Given, common
from openclaw.cli.health import certificate, journal, load
from openclaw.cli.output import ago, aside, duration, fields, megabytes, print_json, say, table
from openclaw.cli.problems import Problem

# Together with loading ourselves this stays below a second, even if the gateway hangs.
PATIENCE_SECONDS = 0.6


@click.command("status")
@common
@click.pass_obj
def command(given: Given) -> None:
    """What the gateway is doing. Exit status 1 if it cannot be reached."""
    within = given.timeout_seconds or PATIENCE_SECONDS
    connection = Connection(given, ["operator.read"], within=within)
    try:
        with connection as gateway:
            health = gateway.call("health")
            status = gateway.call("status", {"includeChannelSummary": False})
            version = gateway.hello.server_version
    except Problem as problem:
        _unreachable(problem, connection.target, given)
        raise click.exceptions.Exit(1) from None
    where = _where(connection.target)
    if given.as_json:
        print_json({"reachable": True, **where, "version": version, "health": health, **status})
    else:
        _show(health, status, version, connection.target)


def _where(target: Target) -> dict[str, str]:
    return {
        "url": target.address.url,
        **({"ssh": str(target.ssh)} if target.ssh else {}),
        "urlSource": target.source,
        "tokenSource": target.secret.source,
        "stateDir": str(target.places.state_dir),
        "config": str(target.places.config_path),
        "log": str(target.log_file),
    }


def _unreachable(problem: Problem, target: Target, given: Given) -> None:
    if given.as_json:
        print_json({"reachable": False, **_where(target), **problem.document()})
        return
    say("not reachable", bold=True, fg="red")
    fields((*_places(target), ("cause", problem.message), ("next", problem.next_step)))


def _places(target: Target) -> tuple[tuple[str, str], ...]:
    return (
        ("gateway", f"{target.address.url}  from {target.source}"),
        ("through", f"ssh {target.ssh}" if target.ssh else ""),
        ("token", f"from {target.secret.source}" if target.secret.source else "none found"),
        ("state", str(target.places.state_dir)),
        ("config", str(target.places.config_path)),
        ("log", str(target.log_file)),
    )


def _show(health: dict[str, Any], status: dict[str, Any], version: str, target: Target) -> None:
    if target.warning:
        aside(f"Note: {target.warning}")
    well = bool(health.get("ok"))
    say("running" if well else "running, not well", bold=True, fg="green" if well else "red")
    tasks, memory = status.get("tasks", {}), status.get("processMemory", {})
    sessions = status.get("sessions", {})
    fields(
        (
            *_places(target),
            *certificate(status.get("tls")),
            ("version", f"{version}  pid {status.get('pid', '?')}"),
            ("up for", duration(status["uptimeMs"] / 1000) if "uptimeMs" in status else ""),
            ("memory", megabytes(memory["rssBytes"]) if "rssBytes" in memory else ""),
            ("clients", str(status.get("connections", ""))),
            ("model", str(sessions.get("defaults", {}).get("model") or "none configured")),
            ("runs", _runs(tasks)),
            ("journal", journal(health)),
            ("load", load(health)),
            ("sessions", str(sessions.get("count", 0))),
        )
    )
    if recent := sessions.get("recent"):
        say()
        rows = [(row["key"], ago(row.get("updatedAt")), row.get("model", "")) for row in recent[:5]]
        table(("latest sessions", "active", "model"), rows)


def _runs(tasks: dict[str, Any]) -> str:
    if not tasks:
        return ""
    failed = f", {tasks['failures']} failed" if tasks.get("failures") else ""
    return f"{tasks.get('active', 0)} active, {tasks.get('total', 0)} since the start{failed}"
