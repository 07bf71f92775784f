"""``openclaw dashboard``: prints a fresh one-time link that signs a browser in."""

import webbrowser

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import duration, print_json, say


@click.command("dashboard")
@click.option("--open/--no-open", "opens", default=False, help="Open it in a browser.")
@common
@click.pass_obj
def command(given: Given, opens: bool) -> None:
    """Print a link that signs a browser in to the web chat, once, within ten minutes."""
    with Connection(given, ["operator.admin"]) as gateway:
        link = gateway.call("dashboard.link")
    if given.as_json:
        print_json(link)
    else:
        click.echo(link["url"])
        _advise(link["expiresAtMs"])
    if opens and not webbrowser.open(link["url"]):
        say("No browser could be opened here; use the link.", err=True)


def _advise(expires_at_ms: int) -> None:
    import time

    left = duration(max(expires_at_ms / 1000 - time.time() + 1, 0))
    say(f"Good for one sign-in within {left}. Do not share it.", err=True, dim=True)
