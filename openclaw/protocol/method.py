"""What the table of methods says of each: one row of it."""

from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.protocol.schema.common import NoParams


@frozen
class Method:
    """One method.

    :ivar scope: what the caller must hold; ``None``: every connection may call it.
    :ivar keyed: the params carry an idempotency key.
    :ivar control: changes who may do what, or the gateway itself: a few a minute are enough.
    :ivar or_result: a second shape of the result, where there are two.
    :ivar work: starts agent work or sends messages, so the work limit counts it.
    """

    name: str
    params: type[Any]
    result: Any
    scope: str | None
    summary: str
    keyed: bool = False
    work: bool = False
    control: bool = False
    or_result: Any = None
    decoder: msgspec.json.Decoder[Any] | None = field(init=False, repr=False, eq=False)

    @decoder.default
    def _make_decoder(self) -> msgspec.json.Decoder[Any] | None:
        """Nothing to decode for a method that takes nothing."""
        return None if self.params is NoParams else msgspec.json.Decoder(self.params)
