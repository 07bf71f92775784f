"""The numbers that requests may name, for both endpoints that start runs."""

from typing import Annotated

from msgspec import Meta

MOST_TOKENS = 2**31 - 1

Tokens = Annotated[int, Meta(ge=1, le=MOST_TOKENS)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Share = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
StopText = Annotated[str, Meta(min_length=1, max_length=1000)]
