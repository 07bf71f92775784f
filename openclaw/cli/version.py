"""``openclaw version``: prints the release and the protocol it speaks."""

import platform

import click

from openclaw import __version__
from openclaw.cli.given import Given, common
from openclaw.cli.output import print_json
from openclaw.protocol.connect import PROTOCOL


@click.command("version")
@common
@click.pass_obj
def command(given: Given) -> None:
    """Print the versions."""
    if given.as_json:
        print_json(
            {"version": __version__, "protocol": PROTOCOL, "python": platform.python_version()}
        )
    else:
        click.echo(f"openclaw {__version__} (protocol {PROTOCOL})")
