"""The contract of channels, which is part of what authors of channels get."""

from openclaw.testing.contract import (
    CODE,
    EVERYTHING,
    SECONDS,
    WholeCase,
    WholeContract,
)

__all__ = (
    "CODE",
    "EVERYTHING",
    "SECONDS",
    "WholeCase",
    "WholeContract",
)
