"""``openclaw devices``: shows who may connect and who wants to, and carries out what is decided."""

from typing import Any

import click

from openclaw.cli.connection import Connection
from openclaw.cli.given import Given, common
from openclaw.cli.groups import Group
from openclaw.cli.output import ago, duration, print_json, say, table
from openclaw.cli.problems import Problem

ADMIN, PAIRING = ["operator.admin"], ["operator.pairing"]
_SHORTEST = 6
_ROLES = click.Choice(["operator", "node"])


@click.group("devices", cls=Group)
def command() -> None:
    """List the devices that may connect, and decide about those that want to."""


@command.command("list")
@common
@click.pass_obj
def list_(given: Given) -> None:
    """Paired devices, and requests that wait for approval."""
    with Connection(given, PAIRING) as gateway:
        listed = gateway.call("device.pair.list")
    if given.as_json:
        print_json(listed)
        return
    if listed.get("pending"):
        show_pending(listed["pending"])
        say()
    _show_paired(listed.get("paired", []))


@command.command("approve")
@click.argument("handle", metavar="REQUEST|CODE", required=False)
@common
@click.pass_obj
def approve(given: Given, handle: str | None) -> None:
    """Let a device in, by its request or by the code it shows; without either show what waits."""
    with Connection(given, ADMIN) as gateway:
        if handle is None:
            _preview(gateway.call("device.pair.list").get("pending", []))
        approved = gateway.call("device.pair.approve", by_handle(handle))
    if given.as_json:
        print_json(approved)
    else:
        say(f"Approved {_name(approved['device'])}: {_grant(approved['device'])}.", fg="green")


@command.command("reject")
@click.argument("request_id", metavar="REQUEST")
@common
@click.pass_obj
def reject(given: Given, request_id: str) -> None:
    """Refuse what a device asked for."""
    with Connection(given, PAIRING) as gateway:
        _done(given, gateway.call("device.pair.reject", {"requestId": request_id}), "Refused.")


@command.command("remove")
@click.argument("device")
@common
@click.pass_obj
def remove(given: Given, device: str) -> None:
    """Forget a device and cut its connections; it has to be approved again."""
    with Connection(given, ADMIN) as gateway:
        row = _find(gateway, device)
        removed = gateway.call("device.pair.remove", {"deviceId": row["deviceId"]})
    _done(given, removed, f"Removed {_name(row)}.")


@command.command("rename")
@click.argument("device")
@click.argument("label")
@common
@click.pass_obj
def rename(given: Given, device: str, label: str) -> None:
    """Give a device a name of your own."""
    with Connection(given, ADMIN) as gateway:
        row = _find(gateway, device)
        params = {"deviceId": row["deviceId"], "label": label}
        _done(given, gateway.call("device.pair.rename", params), f"{_name(row)} is now {label}.")


@command.command("rotate")
@click.argument("device")
@click.option("--role", type=_ROLES, help="Which of its tokens; needed if it has several.")
@click.option("--scope", "scopes", multiple=True, help="Keep only this right; repeatable.")
@common
@click.pass_obj
def rotate(given: Given, device: str, role: str | None, scopes: tuple[str, ...]) -> None:
    """Make a device's token void; it fetches a new one when it connects with the gateway's."""
    with Connection(given, ADMIN) as gateway:
        row = _find(gateway, device)
        params: dict[str, Any] = {"deviceId": row["deviceId"], "role": _role(row, role)}
        if scopes:
            params["scopes"] = list(scopes)
        rotated = gateway.call("device.token.rotate", params)
    _done(given, rotated, f"The old token of {_name(row)} is void.")


@command.command("revoke")
@click.argument("device")
@click.option("--role", type=_ROLES, help="Which of its tokens; needed if it has several.")
@common
@click.pass_obj
def revoke(given: Given, device: str, role: str | None) -> None:
    """Take a device's role away and cut its connections; it has to be approved again."""
    with Connection(given, ADMIN) as gateway:
        row = _find(gateway, device)
        params = {"deviceId": row["deviceId"], "role": _role(row, role)}
        revoked = gateway.call("device.token.revoke", params)
    _done(given, revoked, f"{_name(row)} may no longer connect as {params['role']}.")


def by_handle(handle: str | None) -> dict[str, str]:
    """Params that name a request by its id, which has the form of a UUID, or by its code."""
    text = (handle or "").strip()
    return {"requestId": text} if len(text) == 36 else {"code": text}


def show_pending(pending: list[dict[str, Any]]) -> None:
    """Print the requests of devices, with what an approval would grant."""
    import time

    now_ms = time.time() * 1000
    table(
        ("waiting request", "device", "wants", "from", "goes in"),
        [
            (
                row.get("requestId", ""),
                _name(row),
                _grant(row),
                row.get("remoteIp", ""),
                duration((row["expiresAtMs"] - now_ms) / 1000) if "expiresAtMs" in row else "",
            )
            for row in pending
        ],
    )


def _preview(pending: list[dict[str, Any]]) -> None:
    """Show what waits; nothing is approved that was not named."""
    if not pending:
        raise Problem("No device waits for approval.", code="NOTHING_PENDING")
    show_pending(pending)
    raise Problem(
        "Nothing was approved.",
        f"Name the request: openclaw devices approve {pending[-1].get('requestId', '')}",
        code="REQUEST_NEEDED",
    )


def _done(given: Given, answer: Any, words: str) -> None:
    if given.as_json:
        print_json(answer)
    else:
        say(words)


def _find(gateway: Connection, wanted: str) -> dict[str, Any]:
    """The paired device with this id, the beginning of it, or this name."""
    rows: list[dict[str, Any]] = gateway.call("device.pair.list").get("paired", [])
    start = wanted.lower() if len(wanted) >= _SHORTEST else "\0"
    found = [row for row in rows if row["deviceId"].startswith(start) or _name(row) == wanted] or [
        row for row in rows if row["deviceId"] == wanted
    ]
    if len(found) == 1:
        return found[0]
    problem = "Several devices are" if found else "No paired device is"
    raise Problem(
        f"{problem} called {wanted!r}.",
        "Name it by its id, or the first characters of it: openclaw devices list",
        code="DEVICE_UNKNOWN",
    )


def _role(row: dict[str, Any], role: str | None) -> str:
    """The role that is meant: the only one it has, unless one was named."""
    held = [token["role"] for token in row.get("tokens", [])]
    if role is None and len(held) == 1:
        return str(held[0])
    if role is None:
        raise Problem(
            f"{_name(row)} has {len(held)} roles.", "Name one with --role.", code="ROLE_NEEDED"
        )
    return role


def _show_paired(paired: list[dict[str, Any]]) -> None:
    if not paired:
        say("No paired devices.")
        return
    table(
        ("device", "id", "role", "rights", "last seen"),
        [
            (
                _name(row),
                row["deviceId"][:12],
                row.get("role", ""),
                _rights(row),
                "connected" if row.get("connected") else ago(row.get("lastSeenAtMs")),
            )
            for row in paired
        ],
    )


def _name(row: dict[str, Any]) -> str:
    names = (row.get(key) for key in ("operatorLabel", "displayName", "clientId", "deviceId"))
    return str(next(filter(None, names), ""))


def _grant(row: dict[str, Any]) -> str:
    role = row.get("role", "")
    return role if role == "node" else _rights(row)


def _rights(row: dict[str, Any]) -> str:
    return ", ".join(scope.removeprefix("operator.") for scope in row.get("scopes", ())) or "none"
