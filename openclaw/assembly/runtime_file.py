"""``runtime.json``: where the running gateway can be found, for tools on the same machine."""

import os
from pathlib import Path

from msgspec import json

from openclaw.protocol.base import Wire


class RuntimeInfo(Wire, frozen=True, kw_only=True):
    """What is in the file.

    :ivar fingerprints: the certificates to expect, where the port speaks TLS.
    """

    pid: int
    port: int
    host: str
    url: str
    config_hash: str
    started_at_ms: int
    version: str
    fingerprints: tuple[str, ...] = ()


class RuntimeFile:
    """Written when the gateway is ready, removed when it stops, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, info: RuntimeInfo) -> None:
        """Replace the file; only its owner may read it."""
        fresh = self._path.with_suffix(f".{info.pid}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.encode(info) + b"\n")
        fresh.replace(self._path)

    def remove(self, pid: int) -> None:
        """Remove the file if it is still this process's."""
        try:
            info = json.decode(self._path.read_bytes(), type=RuntimeInfo)
            if info.pid == pid:
                self._path.unlink()
        except (OSError, ValueError):
            return
