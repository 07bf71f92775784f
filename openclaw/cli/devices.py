"""``openclaw devices``: lists paired devices and those that wait to be; changes nothing."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import ago, print_json, say, table


@click.group("devices")
def command() -> None:
    """List the devices that may connect."""


@command.command("list")
@common
@click.pass_obj
def list_(given: Given) -> None:
    """Paired devices, and requests that wait for approval."""
    with Connection(given, ["operator.pairing"]) as gateway:
        listed = gateway.call("device.pair.list")
    if given.as_json:
        print_json(listed)
    else:
        _show(listed.get("pending", []), listed.get("paired", []))


def _show(pending: list[dict[str, Any]], paired: list[dict[str, Any]]) -> None:
    if pending:
        table(
            ("waiting request", "device", "wants", "from"),
            [
                (row.get("requestId", ""), _name(row), _rights(row), row.get("remoteIp", ""))
                for row in pending
            ],
        )
        say()
    if not paired:
        say("No paired devices.")
        return
    table(
        ("device", "id", "role", "rights", "last seen"),
        [
            (
                _name(row),
                row["deviceId"][:12],
                row.get("role", ""),
                _rights(row),
                "connected" if row.get("connected") else ago(row.get("lastSeenAtMs")),
            )
            for row in paired
        ],
    )


def _name(row: dict[str, Any]) -> str:
    return str(row.get("displayName") or row.get("clientId") or row.get("deviceId", ""))


def _rights(row: dict[str, Any]) -> str:
    return ", ".join(scope.removeprefix("operator.") for scope in row.get("scopes", ())) or "none"
