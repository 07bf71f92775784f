"""Sessions as files: written part by part as the gateway hands them out, and opened again."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.output import aside, print_json, say
from openclaw.cli.problems import Problem

_HEAD = "sealed-session"
_out = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write there, for you alone to read [standard output].",
)


@click.command("export")
@click.argument("key")
@_out
@common
@click.pass_obj
def export(given: Given, key: str, out: Path | None) -> None:
    """Write a conversation to a file, sealed if security.encryption.session says so."""
    with Connection(given, ["operator.read"]) as gateway, _target(out) as file:
        sealed = _write_parts(gateway, key, file)
    _tell(given, out, f"Exported {key}", {"sealed": sealed})
    if sealed == "none" and out is not None and not given.as_json:
        aside("It is in plain text; security.encryption.session seals the next one.")


@click.command("unseal")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_out
@common
@click.pass_obj
def unseal(given: Given, file: Path, out: Path | None) -> None:
    """Open a sealed export with the gateway's key."""
    export_id, parts = _read_sealed(file)
    with Connection(given, ["operator.admin"]) as gateway, _target(out) as target:
        for number, data in enumerate(parts):
            last = number + 1 == len(parts)
            params = {"exportId": export_id, "part": number, "last": last, "data": data}
            target.write(gateway.call("sessions.unseal", params)["text"])
    _tell(given, out, f"Opened {file}", {})


def _write_parts(gateway: Connection, key: str, file: IO[str]) -> str:
    """Write all parts as they come; tells how they are sealed."""
    params: dict[str, Any] = {"key": key}
    while True:
        part = gateway.call("sessions.export", params)
        if part["sealed"] == "none":
            file.write(part["data"])
        else:
            if part["part"] == 0:
                names = {"exportId": part["exportId"], "algorithm": part["sealed"]}
                file.write(json.dumps({"type": _HEAD, "version": 1, **names}) + "\n")
            file.write(part["data"] + "\n")
        if "cursor" not in part:
            return str(part["sealed"])
        params["cursor"] = part["cursor"]


def _read_sealed(file: Path) -> tuple[str, list[str]]:
    """The export's id and its parts."""
    try:
        head, *parts = file.read_text("ascii").splitlines()
        found = json.loads(head)
    except (ValueError, UnicodeDecodeError):
        found, parts = None, []
    if not isinstance(found, dict) or found.get("type") != _HEAD or not parts:
        raise Problem(
            f"{file} is no sealed export.",
            "Name a file that `openclaw sessions export` wrote while security.encryption.session "
            "was set; others are in plain text.",
            code="NOT_SEALED",
        )
    if found.get("version") != 1:
        raise Problem(
            f"{file} has version {found.get('version')}, and only 1 is known here.",
            "Bring the command line to the release that wrote it: openclaw version",
            code="VERSION_UNKNOWN",
        )
    return str(found.get("exportId")), parts


@contextmanager
def _target(out: Path | None) -> Iterator[IO[str]]:
    """Where to write; a file appears whole and under its name, or not at all."""
    if out is None:
        yield sys.stdout
        return
    if out.exists():
        raise Problem(f"{out} exists already.", "Name another file.", code="FILE_EXISTS")
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Problem(
            f"Cannot write {out}: {error.strerror}.", "Name another file.", code="NOT_WRITABLE"
        ) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        os.link(draft, out)
    except FileExistsError:
        raise Problem(f"{out} exists already.", "Name another file.", code="FILE_EXISTS") from None
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _tell(given: Given, out: Path | None, done: str, facts: dict[str, Any]) -> None:
    if out is None:
        return
    if given.as_json:
        print_json({"path": str(out), **facts})
    else:
        say(f"{done} to {out}.", fg="green")
