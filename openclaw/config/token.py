"""The gateway token's own file: made once, read back, replaced on request; compares nothing."""

import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

from openclaw.errors import ConfigError, StartError

TOKEN_BYTES = 32
_LONGEST = 4096


def read_token(path: Path) -> str | None:
    """Read the token file.

    :return: the token, or ``None`` if there is no file.
    :raises ConfigError: if the file cannot be read or does not hold exactly one token.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot read the gateway token {path}: {error.strerror}") from error
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not line.strip():
        raise _spoiled(path, "is blank")
    if b"\n" in line or b"\r" in line:
        raise _spoiled(path, "has more than one line")
    if len(raw) > _LONGEST or not line.isascii() or any(byte <= 32 for byte in line):
        raise _spoiled(path, "does not hold a token")
    return line.decode("ascii")


def read_or_make_token(path: Path, random: Callable[[int], bytes]) -> str:
    """Read the token file; make it, and its directory, if there is none.

    Two processes that start together agree: one makes the file, both read it.

    :param random: gives that many unguessable bytes, as ``os.urandom``.
    :return: 43 characters of base64url for a new token.
    :raises StartError: if the file can be neither read nor made.
    """
    token = read_token(path)
    if token is not None:
        _tighten(path, 0o600)
        return token
    try:
        _make_private(path.parent)
        _create(path, _new(random))
    except OSError as error:
        raise StartError(f"cannot make the gateway token {path}: {error.strerror}") from error
    made = read_token(path)
    if made is None:
        raise StartError(f"the gateway token {path} vanished while it was made")
    return made


def replace_token(path: Path, random: Callable[[int], bytes]) -> str:
    """Put a new token in the place of the old one; it has happened when this returns, or not.

    :param random: as for :func:`read_or_make_token`.
    :raises OSError: it could not be written; the old one is still there.
    """
    token = _new(random)
    draft = _drafted(path, token)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)
    return token


def _new(random: Callable[[int], bytes]) -> str:
    return urlsafe_b64encode(random(TOKEN_BYTES)).decode().rstrip("=")


def _create(path: Path, token: str) -> None:
    """Put a whole file in place, or leave the one that somebody else put there first."""
    draft = _drafted(path, token)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _drafted(path: Path, token: str) -> Path:
    """Write a token beside its place, so that nobody ever reads half of one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(token.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _make_private(directory: Path) -> None:
    """Make a directory and what is missing above it, for the owner only."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    _tighten(directory, 0o700)


def _tighten(path: Path, mode: int) -> None:
    """Take rights from others; a file system without rights, or another owner, is left alone."""
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(mode)
    except OSError:
        return


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows opens no directory.
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _spoiled(path: Path, fault: str) -> ConfigError:
    return ConfigError(
        f"the gateway token {path} {fault}; "
        "delete the file to have a new one made at the next start"
    )
