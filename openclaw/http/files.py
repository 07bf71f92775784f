"""Files under a root, to be sent: whatever is asked, nothing outside is opened."""

import os
from pathlib import Path

from attrs import frozen

from openclaw.storage.rooted import directory, is_name, open_file

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
        if not segments or not all(map(is_name, segments)):
            return None
        try:
            with directory(self._root, segments[:-1]) as folder:
                descriptor = open_file(folder, segments[-1])
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
        """What is in an open file; ``None`` if it is larger than we send."""
        if os.fstat(descriptor).st_size > self._max_bytes:
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(self._max_bytes)
