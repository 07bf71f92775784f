"""``openclaw sessions``: lists the conversations the gateway keeps, and hands them out."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.export import export, unseal
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import ago, print_json, say, table


@click.group("sessions", cls=Group, invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="How many [50].")
@click.option("--search", help="Only those whose key or title has this in it.")
@click.option("--archived", is_flag=True, help="The archived ones, too.")
@common
@click.pass_context
def command(ctx: click.Context, limit: int, search: str | None, archived: bool) -> None:
    """List the conversations, the latest first, or write one to a file."""
    if ctx.invoked_subcommand is not None:
        return
    given = ctx.ensure_object(Given)
    params: dict[str, Any] = {"limit": limit}
    if search:
        params["search"] = search
    if archived:
        params["archived"] = "all"
    with Connection(given, ["operator.read"]) as gateway:
        listed = gateway.call("sessions.list", params)
    if given.as_json:
        print_json(listed)
    else:
        _show(listed)


command.add_command(export)
command.add_command(unseal)


def _show(listed: dict[str, Any]) -> None:
    rows = listed.get("sessions", [])
    if not rows:
        say("No conversations yet. Begin one with: openclaw chat")
        return
    table(
        ("session", "active", "messages", "status", "model", "title"),
        [
            (
                row["key"],
                ago(row.get("updatedAt")),
                str(row.get("messageCount", "")),
                "running" if row.get("hasActiveRun") else row.get("status", ""),
                row.get("model", ""),
                title(row),
            )
            for row in rows
        ],
    )
    more = listed.get("totalCount", len(rows)) - len(rows)
    if more > 0:
        say(f"{more} more: use --limit", dim=True)


def title(row: dict[str, Any]) -> str:
    """What a session is called, if anything."""
    for name in ("label", "displayName", "derivedTitle"):
        if row.get(name):
            return str(row[name])
    return ""
