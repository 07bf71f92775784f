"""``openclaw health``: asks the gateway whether it is well, and shows what it says."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, day, fields, print_json, say


@click.command("health")
@common
@click.pass_obj
def command(given: Given) -> None:
    """Is the gateway well? Exit status 0 if it is."""
    with Connection(given, ["operator.read"]) as gateway:
        health = gateway.call("health")
        version, target = gateway.hello.server_version, gateway.target
    if given.as_json:
        print_json(health)
    else:
        if target.warning:
            aside(f"Note: {target.warning}")
        _show(health, target.address.url, version)
    if not health.get("ok"):
        raise click.exceptions.Exit(1)


def _show(health: dict[str, Any], url: str, version: str) -> None:
    well = bool(health.get("ok"))
    say("healthy" if well else "not well", bold=True, fg="green" if well else "red")
    fields(
        (
            ("gateway", f"{url}  version {version}"),
            *certificate(health.get("tls")),
            ("journal", journal(health)),
            ("sessions", str(health.get("sessions", {}).get("count", ""))),
            ("agents", ", ".join(agent["agentId"] for agent in health.get("agents", ()))),
            ("channels", ", ".join(health.get("channelOrder", ())) or "none configured"),
            ("load", load(health)),
        )
    )


def certificate(tls: dict[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """What somebody elsewhere has to pin, now and soon."""
    if not tls:
        return ()
    until = day(tls["expiresAt"])
    shown = (("certificate", f"sha256 {tls['fingerprint']}"), ("", f"valid until {until}"))
    following = tls.get("next")
    if not following:
        return shown
    words = f"sha256 {following['fingerprint']}"
    return (*shown, ("next", words), ("", f"in use from {day(following['startsAt'])}"))


def journal(health: dict[str, Any]) -> str:
    """Where things are kept, and whether that works."""
    store = health.get("store")
    if not isinstance(store, dict):
        return ""
    words = str(store.get("backend", ""))
    if not store.get("ok", True):
        return f"{words}, failing: {store.get('error', 'no reason given')}"
    return f"{words}, writing" if store.get("durable", True) else f"{words}, lost at a restart"


def load(health: dict[str, Any]) -> str:
    """How busy the gateway is."""
    loop = health.get("eventLoop")
    if not isinstance(loop, dict):
        return ""
    late, busy = loop.get("delayP99Ms", 0), loop.get("cpuCoreRatio", 0)
    words = f"{busy * 100:.0f} % of a core, {late:.0f} ms behind (p99)"
    return f"overloaded: {words}" if loop.get("degraded") else words
