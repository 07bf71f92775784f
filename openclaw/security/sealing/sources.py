"""Where keys are kept: a file of their own, or wherever the configuration says. Seals nothing."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from openclaw.errors import ConfigError, KeyMissing
from openclaw.security.sealing.keys import Key, new_key, read_keys

_JOURNAL, _SESSIONS = "the sealed journal", "sealed exports of sessions"
_HEAD = (
    "# Keys of {what}; the first one seals, all of them open.\n"
    "# Without them it is lost: keep a copy in another place than the backups.\n"
)


class KeySource(Protocol):
    """Where keys come from; its methods may wait for a disk."""

    where: str
    renewable: bool

    def read(self) -> tuple[Key, ...]:
        """All keys, the one in use first; empty if there never were any."""

    def make(self, random_bytes: Callable[[int], bytes]) -> tuple[Key, ...]:
        """Make the first key."""

    def write(self, keys: Sequence[Key]) -> None:
        """Replace all keys; it has happened when this returns, or not at all."""


class KeyFile:
    """A file that only its owner reads.

    :ivar where: what to call it in messages.
    :ivar renewable: whether the gateway may put another key there.
    """

    renewable = True
    what = _JOURNAL

    def __init__(self, path: Path) -> None:
        self._path = path
        self.where = str(path)

    def read(self) -> tuple[Key, ...]:
        """All keys, the one in use first; empty if there is no file."""
        try:
            text = self._path.read_text("ascii")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot be read: {error}", self.where) from None
        self._tighten()
        return read_keys(text, self.where)

    def make(self, random_bytes: Callable[[int], bytes]) -> tuple[Key, ...]:
        """Make the first key."""
        keys = (new_key(random_bytes),)
        self.write(keys)
        return keys

    def write(self, keys: Sequence[Key]) -> None:
        """Replace all keys at once."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_HEAD.format(what=self.what) + "".join(f"{key.text()}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _tighten(self) -> None:
        if self._path.stat().st_mode & 0o077:
            self._path.chmod(0o600)


class SessionKeyFile(KeyFile):
    """The same for exported sessions; nothing but its owner ever takes a key out of it."""

    what = _SESSIONS


class GivenKeys:
    """Keys from the environment, a keyring or a secret's file, read at the start.

    :param text: what was found there.
    """

    renewable = False

    def __init__(self, text: str, where: str) -> None:
        self._keys = read_keys(text, where)
        self.where = where

    def read(self) -> tuple[Key, ...]:
        """All keys, the one in use first."""
        return self._keys

    def make(self, random_bytes: Callable[[int], bytes]) -> tuple[Key, ...]:
        """Never called: there is always a key."""
        raise KeyMissing(f"{self.where} holds no key")

    def write(self, keys: Sequence[Key]) -> None:
        """Do nothing: what is there is its owner's."""
