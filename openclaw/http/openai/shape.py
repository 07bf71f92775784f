"""What the objects of this API have in common; their keys are as Python writes names."""

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON object; keys that it does not name are ignored when one is read."""
