"""Everything the checks look at, gathered beforehand or read from disk; judges nothing."""

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from openclaw.config.listening import is_loopback
from openclaw.config.schema.fields import SecretRef
from openclaw.config.settings import Settings


@frozen(kw_only=True)
class Live:
    """What a running gateway says of itself.

    :ivar refused: refusals noted in the last hour, by address.
    :ivar devices: rows of ``device.pair.list``, paired ones.
    :ivar pending: its rows of devices that wait.
    :ivar audit_broken_at: the first entry of the audit trail that was tampered with; 0: none.
    """

    refused: Mapping[str, int] = field(factory=dict)
    devices: Sequence[Mapping[str, Any]] = ()
    pending: Sequence[Mapping[str, Any]] = ()
    audit_broken_at: int = 0


@frozen(kw_only=True)
class Facts:
    """One installation.

    :ivar uid: who runs the gateway.
    :ivar live: ``None`` if no gateway runs, or it could not be asked.
    :ivar arguments: the running gateway's command line, as everybody on the machine can list it.
    """

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    now_ms: int
    uid: int
    live: Live | None = None
    arguments: Sequence[str] = ()

    @property
    def own(self) -> Path:
        """Our part of the state directory."""
        return self.settings.places.own_dir

    @property
    def exposed(self) -> str:
        """The address that others can reach; empty if there is none."""
        return next((host for host in self.settings.hosts if not is_loopback(host)), "")

    @property
    def reachable(self) -> bool:
        """Whether anybody elsewhere can reach the gateway, by its port or through a proxy."""
        proxied = self.settings.trusted_proxies or self.settings.access.tailscale_port is not None
        return bool(self.exposed or proxied)

    def references(self) -> Iterator[tuple[str, SecretRef]]:
        """Every secret of the configuration that is a reference, with its JSON path."""
        yield from _references(self.settings.loaded.tree, "")


def mode_of(path: Path) -> int:
    """The rights of a file, 0 if it is not there or cannot be looked at."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def owner_of(path: Path) -> int | None:
    """Who a file belongs to; ``None`` if it is not there."""
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def running(own: Path) -> dict[str, Any]:
    """What ``runtime.json`` says of a gateway that runs; empty if none does."""
    try:
        info = json.loads((own / "runtime.json").read_text("utf-8"))
        os.kill(int(info["pid"]), 0)
    except PermissionError:
        return dict(info)
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(info)


def arguments_of(pid: object) -> list[str]:
    """A process's command line, where the system shows it."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\x00")
    except OSError:
        return []


def _references(value: Any, path: str) -> Iterator[tuple[str, SecretRef]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("source"), str):
            words = {name: str(value.get(name, "")) for name in ("source", "id", "path")}
            yield path, SecretRef(**words)
        for key, inner in value.items():
            yield from _references(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _references(inner, f"{path}[{index}]")
