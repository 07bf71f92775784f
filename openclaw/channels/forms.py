"""Bodies of requests as forms: urlencoded, and multipart with files; pure, it reads no disk.

See https://www.rfc-editor.org/rfc/rfc7578 and, for names in headers, what browsers do:
https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

from attrs import field, frozen

_MIME = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:; ?[\w-]+=[\w!#$&^.+-]+)*", re.ASCII)
_ESCAPED = {'"': "%22", "\r": "%0D", "\n": "%0A"}
UNKNOWN_MIME = "application/octet-stream"


@frozen(kw_only=True)
class Part:
    """A field of a form whose value is a file, or text of a type of its own.

    :ivar name: of the field.
    :ivar filename: as people will see it; ``None`` for a field that is no file.
    :ivar mime: what cannot stand in a header is sent as ``application/octet-stream``.
    """

    name: str
    data: bytes = field(repr=False)
    filename: str | None = None
    mime: str = UNKNOWN_MIME


@frozen
class Form:
    """A body and the header that says how to read it."""

    content_type: str
    body: bytes = field(repr=False)


def urlencoded(fields: Mapping[str, str]) -> Form:
    """Write fields as ``a=b&c=d``, in UTF-8."""
    return Form("application/x-www-form-urlencoded", urlencode(fields).encode("ascii"))


def multipart(
    fields: Mapping[str, str], parts: Iterable[Part], random_bytes: Callable[[int], bytes]
) -> Form:
    """Write fields, then parts, in their order.

    All is copied once: 50 MB take some ten milliseconds, most of it memory.

    :param random_bytes: so many of them; 16 make a boundary that nobody can have put into a part.
    """
    boundary = f"----openclaw{random_bytes(16).hex()}"
    pieces: list[bytes] = []
    for name, value in fields.items():
        pieces += _piece(boundary, f'name="{_quotable(name)}"', "", value.encode())
    for part in parts:
        named = f'name="{_quotable(part.name)}"'
        if part.filename is not None:
            named += f'; filename="{_quotable(part.filename) or "file"}"'
        mime = part.mime if _MIME.fullmatch(part.mime) else UNKNOWN_MIME
        pieces += _piece(boundary, named, f"Content-Type: {mime}\r\n", part.data)
    pieces.append(f"--{boundary}--\r\n".encode())
    return Form(f"multipart/form-data; boundary={boundary}", b"".join(pieces))


def _piece(boundary: str, named: str, more: str, data: bytes) -> tuple[bytes, bytes, bytes]:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\n{more}\r\n"
    return head.encode("utf-8", "replace"), data, b"\r\n"


def _quotable(text: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in text)
