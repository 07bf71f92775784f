"""``openclaw pairing``: lets in who shows a code, a device or somebody in a chat."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.devices import ADMIN, PAIRING, by_handle, show_pending
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import duration, print_json, say, table


@click.group("pairing", cls=Group)
def command() -> None:
    """Let in devices and chat senders by the code they show."""


@command.command("list")
@click.option("--channel", help="Only the senders of this channel.")
@common
@click.pass_obj
def list_(given: Given, channel: str | None) -> None:
    """Who waits to be let in."""
    with Connection(given, PAIRING) as gateway:
        listed = gateway.call("pairing.list", {"channel": channel} if channel else {})
    if given.as_json:
        print_json(listed)
        return
    senders, devices = listed.get("senders", []), listed.get("devices", [])
    if senders:
        _show_senders(senders)
    if senders and devices:
        say()
    if devices:
        show_pending(devices)
    if not senders and not devices:
        say("Nobody waits.")


@command.command("approve")
@click.argument("words", nargs=-1, required=True, metavar="[CHANNEL] CODE|REQUEST")
@click.option("--channel", help="Look only among the senders of this channel.")
@common
@click.pass_obj
def approve(given: Given, words: tuple[str, ...], channel: str | None) -> None:
    """Let in who shows this code; a device also by the id of its request."""
    handle, channel = _code_and_channel(words, channel)
    named = by_handle(handle)
    with Connection(given, ADMIN) as gateway:
        if "requestId" in named:
            approved = gateway.call("device.pair.approve", named)
        else:
            params = {**named, "channel": channel} if channel else named
            approved = gateway.call("pairing.approve", params)
    if given.as_json:
        print_json(approved)
    else:
        say(f"Approved {_who(approved)}.", fg="green")


def _code_and_channel(words: tuple[str, ...], channel: str | None) -> tuple[str, str | None]:
    """What is to be approved; people in chats are told to put the channel before the code."""
    if len(words) == 1:
        return words[0], channel
    if len(words) > 2 or channel not in (None, words[0]):
        raise click.UsageError("Expected one code, with at most one channel before it.")
    return words[1], words[0]


def _who(approved: dict[str, Any]) -> str:
    sender = approved.get("sender")
    if sender:
        name = sender.get("displayName") or sender.get("senderId", "")
        return f"{name} on {sender.get('channel', '')}"
    device = approved.get("device", {})
    return str(device.get("displayName") or device.get("clientId") or device.get("deviceId", ""))


def _show_senders(senders: list[dict[str, Any]]) -> None:
    import time

    now_ms = time.time() * 1000
    table(
        ("channel", "account", "sender", "name", "code good for"),
        [
            (
                row.get("channel", ""),
                row.get("account", ""),
                row.get("senderId", ""),
                row.get("displayName", ""),
                duration((row.get("expiresAtMs", now_ms) - now_ms) / 1000),
            )
            for row in senders
        ],
    )
