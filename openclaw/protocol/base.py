"""What all wire types share: the struct base, the encoder, the absent value."""

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

__all__ = ["UNSET", "Raw", "UnsetType", "Wire", "encode", "to_plain"]


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    """One object on the wire; Python names are snake_case, JSON keys camelCase.

    A field that may be absent is typed ``T | UnsetType = UNSET`` and is then left out: official
    clients drop frames that carry ``null`` where nothing was meant.
    """


_encoder = msgspec.json.Encoder()

encode = _encoder.encode


def to_plain(value: object) -> Any:
    """Turn wire structs into dicts and lists, for golden tests and generic readers."""
    return msgspec.json.decode(encode(value))
