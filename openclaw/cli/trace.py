"""``openclaw gateway trace`` and ``ping``: what became of a message, whether a platform answers."""

from datetime import datetime

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import print_json, say, table
from openclaw.cli.problems import Problem

READ = ["operator.read"]


@click.command("trace")
@click.option("--message-id", required=True, help="Of a message, as CHANNEL:ACCOUNT:ID; or a run.")
@common
@click.pass_obj
def trace(given: Given, message_id: str) -> None:
    """Every step of one message's way, from the platform and back."""
    with Connection(given, READ) as gateway:
        found = gateway.call("messages.trace", {"messageId": message_id})
    if given.as_json:
        print_json(found)
        return
    if not found["steps"]:
        raise Problem(
            f"nothing is known of a message {message_id}",
            "Traces are kept for a week; openclaw queue inspect shows ids",
        )
    table(
        ("time", "step", ""),
        [(_moment(one["at"]), one["step"], one["detail"]) for one in found["steps"]],
    )


@click.command("ping")
@click.option("--channel", required=True, help="Which channel.")
@click.option("--account", default="", help="Only this account.")
@common
@click.pass_obj
def ping(given: Given, channel: str, account: str) -> None:
    """Ask a channel's platform for a sign of life, through the gateway."""
    with Connection(given, READ) as gateway:
        found = gateway.call("channels.status", {"probe": True})
    rows = [
        one
        for one in found["channelAccounts"].get(channel, ())
        if account in ("", one["accountId"])
    ]
    if not rows:
        raise Problem(f"channel {channel} is not configured", "openclaw channels list")
    if given.as_json:
        print_json({"channel": channel, "accounts": rows})
    for one in () if given.as_json else rows:
        probe = one.get("probe", {"ok": False, "error": "it is disabled", "elapsedMs": 0})
        words = probe.get("said", "ok") if probe["ok"] else probe.get("error", "no answer")
        say(
            f"{channel}/{one['accountId']}: {words} ({probe['elapsedMs']} ms)",
            fg="green" if probe["ok"] else "red",
        )
    if not all(one.get("probe", {}).get("ok") for one in rows):
        raise click.exceptions.Exit(1)


def _moment(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{at_ms % 1000:03d}"
