"""The one way down from a directory: name by name from its descriptor, through no link."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

DIRECTORY_MODE = 0o700
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST = 255


def is_name(segment: str) -> bool:
    """Whether it is the name of a file or directory that may be looked at: none that is hidden."""
    return (
        bool(segment)
        and not segment.startswith(".")
        and not set(segment) & set("/\\\0")
        and len(segment.encode("utf-8", "surrogatepass")) <= _LONGEST
    )


@contextmanager
def directory(root: Path, names: Sequence[str], make: bool = False) -> Iterator[int]:
    """Open a directory below a root, for as long as the block lasts.

    :param names: each of them, :func:`is_name` says, is one.
    :param make: make those that are missing.
    :raises OSError: there is none, or a link stands in the way.
    """
    descriptor = os.open(root, _DIRECTORY)
    try:
        for name in names:
            below = _step(descriptor, name, make)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(descriptor: int, name: str) -> int:
    """Open an ordinary file of a directory to read it; whoever calls closes it.

    :raises OSError: there is none: no file, a link, a device, a pipe, a directory.
    """
    # Not blocking: a pipe somebody put there must not hold the gateway.
    found = os.open(name, _READ, dir_fd=descriptor)
    if stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    raise OSError(f"{name} is no ordinary file")


def _step(descriptor: int, name: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(name, DIRECTORY_MODE, dir_fd=descriptor)
    return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
