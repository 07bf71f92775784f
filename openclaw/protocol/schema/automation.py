"""Cron, approvals and questions: the pages that exist before anything can be in them."""

from typing import Annotated, Any

from msgspec import Meta

from openclaw.protocol.base import UNSET, UnsetType, Wire
from openclaw.protocol.schema.common import Count


class CronStatus(Wire, frozen=True, kw_only=True):
    """Result of ``cron.status``; ``next_wake_at_ms`` is ``null`` when nothing is scheduled."""

    enabled: bool
    jobs: int
    next_wake_at_ms: int | None


class CronListParams(Wire, frozen=True, kw_only=True):
    """Params of ``cron.list``."""

    include_disabled: bool = False
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    offset: Count = 0
    query: str | UnsetType = UNSET


class CronPage(Wire, frozen=True, kw_only=True):
    """Result of ``cron.list``; clients want every one of these fields."""

    jobs: list[Any]
    snapshot_revision: str
    total: int
    offset: int
    limit: int
    has_more: bool
    next_offset: int | None


class QuestionList(Wire, frozen=True, kw_only=True):
    """Result of ``question.list``."""

    questions: list[Any]
