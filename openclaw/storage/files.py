"""Files only we may read, and the lock that keeps a second process out; knows no SQL."""

import fcntl
import os
from pathlib import Path

from openclaw.errors import StoreError


def private_directory(path: Path) -> None:
    """Create the directory and its missing parents with mode 0700; leave existing ones alone."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def private_file(path: Path) -> None:
    """Make sure the file exists with mode 0600; SQLite gives its side files the same mode."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


class FileLock:
    """Keep other processes away from a file, until release or the end of this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock and write our process id into it.

        :raises StoreError: another process, named in the message, has it.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreError(
                f"the journal {self._path.with_suffix('')} is in use by process {holder}; "
                "stop that one first"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others in. The file stays: unlinking it would let two processes hold 'the' lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
