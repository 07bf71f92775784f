"""Forms with one file, as the Bot API takes them; it reads no disk."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from attrs import field, frozen


@frozen(kw_only=True)
class File:
    """A file to be sent.

    :ivar slot: the form field that the method wants it in.
    :ivar name: as people will see it.
    """

    slot: str
    name: str
    mime: str
    data: bytes = field(repr=False)


def encode(params: Mapping[str, Any], file: File) -> tuple[str, bytes]:
    """Write a form.

    :param params: texts as they are, everything else as JSON.
    :return: content type and body.
    """
    # A boundary that depends on the data: no part can hold its own digest.
    boundary = sha256(file.data + msgspec.json.encode(params)).hexdigest()
    parts = [
        _head(boundary, f'name="{name}"') + _value(value).encode() + b"\r\n"
        for name, value in params.items()
    ]
    parts.append(
        _head(
            boundary,
            f'name="{file.slot}"; filename="{_quoted(file.name)}"',
            f"Content-Type: {_line(file.mime) or 'application/octet-stream'}\r\n",
        )
        + file.data
        + b"\r\n"
    )
    parts.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def _head(boundary: str, disposition: str, more: str = "") -> bytes:
    return (f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n").encode()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _quoted(name: str) -> str:
    """A file name within quotation marks, escaped as browsers do it."""
    return _line(name).replace('"', "%22") or "file"


def _line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ").strip()
