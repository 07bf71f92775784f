"""``openclaw encryption``: how the journal is sealed, and with which key."""

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.gateway import launch_arguments
from openclaw.cli.given import Given, common, places
from openclaw.cli.groups import Group
from openclaw.cli.output import aside, fields, print_json, say

_ADMIN = ["operator.admin"]
_KEY_BYTES = 32


@click.group("encryption", cls=Group)
def command() -> None:
    """How the journal is sealed, and with which key."""


@command.command("status")
@common
@click.pass_obj
def status(given: Given) -> None:
    """Whether the journal is sealed, and with which key."""
    with Connection(given, _ADMIN) as gateway:
        found = gateway.call("encryption.status", {})
    _show(found, given)


@command.command("rotate")
@common
@click.pass_obj
def rotate(given: Given) -> None:
    """Make a new key; the gateway seals everything with it again while it runs."""
    with Connection(given, _ADMIN) as gateway:
        found = gateway.call("encryption.rotate", {})
    _show(found, given)
    if not given.as_json:
        aside("Older copies of the journal still need the key that they were made with.")


@command.command("unseal")
@places
@click.pass_obj
def unseal(given: Given) -> None:
    """Write the journal in plain text again; the gateway must not run meanwhile.

    It takes the journal's key, from where the configuration says it is.
    """
    arguments = [*launch_arguments(given), "--unseal"]
    sys.stdout.flush()
    os.execve(sys.executable, arguments, dict(given.environ))


@command.command("key")
def key() -> None:
    """Print a fresh key, for security.encryption.masterKey."""
    click.echo(urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode().rstrip("="))


def _show(found: dict[str, Any], given: Given) -> None:
    if given.as_json:
        print_json(found)
        return
    if found["storage"] == "none":
        say("The journal is not sealed.")
        say('Set security.encryption.storage to "aes-256-gcm" and restart the gateway.')
        if found.get("session", "none") != "none":
            fields((("exported sessions", found["session"]),))
        return
    say("sealed", bold=True, fg="green")
    doing = f"under way, {found['rows']} rows so far" if found["rotating"] else ""
    fields(
        (
            ("with", found["storage"]),
            ("key", found.get("keyId", "")),
            ("kept in", found.get("source", "")),
            ("rotation", doing),
            ("exported sessions", found.get("session", "none")),
        )
    )
