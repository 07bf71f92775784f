"""Parameters of a Bot API request, in each of the ways that they may come."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from attrs import frozen


@frozen
class Upload:
    """A file in a form."""

    name: str
    mime: str
    data: bytes


def params(content_type: str, query: str, body: bytes) -> dict[str, Any]:
    """Everything that was passed; values of a form stay texts, files are :class:`Upload`."""
    found: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" and body:
        found.update(json.loads(body))
    elif kind == "application/x-www-form-urlencoded":
        found.update(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind == "multipart/form-data":
        found.update(_multipart(content_type, body))
    return found


def as_json(value: Any) -> Any:
    """A value that may have come as JSON within a text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _multipart(content_type: str, body: bytes) -> dict[str, Any]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    assert message.is_multipart(), "a form without parts"
    found: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        filename = part.get_filename()
        found[name] = (
            data.decode() if filename is None else Upload(filename, part.get_content_type(), data)
        )
    return found
