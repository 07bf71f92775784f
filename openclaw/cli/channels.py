"""``openclaw channels``: how the accounts do; adds, changes, stops and removes them."""

from collections.abc import Mapping
from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Command, Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import ago, print_json, say, table
from openclaw.cli.problems import Problem
from openclaw.client.errors import ClientError
from openclaw.config.edit import change_file
from openclaw.config.settings import Options, find_places
from openclaw.errors import ConfigError

READ, ADMIN = ["operator.read"], ["operator.admin"]
BUILT_IN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "discord": ("Discord", ("token",)),
    "irc": ("IRC", ("host", "nick")),
    "matrix": ("Matrix", ("homeserver", "accessToken")),
    "slack": ("Slack", ("botToken", "appToken")),
    "telegram": ("Telegram", ("botToken",)),
    "webhook": ("Generic webhook", ("secret",)),
}
"""What comes with the gateway, and the keys an account of it cannot do without."""

OTHERS = "openclaw.channels"
"""The group of entry points under which other packages offer channels."""

_STATES = {"connected": "green", "degraded": "yellow", "reconnecting": "yellow", "failed": "red"}


def _one(command: Command) -> Command:
    """Name one account by options."""
    account = click.option("--account", default="", help="Which account [the default one].")
    return click.option("--channel", required=True, help="Which channel.")(account(command))


def _chosen(command: Command) -> Command:
    """Name one account by an argument, or as the original does by an option."""
    account = click.option("--account", default="", help="Which account [the default one].")
    option = click.option("--channel", "named", default="", help="The same as CHANNEL.")
    return click.argument("channel", required=False)(option(account(command)))


@click.group("channels", cls=Group)
def command() -> None:
    """Look after the chat platforms that the assistant can be reached on."""


@command.command("list")
@click.option("--all", "every", is_flag=True, help="Those that could be configured, too.")
@common
@click.pass_obj
def list_channels(given: Given, every: bool) -> None:
    """The configured accounts."""
    found = _status(given, probe=False)
    if given.as_json:
        print_json({**found, "available": sorted(BUILT_IN)} if every else found)
        return
    _show(found)
    if every:
        say()
        table(
            ("channel", "name", "configured"),
            [
                (name, label, "yes" if name in found["channelAccounts"] else "no")
                for name, (label, _) in BUILT_IN.items()
            ],
        )


@command.command("status")
@click.option("--probe", is_flag=True, help="Ask each platform for a sign of life.")
@common
@click.pass_obj
def status(given: Given, probe: bool) -> None:
    """How every account does."""
    found = _status(given, probe)
    if given.as_json:
        print_json(found)
    else:
        _show(found)
    if any(not _is_well(one) for one in _accounts(found)):
        raise click.exceptions.Exit(1)


@command.command("reload")
@click.argument("channel")
@click.option("--account", default="", help="Only this account.")
@common
@click.pass_obj
def reload(given: Given, channel: str, account: str) -> None:
    """Take up changes of one channel's configuration; no other is touched."""
    params = {"channel": channel, **({"accountId": account} if account else {})}
    with Connection(given, ADMIN) as gateway:
        answer = gateway.call("channels.reload", params)
    if given.as_json:
        print_json(answer)
    else:
        say(f"Reloaded: {', '.join(answer['accounts'])}", fg="green")


@command.command("logout")
@_one
@common
@click.pass_obj
def logout(given: Given, channel: str, account: str) -> None:
    """Stop an account until it is reloaded; its token stays in the configuration."""
    params = {"channel": channel, **({"accountId": account} if account else {})}
    with Connection(given, ADMIN) as gateway:
        answer = gateway.call("channels.logout", params)
    if given.as_json:
        print_json(answer)
        return
    say(f"{answer['channel']}/{answer['accountId']} is stopped.")
    say(f"Start it again: openclaw channels reload {channel}", dim=True)


@command.command("login")
@_one
@common
@click.pass_obj
def login(given: Given, channel: str, account: str) -> None:
    """Start an account anew and ask its platform whether it takes our credentials."""
    params = {"channel": channel, **({"accountId": account} if account else {})}
    with Connection(given, ADMIN) as gateway:
        gateway.call("channels.reload", params)
        found = gateway.call("channels.status", {"probe": True})
    rows = [
        one
        for one in found["channelAccounts"].get(channel, ())
        if account in ("", one["accountId"])
    ]
    if given.as_json:
        print_json({"channel": channel, "accounts": rows})
    else:
        for one in rows:
            _show_probe(channel, one)
    if not rows or not all(one.get("probe", {}).get("ok") for one in rows):
        raise click.exceptions.Exit(1)


@command.command("add")
@_chosen
@click.option("--bot-token", help="Its token; better: --set botToken='${NAME}'.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="A key of its own.")
@common
@click.pass_obj
def add(
    given: Given,
    channel: str | None,
    named: str,
    account: str,
    bot_token: str | None,
    assignments: tuple[str, ...],
) -> None:
    """Put an account into the configuration."""
    chosen = _known(_channel(channel or named))
    keys = BUILT_IN[chosen][1] if chosen in BUILT_IN else ()
    values: dict[str, Any] = dict(_assignment(one) for one in assignments)
    if bot_token and keys:
        values.setdefault(keys[-1] if chosen == "matrix" else keys[0], bot_token)
    missing = [key for key in keys if key not in values]
    if missing:
        raise Problem(
            f"{chosen} needs {' and '.join(missing)}",
            "Give " + " ".join(f"--set {key}=..." for key in missing),
        )

    def change(tree: dict[str, Any]) -> None:
        section = tree.setdefault("channels", {}).setdefault(chosen, {})
        place = section
        if account:
            # What stood there alone was the default account, and stays it.
            first: dict[str, Any] = {"default": {}} if section else {}
            place = section.setdefault("accounts", first).setdefault(account, {})
        place.update(values)
        place.setdefault("enabled", True)

    _write(given, change, f"{chosen}/{account or 'default'} added", chosen)


@command.command("remove")
@_chosen
@common
@click.pass_obj
def remove(given: Given, channel: str | None, named: str, account: str) -> None:
    """Take an account out of the configuration."""
    chosen = _channel(channel or named)

    def change(tree: dict[str, Any]) -> None:
        channels = tree.get("channels", {})
        place = channels.get(chosen, {}).get("accounts", {}) if account else channels
        name = account or chosen
        if name not in place:
            raise Problem(
                f"{chosen} has no account {account!r}"
                if account
                else f"{chosen} is not configured",
                "openclaw channels list",
            )
        del place[name]

    _write(given, change, f"{chosen}{'/' + account if account else ''} removed", chosen)


def _channel(chosen: str) -> str:
    if not chosen:
        raise click.UsageError("name the channel, such as: openclaw channels add telegram")
    return chosen


def _known(channel: str) -> str:
    """A channel that an account can be added to: ours, or another package's."""
    # Only this command has to look for other packages.
    from importlib.metadata import entry_points

    known = {*BUILT_IN, *(point.name for point in entry_points(group=OTHERS))}
    if channel not in known:
        raise Problem(
            f"there is no channel {channel!r}: expected one of {', '.join(sorted(known))}",
            f"Other packages offer channels as entry points of {OTHERS}; is one not installed?",
        )
    return channel


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is not KEY=VALUE")
    plain: dict[str, Any] = {"true": True, "false": False}
    return name, plain.get(value, value)


def _write(given: Given, change: Any, words: str, channel: str) -> None:
    """Change the file, and tell a running gateway, if there is one."""
    options = Options(config=given.config, state_dir=given.state_dir)
    path = find_places(options, given.environ, given.home).config_path
    try:
        kept = change_file(path, change)
    except ConfigError as error:
        raise Problem(str(error), f"Edit {path} by hand") from None
    taken = _reloaded(given, channel)
    if given.as_json:
        print_json({"config": str(path), "previous": str(kept) if kept else None, "live": taken})
        return
    say(f"{words}: {path}", fg="green")
    if not taken:
        say("Takes effect when the gateway starts.", dim=True)


def _reloaded(given: Given, channel: str) -> bool:
    try:
        with Connection(given, ADMIN) as gateway:
            gateway.call("channels.reload", {"channel": channel})
    except (ClientError, Problem):
        return False
    return True


def _status(given: Given, probe: bool) -> dict[str, Any]:
    with Connection(given, READ) as gateway:
        found: dict[str, Any] = gateway.call("channels.status", {"probe": probe})
    return found


def _accounts(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for accounts in found["channelAccounts"].values() for one in accounts]


def _is_well(one: Mapping[str, Any]) -> bool:
    probe = one.get("probe")
    return not one["enabled"] or (one["state"] == "connected" and (not probe or probe["ok"]))


def _show(found: Mapping[str, Any]) -> None:
    if found["channelOrder"] in ([], ["webchat"]):
        say("No platform is configured. Add one: openclaw channels add telegram --bot-token ...")
    if not found["channelOrder"]:
        return
    rows = []
    for channel in found["channelOrder"]:
        for one in found["channelAccounts"][channel]:
            rows.append(
                (
                    channel,
                    one["accountId"],
                    one["state"],
                    _name(one),
                    ago(one.get("lastInboundAt")),
                    ago(one.get("lastOutboundAt")),
                    one.get("lastError", ""),
                )
            )
    table(("channel", "account", "state", "name", "last in", "last out", "what is wrong"), rows)
    for channel in found["channelOrder"]:
        for one in found["channelAccounts"][channel]:
            if "probe" in one:
                _show_probe(channel, one)


def _name(one: Mapping[str, Any]) -> str:
    """What an account is called; of the web chat, how many pages are open."""
    name = str(one.get("name", ""))
    return name if "clients" not in one else f"{one['clients']} open"


def _show_probe(channel: str, one: Mapping[str, Any]) -> None:
    probe = one.get("probe", {})
    name = f"{channel}/{one['accountId']}"
    if probe.get("ok"):
        say(f"{name}: {probe.get('said', 'ok')} ({probe['elapsedMs']} ms)", fg="green")
    else:
        say(f"{name}: {probe.get('error', one.get('lastError', 'no answer'))}", fg="red")
