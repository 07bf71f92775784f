"""An agent's workspace: its files by path, below one directory and never outside. Blocks."""

import os
import stat
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from openclaw.interfaces.tools import ToolFailed
from openclaw.storage.files import private_directory
from openclaw.storage.rooted import directory, is_name, open_file

MOST_BYTES = 10 << 20
MOST_NAMES = 1_000
FILE_MODE = 0o600


@frozen
class Entry:
    """One name in a directory; ``size`` in bytes, of files."""

    name: str
    kind: str
    size: int = 0


class Workspace:
    """The files of one agent.

    Paths are relative, with ``/``; hidden names, links, and whatever is no ordinary file are not
    there for it. A file that has a second name (a hard link) is not either, as that other name may
    be outside.

    :param root: made when it is first needed.
    :param make_id: names files while they are written.
    """

    def __init__(self, root: Path, make_id: Callable[[], str]) -> None:
        self.root = root
        self._make_id = make_id

    def read(self, path: str) -> bytes:
        """Read a whole file.

        :raises ToolFailed: says why it cannot be read.
        """
        *folders, name = self._names(path)
        try:
            with directory(self.root, folders) as folder:
                descriptor = open_file(folder, name)
        except OSError:
            raise ToolFailed(
                f"there is no file {path!r} in the workspace; ls shows what is"
            ) from None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_nlink > 1:
                raise ToolFailed(f"{path!r} has a second name elsewhere (a hard link): not read")
            if status.st_size > MOST_BYTES:
                raise ToolFailed(f"{path!r} has {status.st_size} bytes, more than {MOST_BYTES}")
            return file.read(MOST_BYTES)

    def write(self, path: str, content: bytes) -> bool:
        """Write a whole file, its directories included; it is there entirely or not at all.

        :return: whether it is a new one.
        :raises ToolFailed: says why it cannot be written.
        """
        *folders, name = self._names(path)
        if len(content) > MOST_BYTES:
            raise ToolFailed(f"{len(content)} bytes are more than a file may have: {MOST_BYTES}")
        try:
            private_directory(self.root)
            with directory(self.root, folders, make=True) as folder:
                return self._replace(folder, name, content, path)
        except OSError as error:
            raise ToolFailed(f"{path!r} cannot be written: {error.strerror or error}") from None

    def entries(self, path: str) -> list[Entry]:
        """List a directory, by name; at most :data:`MOST_NAMES`.

        :raises ToolFailed: there is no such directory.
        """
        names = [] if path.strip() in ("", ".", "./", "/") else self._names(path)
        try:
            if not names:
                private_directory(self.root)
            with directory(self.root, names) as folder:
                found = sorted(filter(is_name, os.listdir(folder)))[:MOST_NAMES]
                entries = [_entry(folder, name) for name in found]
        except OSError:
            raise ToolFailed(f"there is no directory {path!r} in the workspace") from None
        return [one for one in entries if one is not None]

    def _names(self, path: str) -> list[str]:
        """The path, name by name."""
        names = path.removeprefix("./").split("/")
        if not all(map(is_name, names)) or not all(map(_is_plain, names)):
            raise ToolFailed(
                f"{path[:200]!r} is no path in the workspace: expected names joined by /, relative "
                "to it, none of them hidden, . or .."
            )
        return names

    def _replace(self, folder: int, name: str, content: bytes, path: str) -> bool:
        """Write beside it and put it in place, so that nobody reads half of it."""
        new = not _exists(folder, name, path)
        beside = f".{self._make_id()}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(beside, flags, FILE_MODE, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside, dir_fd=folder)
            raise
        return new


def _exists(folder: int, name: str, path: str) -> bool:
    """Whether an ordinary file of that name is there."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(status.st_mode):
        raise ToolFailed(f"{path!r} is no ordinary file: it is left as it is")
    return True


def _entry(folder: int, name: str) -> Entry | None:
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISDIR(status.st_mode):
        return Entry(name, "directory")
    return Entry(name, "file", status.st_size) if stat.S_ISREG(status.st_mode) else None


def _is_plain(name: str) -> bool:
    """Whether a name is what it looks like: no control character, no letter that folds to a dot."""
    return unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFC", name) and not any(
        unicodedata.category(letter).startswith("C") for letter in name
    )
