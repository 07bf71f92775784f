"""``openclaw qr``: a sign-in link as a picture in the terminal, for a phone's camera."""

import io
from urllib.parse import urlsplit

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import print_json, say
from openclaw.cli.problems import Problem, UsageProblem

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@click.command("qr")
@click.option(
    "--public-url",
    metavar="URL",
    help="Where the phone reaches the gateway: https://gateway.example [where it listens].",
)
@common
@click.pass_obj
def command(given: Given, public_url: str | None) -> None:
    """Show a QR code that opens the web chat on a phone; then approve the phone here.

    The link signs one browser in, once, within ten minutes. A phone that is new here shows a code
    of its own, which `openclaw devices approve CODE` takes.
    """
    public = None if public_url is None else _checked(public_url)
    with Connection(given, ["operator.admin"]) as gateway:
        link = gateway.call("dashboard.link")
    url = _link(str(link["url"]), public)
    if given.as_json:
        print_json({**link, "url": url})
        return
    click.echo(drawing(url))
    click.echo(url)
    say("Good for one sign-in. Do not share it.", err=True, dim=True)


def drawing(text: str) -> str:
    """Draw a text as a QR code of half blocks, two rows of it to a line."""
    import segno  # Only this command needs it.

    out = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(out, border=2, compact=True)
    return out.getvalue().rstrip("\n")


def _checked(public_url: str) -> str:
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageProblem("--public-url: expected an address such as https://gateway.example")
    return public_url.rstrip("/")


def _link(url: str, public: str | None) -> str:
    parts = urlsplit(url)
    if public is not None:
        return f"{public}{parts.path}#{parts.fragment}"
    if parts.hostname in _LOOPBACK:
        raise Problem(
            "The gateway listens on this machine only, so no phone can reach it.",
            "Set gateway.bind to lan (with TLS), or name the address of a proxy or a tailnet in "
            "front of it with --public-url.",
            code="LOOPBACK_ONLY",
        )
    return url
