"""The one resolver of files under a root: whatever is asked, nothing outside is opened."""

import os
import stat
from pathlib import Path

from attrs import frozen

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".map": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


@frozen
class Found:
    """A file that may be sent.

    :ivar content_type: by its ending; ``application/octet-stream`` for one we do not know.
    """

    content: bytes
    content_type: str


class FileRoot:
    """Files below one directory, opened step by step from its descriptor.

    No step may be empty, ``.``, ``..``, hidden or a link, so that neither a path nor a link that
    is planted later leads outside.
    """

    def __init__(self, root: Path, max_bytes: int = 32 * 1024 * 1024) -> None:
        self._root = root
        self._max_bytes = max_bytes

    def read(self, segments: list[str]) -> Found | None:
        """Read one file; ``None`` if there is none that may be sent.

        :param segments: the path below the root, decoded, one name each.
        """
        if not segments or not all(map(_is_name, segments)):
            return None
        try:
            descriptor = self._open(segments)
        except OSError:
            return None
        try:
            content = self._content(descriptor)
        finally:
            os.close(descriptor)
        if content is None:
            return None
        ending = os.path.splitext(segments[-1])[1].lower()
        return Found(content, _TYPES.get(ending, "application/octet-stream"))

    def _content(self, descriptor: int) -> bytes | None:
        """What is in an open file; ``None`` unless it is an ordinary one of a size we send."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > self._max_bytes:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(self._max_bytes)

    def _open(self, segments: list[str]) -> int:
        directory = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in segments[:-1]:
                below = os.open(
                    name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory
                )
                os.close(directory)
                directory = below
            # Not blocking: a pipe somebody put there must not hold the gateway.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            return os.open(segments[-1], flags, dir_fd=directory)
        finally:
            os.close(directory)


def _is_name(segment: str) -> bool:
    return bool(segment) and not segment.startswith(".") and not set(segment) & set("/\\\0")
