"""``openclaw gateway audit``: shows what was decided about access, or what is unsafe here."""

import os
import time
from collections import Counter
from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.discovery import discover
from openclaw.cli.given import Given, common
from openclaw.cli.output import ago, print_json, say, table
from openclaw.cli.problems import Problem
from openclaw.config.audit.facts import Facts, Live, arguments_of, running
from openclaw.config.audit.findings import Finding
from openclaw.config.audit.report import CHECKS, audit
from openclaw.config.settings import Options, read_settings
from openclaw.errors import ConfigError

ADMIN, PAIRING = "operator.admin", "operator.pairing"
PATIENCE_SECONDS = 3.0
_HOUR_MS = 3_600_000
_COLOURS = {"critical": "red", "warn": "yellow", "info": "blue"}
_COUNTED = {"critical": "critical", "warn": "warnings", "info": "to know"}


@click.command("audit")
@click.option("--security", is_flag=True, help="Look for what is unsafe; exit status 1 if it is.")
@click.option("--kind", default="", help="Only one kind or group, such as connect.refused.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="How many entries [50].")
@click.option("--after", type=click.IntRange(0), help="Entries behind this one.")
@click.option("--verify", is_flag=True, help="Is the trail unaltered? Exit status 1 if not.")
@common
@click.pass_obj
def command(
    given: Given, security: bool, kind: str, limit: int, after: int | None, verify: bool
) -> None:
    """What was decided about access: who came, who was refused, who approved what."""
    if security:
        _security(given)
    elif verify:
        _verify(given)
    else:
        params: dict[str, Any] = {"limit": limit, "kind": kind}
        _list(given, params if after is None else {**params, "after": after})


def _list(given: Given, params: dict[str, Any]) -> None:
    with Connection(given, [ADMIN]) as gateway:
        entries = gateway.call("audit.list", params)["entries"]
    if given.as_json:
        print_json({"entries": entries})
    elif not entries:
        say("Nothing was noted.")
    else:
        table(("entry", "when", "what", "who", "more"), [_row(entry) for entry in entries])


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    subject = str(entry["subject"])
    more = [f"{entry['count']} times"] if entry["count"] > 1 else []
    more += [
        f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in entry["detail"].items()
        if value not in ("", [], subject)
    ]
    who = f"{subject[:12]}…" if len(subject) > 40 else subject
    return str(entry["id"]), ago(entry["ts"]), entry["kind"], who, "; ".join(more)


def _verify(given: Given) -> None:
    with Connection(given, [ADMIN]) as gateway:
        verdict = gateway.call("audit.verify", {})
    if given.as_json:
        print_json(verdict)
    elif verdict["ok"]:
        say(f"Nothing is missing, nothing was altered: {verdict['entries']} entries.", fg="green")
    else:
        say(f"Altered, or something is missing: entry {verdict['brokenAt']}.", fg="red")
    if not verdict["ok"]:
        raise click.exceptions.Exit(1)


# -- what is unsafe ----------------------------------------------------------------------------


def _security(given: Given) -> None:
    findings = _findings(given)
    counts = Counter(finding.severity for finding in findings)
    if given.as_json:
        shown = [
            {
                "id": one.id,
                "severity": one.severity,
                "what": one.what,
                "where": one.where,
                "next": one.next,
            }
            for one in findings
        ]
        print_json({"ok": not counts["critical"], "checks": len(CHECKS), "findings": shown})
    else:
        _show(findings, counts)
    if counts["critical"]:
        raise click.exceptions.Exit(1)


def _findings(given: Given) -> list[Finding]:
    options = Options(config=given.config, state_dir=given.state_dir)
    try:
        settings = read_settings(options, given.environ, given.home)
    except ConfigError as error:
        step = "Correct it; nothing else can be looked at before"
        return [Finding("config.unusable", "critical", str(error), error.path or "-", step)]
    info = running(settings.places.own_dir)
    return audit(
        Facts(
            settings=settings,
            environ=given.environ,
            now_ms=int(time.time() * 1000),
            uid=os.getuid(),
            live=_live(given),
            arguments=arguments_of(info.get("pid", "")),
        )
    )


def _live(given: Given) -> Live | None:
    """Ask the gateway of this machine; ``None`` if that is not possible."""
    try:
        if not discover(given).on_this_machine:
            return None
        with Connection(given, [ADMIN, PAIRING], within=PATIENCE_SECONDS) as gateway:
            refused = gateway.call("audit.list", {"limit": 1000, "kind": "connect.refused"})
            verdict = gateway.call("audit.verify", {})
            devices = gateway.call("device.pair.list", {})
    except Problem:
        return None
    since = time.time() * 1000 - _HOUR_MS
    counts: Counter[str] = Counter()
    for entry in refused["entries"]:
        # Who waits for approval is refused as well, and guesses nothing.
        if entry["ts"] >= since and entry["detail"].get("code") != "PAIRING_REQUIRED":
            counts[entry["subject"]] += entry["count"]
    return Live(
        refused=counts,
        devices=devices.get("paired", []),
        pending=devices.get("pending", []),
        audit_broken_at=verdict.get("brokenAt", 0),
    )


def _show(findings: list[Finding], counts: Counter[Any]) -> None:
    for finding in findings:
        click.echo(
            f"{click.style(finding.severity.ljust(8), fg=_COLOURS[finding.severity], bold=True)}  ",
            nl=False,
        )
        say(finding.what, bold=True)
        say(f"{'':10}{finding.where}  ({finding.id})", dim=True)
        say(f"{'':10}→ {finding.next}")
        say()
    words = [f"{counts[name]} {word}" for name, word in _COUNTED.items() if counts[name]]
    colour = "red" if counts["critical"] else "yellow" if counts["warn"] else "green"
    say(f"{len(CHECKS)} checks: {', '.join(words) or 'nothing found'}.", fg=colour)
