"""``openclaw logs``: shows the gateway's log, also when there is no gateway to ask."""

import json
import time
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.discovery import discover
from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, harmless, print_json, print_line
from openclaw.cli.problems import Problem

POLL_SECONDS = 1.0
MAX_BYTES = 1_000_000
_WAITS_SECONDS = (0.2, 1.0, 2.0, 4.0, 8.0)
_PASSING = frozenset(
    (
        *("CONNECTION_LOST", "GATEWAY_DOWN", "GATEWAY_RESTARTING", "GATEWAY_STARTING"),
        *("GATEWAY_UNREACHABLE", "SSH_FAILED"),
    )
)
_COLOURS = {"warn": "magenta", "error": "red", "critical": "red", "failure": "red"}


@click.command("logs")
@click.option("--limit", type=click.IntRange(1, 5000), default=200, help="How many lines [200].")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written.")
@common
@click.pass_obj
def command(given: Given, limit: int, follow: bool) -> None:
    """Show the gateway's log.

    With --json: one document; with --follow and --json, one document per line.
    """
    try:
        _from_gateway(given, limit, follow)
    except Problem as problem:
        log_file = _readable_here(given)
        if follow or log_file is None or problem.code != "GATEWAY_DOWN":
            raise
        if not given.as_json:
            aside(f"The gateway is not running; this is its last log, {log_file}")
        _show(_tail_of(log_file, limit), given.as_json)


def _from_gateway(given: Given, limit: int, follow: bool) -> None:
    with Connection(given, ["operator.read"]) as gateway:
        tail = gateway.call("logs.tail", {"limit": limit, "maxBytes": MAX_BYTES})
        if not follow:
            _show(tail, given.as_json)
            return
        while True:
            _show_lines(tail["lines"], given.as_json)
            time.sleep(POLL_SECONDS)
            asked = {"limit": 5000, "maxBytes": MAX_BYTES, "cursor": tail["cursor"]}
            tail = _whatever_happens(gateway, asked)
            if tail.get("reset") and not given.as_json:
                aside("The log was begun anew.")


def _whatever_happens(gateway: Connection, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask for more, on a new connection if the old one is lost."""
    lost: Problem | None = None
    for wait in (0.0, *_WAITS_SECONDS):
        try:
            if lost is not None:
                time.sleep(wait)
                gateway.connect_again()
            tail: dict[str, Any] = gateway.call("logs.tail", asked)
        except Problem as problem:
            if problem.code not in _PASSING:
                raise
            lost = problem
        else:
            return tail
    assert lost is not None
    raise lost


def _readable_here(given: Given) -> Path | None:
    target = discover(given)
    return target.log_file if target.on_this_machine and target.log_file.is_file() else None


def _tail_of(path: Path, limit: int) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = [line.rstrip("\n") for line in deque(file, maxlen=limit)]
            return {"file": str(path), "lines": lines, "cursor": file.tell()}
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None


def _show(tail: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({**tail, "lines": [parsed(line) for line in tail["lines"]]})
    else:
        _show_lines(tail["lines"], as_json)


def _show_lines(lines: list[str], as_json: bool) -> None:
    for line in lines:
        if as_json:
            print_line(parsed(line))
        else:
            click.echo(for_people(parsed(line)))


def parsed(line: str) -> dict[str, Any]:
    """Read one line of the log; one that is no JSON object becomes its own message."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) else {"message": line}


def for_people(entry: dict[str, Any]) -> str:
    """One line: when, how bad, from where, what."""
    source = _first(entry, "subsystem", "namespace", "module")
    level = harmless(entry.get("level", "info")).lower()
    parts = [
        click.style(_clock(entry), dim=True),
        click.style(level.ljust(5), fg=_COLOURS.get(level), dim=level == "debug"),
        click.style(harmless(source).removeprefix("openclaw."), dim=True),
        harmless(_first(entry, "message", "msg", "event")).replace("\n", "\n    "),
    ]
    return " ".join(part for part in parts if click.unstyle(part))


def _clock(entry: dict[str, Any]) -> str:
    at = _first(entry, "time", "ts", "timestamp")
    if isinstance(at, int | float):
        moment = datetime.fromtimestamp(at / 1000 if at > 1e11 else at).astimezone()
        return f"{moment:%m-%d %H:%M:%S}"
    try:
        return f"{datetime.fromisoformat(at).astimezone():%m-%d %H:%M:%S}"
    except ValueError:
        return harmless(at)


def _first(entry: dict[str, Any], *names: str) -> Any:
    found: Iterator[Any] = (entry[name] for name in names if entry.get(name) not in (None, ""))
    return next(found, "")
