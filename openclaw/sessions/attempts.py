"""Counts how often an input was started, so that one which ends the process is not tried for ever.

Only inputs that an earlier process left are counted: a first start costs no write.
"""

from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.conversations import Input, IRunner
from openclaw.interfaces.storage import IStore
from openclaw.sessions.journal.inputs import mark_attempt


@implementer(IRunner)
class CountedRunner:
    """Hands inputs on; that one starts again is on disk before it does."""

    _log = Logger()

    def __init__(self, runner: IRunner, store: IStore) -> None:
        self._runner = runner
        self._store = store
        self._left_over: set[str] = set()

    def count(self, entry: Input) -> None:
        """Count the next start of an input."""
        self._left_over.add(entry.run_id)

    @deferred
    async def run(self, entry: Input) -> None:
        """See :meth:`IRunner.run`."""
        if entry.run_id in self._left_over:
            self._left_over.discard(entry.run_id)
            try:
                await self._store.run(mark_attempt, run_id=entry.run_id)
            except StoreError as error:
                self._log.warn("start not counted: {why}", why=error.message)
        await self._runner.run(entry)

    def supersede(self, run_id: str) -> None:
        """See :meth:`IRunner.supersede`."""
        self._runner.supersede(run_id)
