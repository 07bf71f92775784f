"""The link for tests of one platform, which is part of what authors of channels get."""

from openclaw.testing.link import (
    KeptState,
    RecordingLink,
)

__all__ = (
    "KeptState",
    "RecordingLink",
)
