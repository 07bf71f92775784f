"""Cron, approvals and questions: true while nothing of the kind can exist."""

from collections.abc import Mapping
from typing import Any

from openclaw.gateway.client import Client
from openclaw.gateway.dispatcher import Handler
from openclaw.protocol.schema.automation import (
    CronListParams,
    CronPage,
    CronStatus,
    QuestionList,
)
from openclaw.protocol.schema.common import NoParams


class AutomationMethods:
    """Empty pages in the shape clients insist on."""

    def handlers(self) -> Mapping[str, Handler]:
        """By method name."""
        return {
            "cron.status": self._cron_status,
            "cron.list": self._cron_list,
            "plugin.approval.list": self._nothing,
            "question.list": self._questions,
        }

    def _cron_status(self, client: Client, params: NoParams) -> CronStatus:
        return CronStatus(enabled=False, jobs=0, next_wake_at_ms=None)

    def _cron_list(self, client: Client, params: CronListParams) -> CronPage:
        return CronPage(
            jobs=[],
            snapshot_revision="0",
            total=0,
            offset=params.offset,
            limit=params.limit,
            has_more=False,
            next_offset=None,
        )

    def _nothing(self, client: Client, params: NoParams) -> list[Any]:
        return []

    def _questions(self, client: Client, params: NoParams) -> QuestionList:
        return QuestionList(questions=[])
