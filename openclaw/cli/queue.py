"""``openclaw queue``: what waits, what runs, what is dead; retries and discards dead letters."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import duration, fields, print_json, say, table

READ, ADMIN = ["operator.read"], ["operator.admin"]
_COLUMNS = ("ready", "delayed", "running", "dead", "unknown", "lanes")


@click.group("queue", cls=Group)
def command() -> None:
    """Look at the messages on their way, and decide about those that could not be delivered."""


@command.command("status")
@click.option("--dead-letter", is_flag=True, help="List the dead letters, each with its cause.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="How many of them [100].")
@common
@click.pass_obj
def status(given: Given, dead_letter: bool, limit: int) -> None:
    """How full the queues are."""
    params = {"deadLetter": dead_letter, "limit": limit}
    with Connection(given, READ) as gateway:
        found = gateway.call("queue.status", params)
    if given.as_json:
        print_json(found)
        return
    if dead_letter:
        _show_letters(found.get("deadLetters", []))
        return
    _show_queues(found["queues"])
    if any(row["dead"] + row["unknown"] for row in found["queues"]):
        say("Dead letters: openclaw queue status --dead-letter", dim=True)
    _show_limits(found)


@command.command("stats")
@click.option("--detailed", is_flag=True, help="Each queue by itself, too.")
@common
@click.pass_obj
def stats(given: Given, detailed: bool) -> None:
    """What went through the queues since the gateway started."""
    with Connection(given, READ) as gateway:
        found = gateway.call("queue.stats", {"detailed": detailed})
    if given.as_json:
        print_json(found)
        return
    total = found["total"]
    fields(
        [
            ("backend", found["backend"] + ("" if found["durable"] else ", lost at a stop")),
            *((name, str(total[name])) for name in _COLUMNS),
            ("oldest waits for", _age(total["oldestAgeMs"])),
            *((f"{name} since the start", str(count)) for name, count in found["counters"].items()),
        ]
    )
    if detailed:
        say()
        _show_queues(found.get("queues", []))
    _show_limits(found)


@command.command("inspect")
@click.option("--limit", type=click.IntRange(1, 1000), default=10, help="How many [10].")
@click.option("--queue", "name", default="", help="Only this queue: in, or out:CHANNEL:ACCOUNT.")
@click.option("--lane", default="", help="Only this lane: a session key, for the inbox.")
@click.option("--after", type=click.IntRange(0), default=0, help="What comes after this position.")
@click.option("--dead-letter", is_flag=True, help="Dead letters instead of what waits.")
@common
@click.pass_obj
def inspect(given: Given, limit: int, name: str, lane: str, after: int, dead_letter: bool) -> None:
    """Messages one by one, the oldest first; of each text only the beginning."""
    params: dict[str, Any] = {"limit": limit, "after": after, "deadLetter": dead_letter}
    params |= {key: value for key, value in (("queue", name), ("lane", lane)) if value}
    with Connection(given, READ) as gateway:
        found = gateway.call("queue.inspect", params)
    if given.as_json:
        print_json(found)
    elif dead_letter:
        _show_letters(found["messages"])
    else:
        _show_messages(found["messages"], limit)


@command.command("retry")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@click.pass_obj
def retry(given: Given, ids: tuple[str, ...]) -> None:
    """Put dead letters back; one whose outcome is unknown may then be delivered twice."""
    _decide(given, "queue.retry", ids, "Put back")


@command.command("discard")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@common
@click.pass_obj
def discard(given: Given, ids: tuple[str, ...]) -> None:
    """Forget dead letters for good."""
    _decide(given, "queue.discard", ids, "Discarded")


def _decide(given: Given, method: str, ids: tuple[str, ...], words: str) -> None:
    with Connection(given, ADMIN) as gateway:
        answer = gateway.call(method, {"ids": list(ids)})
    if given.as_json:
        print_json(answer)
    else:
        if answer["done"]:
            say(f"{words}: {', '.join(answer['done'])}", fg="green")
        for one in answer["missing"]:
            say(f"No dead letter has the id {one}.", err=True, fg="red")
    if answer["missing"]:
        raise click.exceptions.Exit(1)


def _show_queues(rows: list[dict[str, Any]]) -> None:
    if not rows:
        say("No message has come yet.")
        return
    table(
        ("queue", *_COLUMNS, "oldest waits for"),
        [
            (row["queue"], *(str(row[name]) for name in _COLUMNS), _age(row["oldestAgeMs"]))
            for row in rows
        ],
    )


def _show_messages(rows: list[dict[str, Any]], limit: int) -> None:
    if not rows:
        say("Nothing waits.")
        return
    table(
        ("id", "queue", "lane", "state", "attempts", "age", "text"),
        [
            (
                row["id"],
                row["queue"],
                row["lane"],
                row["state"],
                str(row["attempts"]),
                duration(row["ageMs"] / 1000),
                row.get("preview", ""),
            )
            for row in rows
        ],
    )
    if len(rows) == limit:
        say(f"More, if there are: --after {rows[-1]['position']}", dim=True)


def _show_letters(rows: list[dict[str, Any]]) -> None:
    if not rows:
        say("No dead letters.")
        return
    for row in rows:
        colour = "yellow" if row["state"] == "unknown" else "red"
        say(row["id"], bold=True)
        say(
            f"  {row['state']} for {duration(row['ageMs'] / 1000)}, {row['attempts']} attempts,"
            f" {row['queue']}, {row['lane']}",
            fg=colour,
        )
        for line in row.get("reason", "").split("\n"):
            say(f"  {line}")
        if row.get("preview"):
            say(f"  “{row['preview']}”", dim=True)
    say("Then: openclaw queue retry ID..., or openclaw queue discard ID...", dim=True)


def _show_limits(found: dict[str, Any]) -> None:
    for words in found.get("limits", ()):
        say(f"Note: {words}", dim=True)


def _age(milliseconds: int) -> str:
    return duration(milliseconds / 1000) if milliseconds else "-"
