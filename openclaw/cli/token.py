"""``openclaw token``: replaces the token that tools and devices sign in to the gateway with."""

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import aside, print_json, say


@click.group("token", cls=Group)
def command() -> None:
    """The gateway's own token."""


@command.command("rotate")
@common
@click.pass_obj
def rotate(given: Given) -> None:
    """Replace the token; whoever came with the old one is disconnected at once.

    Commands on the gateway's machine find the new one by themselves. Paired devices keep their
    own tokens.
    """
    with Connection(given, ["operator.admin"]) as gateway:
        done = gateway.call("gateway.token.rotate")
    if given.as_json:
        print_json(done)
        return
    say("The gateway has a new token.", fg="green")
    say(f"It is in {done['path']}, on the gateway's machine.")
    aside("If the old one was known to somebody, look at what it let in: openclaw devices list")
