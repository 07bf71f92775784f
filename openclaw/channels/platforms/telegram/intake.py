"""Takes updates in, from a poll or a webhook: in order within a chat, durable before confirmed."""

from collections.abc import Sequence

from attrs import define
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from openclaw.channels.platforms.telegram.api import BotAPI, Refused, Unanswered
from openclaw.channels.platforms.telegram.wire import News, Reader, Update
from openclaw.deferreds import Tasks, deferred
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink
from openclaw.interfaces.queue import QueueFull


class NotTaken(Exception):
    """An update could not be stored, so it has to come again."""


@define
class Intake:
    """What happens to updates of one account.

    :ivar tasks: owns answers to buttons, which nothing waits for.
    """

    _log = Logger()

    link: ILink
    api: BotAPI
    reader: Reader
    tasks: Tasks

    @deferred
    async def take(self, update: Update) -> None:
        """Take one update in; fires when Telegram may forget it, fails with :class:`NotTaken`."""
        news = self._read(update)
        if news.callback_id:
            self.tasks.spawn("answering a Telegram button", self._answer(news.callback_id))
        if news.moved is not None:
            self.link.moved(*news.moved)
        if news.inbound is None:
            if news.unused:
                self._log.debug("Telegram update not used: {why}", why=news.unused)
            return
        try:
            await self.link.receive(news.inbound)
        except (QueueFull, StoreError) as error:
            raise NotTaken(str(error) or type(error).__name__) from error

    @deferred
    async def take_all(self, updates: Sequence[Update]) -> int:
        """Take a batch in, chats side by side.

        :return: fires with how many from the front Telegram may forget. What lies behind comes
            again, also what was taken of it: it is known then.
        """
        lanes: dict[str, list[int]] = {}
        for index, update in enumerate(updates):
            lanes.setdefault(update.lane, []).append(index)
        ends: Sequence[int] = await gatherResults(
            [self._take_lane(updates, lane) for lane in lanes.values()], consumeErrors=True
        )
        return min(ends, default=len(updates))

    @deferred
    async def _take_lane(self, updates: Sequence[Update], lane: Sequence[int]) -> int:
        for index in lane:
            try:
                await self.take(updates[index])
            except NotTaken as error:
                # What comes after it in this chat waits too, or it would overtake.
                self._log.warn("a Telegram message was not stored: {why}", why=str(error))
                return index
        return len(updates)

    def _read(self, update: Update) -> News:
        try:
            return self.reader.news(update)
        except Exception:  # One odd update must not stop all that come after it for ever.
            self._log.failure("a Telegram update of kind {kind} cannot be read", kind=update.kind)
            return News()

    async def _answer(self, callback_id: str) -> None:
        """Take the clock off a button; one that is too old by now has lost it anyway."""
        waiting: Deferred[object] = self.api.call(
            "answerCallbackQuery", {"callback_query_id": callback_id}
        )
        try:
            await waiting
        except (Refused, Unanswered) as error:
            self._log.debug("a Telegram button was not answered: {why}", why=str(error))
