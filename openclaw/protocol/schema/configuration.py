"""The configuration as clients may read it: without secrets."""

from typing import Any

from openclaw.protocol.base import Wire


class ConfigIssue(Wire, frozen=True, kw_only=True):
    """Something in the configuration worth telling: where and what."""

    path: str
    message: str


class ConfigSnapshot(Wire, frozen=True, kw_only=True):
    """Result of ``config.get``; secrets read ``__OPENCLAW_REDACTED__``."""

    path: str
    exists: bool
    valid: bool
    hash: str
    raw: str | None
    parsed: dict[str, Any]
    resolved: dict[str, Any]
    source_config: dict[str, Any]
    runtime_config: dict[str, Any]
    issues: list[ConfigIssue]
