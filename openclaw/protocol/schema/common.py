"""Shapes that several domains share."""

from typing import Annotated

from msgspec import Meta

from openclaw.protocol.base import Wire

Text = Annotated[str, Meta(min_length=1)]
SessionKey = Annotated[str, Meta(min_length=1, max_length=512)]
Key = Annotated[str, Meta(min_length=1, max_length=256)]
Count = Annotated[int, Meta(ge=0)]


class NoParams(Wire, frozen=True, kw_only=True):
    """A method that takes nothing; whatever is sent is ignored."""


class Ok(Wire, frozen=True, kw_only=True):
    """It was done."""

    ok: bool = True
