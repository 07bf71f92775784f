"""``openclaw message``: says something on a chat platform, or changes what was said there."""

from typing import Any
from uuid import uuid4

import click
from attrs import frozen

from openclaw.cli.connection import Connection
from openclaw.cli.given import Command, Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import print_json, say, table
from openclaw.cli.problems import Problem
from openclaw.client.errors import RequestFailed

WRITE = ["operator.write"]


def _where(command: Command) -> Command:
    for add in (
        click.option("--thread", default="", help="A thread or topic in the chat."),
        click.option("--account", default="", help="Which account [the default one]."),
        click.option("--channel", default="", help="Which channel [found by the bindings]."),
    ):
        command = add(command)
    return command


@frozen
class Where:
    """Which account and thread; empty for what is found by itself."""

    channel: str
    account: str
    thread: str


@click.group("message", cls=Group)
def command() -> None:
    """Say something on a chat platform."""


@command.command("send")
@click.option("--to", "--target", "to", required=True, help="The chat's id.")
@click.option("--message", "-m", default="", help="What to say; Markdown.")
@click.option("--media", default="", help="A file's public https address, sent along.")
@click.option("--key", default="", help="Idempotency key: the same one says it once.")
@_where
@common
@click.pass_obj
def send(
    given: Given,
    to: str,
    message: str,
    media: str,
    key: str,
    channel: str,
    account: str,
    thread: str,
) -> None:
    """Send a message, and wait until the platform has it."""
    if not message and not media:
        raise click.UsageError("say something with --message, or send a file with --media")
    params = _params(to, message, key or str(uuid4()), Where(channel, account, thread))
    if media:
        params["mediaUrl"] = media
    with Connection(given, WRITE) as gateway:
        answer = gateway.call("send", params)
    if given.as_json:
        print_json(answer)
    else:
        say(f"Sent over {answer['channel']}: {', '.join(answer['messageIds'])}", fg="green")


@command.command("broadcast")
@click.option("--targets", "--to", "targets", multiple=True, required=True, help="A chat's id.")
@click.option("--message", "-m", required=True, help="What to say; Markdown.")
@_where
@common
@click.pass_obj
def broadcast(
    given: Given, targets: tuple[str, ...], message: str, channel: str, account: str, thread: str
) -> None:
    """Send the same to several chats; each has a result of its own."""
    where = Where(channel, account, thread)
    results: list[dict[str, Any]] = []
    with Connection(given, WRITE) as gateway:
        for to in targets:
            try:
                answer = gateway.ask("send", _params(to, message, str(uuid4()), where))
                results.append({"to": to, "ok": True, **answer})
            except RequestFailed as error:
                results.append({"to": to, "ok": False, "error": error.message})
    if given.as_json:
        print_json({"results": results})
    else:
        table(
            ("to", "result"),
            [(one["to"], one.get("messageId") or one.get("error", "")) for one in results],
        )
    if not all(one["ok"] for one in results):
        raise click.exceptions.Exit(1)


@command.command("react")
@click.option("--to", "--target", "to", required=True, help="The chat's id.")
@click.option("--message-id", required=True, help="The message.")
@click.option("--emoji", default="", help="The reaction; without one ours is taken back.")
@click.option("--remove", is_flag=True, help="Take our reaction back.")
@_where
@common
@click.pass_obj
def react(
    given: Given,
    to: str,
    message_id: str,
    emoji: str,
    remove: bool,
    channel: str,
    account: str,
    thread: str,
) -> None:
    """React to a message."""
    remove = remove or not emoji
    where = Where(channel, account, thread)
    _act(given, "react", to, message_id, where, emoji=emoji, remove=remove)


@command.command("edit")
@click.option("--to", "--target", "to", required=True, help="The chat's id.")
@click.option("--message-id", required=True, help="The message; one of the assistant's.")
@click.option("--message", "-m", required=True, help="What it shall say.")
@_where
@common
@click.pass_obj
def edit(
    given: Given, to: str, message_id: str, message: str, channel: str, account: str, thread: str
) -> None:
    """Change a message of the assistant's."""
    where = Where(channel, account, thread)
    _act(given, "edit", to, message_id, where, message=message)


@command.command("delete")
@click.option("--to", "--target", "to", required=True, help="The chat's id.")
@click.option("--message-id", required=True, help="The message; one of the assistant's.")
@_where
@common
@click.pass_obj
def delete(given: Given, to: str, message_id: str, channel: str, account: str, thread: str) -> None:
    """Delete a message of the assistant's."""
    where = Where(channel, account, thread)
    _act(given, "delete", to, message_id, where)


def _params(to: str, message: str, key: str, where: Where) -> dict[str, Any]:
    params = {
        "to": to,
        "message": message,
        "idempotencyKey": key,
        "channel": where.channel,
        "accountId": where.account,
        "threadId": where.thread,
    }
    return {name: value for name, value in params.items() if value}


def _act(given: Given, action: str, to: str, message_id: str, where: Where, **more: Any) -> None:
    if not where.channel:
        raise Problem("--channel is required", "openclaw channels list shows them")
    params: dict[str, Any] = {
        "channel": where.channel,
        "action": action,
        "idempotencyKey": str(uuid4()),
        "params": {"to": to, "messageId": message_id, **more},
    }
    if where.account:
        params["accountId"] = where.account
    if where.thread:
        params["params"]["threadId"] = where.thread
    with Connection(given, WRITE) as gateway:
        answer = gateway.call("message.action", params)
    if given.as_json:
        print_json(answer)
    else:
        say(f"Done: {answer['messageId']}", fg="green")
