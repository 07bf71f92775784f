"""Forms with one file, as the Bot API takes them; it reads no disk."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.channels.forms import Form, Part, multipart


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


def encode(params: Mapping[str, Any], file: File, random_bytes: Callable[[int], bytes]) -> Form:
    """Write a form.

    :param params: texts as they are, everything else as JSON.
    :param random_bytes: for the boundary; see :func:`openclaw.channels.forms.multipart`.
    """
    fields = {name: _value(value) for name, value in params.items()}
    # People see the name: a line's end becomes a space there, where others would write %0A.
    name = file.name.replace("\r", " ").replace("\n", " ").strip()
    part = Part(name=file.slot, data=file.data, filename=name, mime=file.mime)
    return multipart(fields, [part], random_bytes)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
