"""``openclaw qr``: a set-up code for a device, or a sign-in link, as a picture in the terminal."""

import io
from typing import Any
from urllib.parse import urlsplit

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, fields, print_json, say
from openclaw.cli.problems import Problem, UsageProblem

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_ADMIN = ["operator.admin"]
_ACCESS = {
    "limited": "a node, and an operator without administration",
    "node": "a node only",
}


@click.command("qr")
@click.option(
    "--public-url",
    metavar="URL",
    help="Where the device reaches the gateway: wss://gateway.example [where it listens].",
)
@click.option("--remote", is_flag=True, help="Use gateway.remote.url.")
@click.option("--limited", is_flag=True, help="A node and a limited operator [always].")
@click.option("--node", is_flag=True, help="Let the device be a node, and nothing else.")
@click.option("--setup-code-only", is_flag=True, help="Print nothing but the code.")
@click.option("--no-ascii", is_flag=True, help="Draw no picture.")
@click.option("--link", is_flag=True, help="A sign-in link to the web chat instead.")
@common
@click.pass_obj
def command(
    given: Given,
    public_url: str | None,
    remote: bool,
    limited: bool,
    node: bool,
    setup_code_only: bool,
    no_ascii: bool,
    link: bool,
) -> None:
    """Show a code with which a phone or another machine sets itself up, once, within ten minutes.

    Whoever has it is let in without another question: do not share it. With --link the picture
    opens the web chat in a browser; one that is new here then shows a code of its own, which
    `openclaw devices approve CODE` takes.
    """
    if link:
        _show_link(given, public_url, no_ascii)
        return
    if limited and node:
        raise UsageProblem("--limited and --node exclude each other")
    params: dict[str, Any] = {"includeQr": False, "preferRemoteUrl": remote}
    params["bootstrapProfile"] = "node" if node else "limited"
    if public_url is not None:
        params["publicUrl"] = public_url
    with Connection(given, _ADMIN) as gateway:
        made = gateway.call("device.pair.setupCode", params)
    if given.as_json:
        print_json(made)
    elif setup_code_only:
        click.echo(made["setupCode"])
    else:
        _show_code(made, no_ascii)


def _show_code(made: dict[str, Any], no_ascii: bool) -> None:
    if not no_ascii:
        click.echo(drawing(made["setupCode"]))
    click.echo(made["setupCode"])
    fields((("gateway", made["gatewayUrl"]), ("access", _ACCESS.get(made["access"], ""))))
    aside("Good for one device, within ten minutes. Do not share it.")


def _show_link(given: Given, public_url: str | None, no_ascii: bool) -> None:
    public = None if public_url is None else _checked(public_url)
    with Connection(given, _ADMIN) as gateway:
        link = gateway.call("dashboard.link")
    url = _link(str(link["url"]), public)
    if given.as_json:
        print_json({**link, "url": url})
        return
    if not no_ascii:
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
