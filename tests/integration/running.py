"""Whole gateways as processes, as authors of channels run them; the model is the tests' own."""

from pathlib import Path

from openclaw.testing import running
from openclaw.testing.running import (
    ROOT,
    TOKEN,
    Answer,
    Ended,
    Place,
    Running,
    ask,
    fetch,
    model_configuration,
    reactor,
    run,
    status_of,
)

__all__ = (
    "ROOT",
    "TOKEN",
    "Answer",
    "Ended",
    "Place",
    "Running",
    "ask",
    "fetch",
    "model_configuration",
    "model_stand_in",
    "reactor",
    "run",
    "status_of",
)


async def model_stand_in(directory: Path) -> tuple[Running, int]:
    """Start the stand-in that misbehaves on request; see :mod:`tests.standins.model`."""
    return await running.model_stand_in(directory, "tests.standins.model")
