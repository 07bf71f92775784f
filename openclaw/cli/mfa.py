"""``openclaw mfa``: enrols an authenticator app as second factor, shows and removes it."""

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import ago, fields, print_json, say
from openclaw.cli.qr import drawing

ADMIN, READ = ["operator.admin"], ["operator.read"]


@click.group("mfa", cls=Group)
def command() -> None:
    """Protect what matters with a code of your authenticator app."""


@command.command("enroll")
@common
@click.pass_obj
def enroll(given: Given) -> None:
    """Enrol an authenticator app: scan the picture, type the code that the app shows."""
    with Connection(given, ADMIN) as gateway:
        offer = gateway.call("mfa.enroll")
        click.echo(drawing(offer["uri"]), err=given.as_json)
        say("Scan this with your authenticator app, or type the secret into it:", err=True)
        click.echo(_grouped(offer["secret"]), err=given.as_json)
        confirmed = gateway.call_with_code("Code that the app shows now", "mfa.confirm")
    if given.as_json:
        print_json(confirmed)
        return
    say("The second factor is enrolled.", fg="green")
    say("Keep these recovery codes where the app is not. Each is good once:")
    for code in confirmed["recoveryCodes"]:
        click.echo(f"  {code}")


@command.command("status")
@common
@click.pass_obj
def status(given: Given) -> None:
    """What is enrolled, and which methods ask for it."""
    with Connection(given, READ) as gateway:
        told = gateway.call("mfa.status")
    if given.as_json:
        print_json(told)
        return
    enrolled = f"yes, {ago(told['enrolledAtMs'])}" if told["enrolled"] else "no"
    left = str(told["recoveryCodesLeft"]) if told["enrolled"] else ""
    fields(
        (
            ("enrolled", enrolled),
            ("recovery codes left", left),
            ("switched on", "yes" if told["enabled"] else "no"),
            ("asked for by", ", ".join(told["requiredFor"]) or "nothing"),
        )
    )


@command.command("disable")
@common
@click.pass_obj
def disable(given: Given) -> None:
    """Remove the second factor, with one more code of it."""
    with Connection(given, ADMIN) as gateway:
        told = gateway.call("mfa.status")
        if told["enabled"] and told["enrolled"]:
            prompt = "Code of your authenticator app, or a recovery code"
            done = gateway.call_with_code(prompt, "mfa.disable", given.mfa_code)
        else:
            done = gateway.call("mfa.disable")
    if given.as_json:
        print_json(done)
    else:
        say("The second factor is removed.", fg="green")


def _grouped(secret: str) -> str:
    """In groups of four, as it is easier to type."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
