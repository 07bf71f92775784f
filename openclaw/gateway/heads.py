"""The head of a request in one reading, whoever parses it: a line ends at CRLF and nowhere else.

Autobahn splits heads with ``str.splitlines``, for which a line ends at seven more characters, 0x85
among them. Proxies pass those on inside of a value, so a client could hide a header in another one
that its proxy never saw: an ``X-Forwarded-For`` of its choice, or the name of a user.
"""

import re

_BREAKS = bytes.maketrans(b"\n\r\x0b\x0c\x1c\x1d\x1e\x85", b"?" * 8)
_NAMED = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:")  # RFC 9112, 5: no blank before the colon


def plain_head(head: bytes) -> bytes:
    """Write a head so that every parser reads the same headers in it.

    What ends a line for some parsers only is replaced, a folded line is joined to the one before
    it, and a line without a proper name is left out.

    :param head: without the empty line at its end.
    """
    first, *rest = head.split(b"\r\n")
    lines = [first.translate(_BREAKS)]
    for line in rest:
        if line[:1] in (b" ", b"\t"):
            lines[-1] += b" " + line.translate(_BREAKS).strip()
        elif _NAMED.match(line):
            lines.append(line.translate(_BREAKS))
    return b"\r\n".join(lines)


def read_headers(head: bytes) -> dict[str, str]:
    """The headers of a request head, by lowercase name; repeated ones joined by commas.

    :param head: as for :func:`plain_head`.
    """
    headers: dict[str, str] = {}
    for line in plain_head(head).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers
