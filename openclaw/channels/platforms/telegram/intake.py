"""Takes updates in, from a poll or a webhook: in order within a chat, durable before confirmed."""

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.channels.platforms.telegram.api import BotAPI, Refused, Unanswered
from openclaw.channels.platforms.telegram.wire import News, Reader, Update
from openclaw.deferreds import Tasks, deferred
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.queue import QueueFull


class NotTaken(Exception):
    """An update could not be stored, so it has to come again."""


@frozen(eq=False)
class _Last:
    """The newest event of a chat that is on its way; ``stored`` fires with whether it got there."""

    event: Inbound
    stored: Deferred[bool] = field(factory=Deferred)


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
    _chats: dict[str, _Last] = field(init=False, factory=dict)

    @deferred
    async def take(self, update: Update) -> None:
        """Take one update in; fires when Telegram may forget it, fails with :class:`NotTaken`.

        It waits for the one before it in its chat, so that none overtakes one that has to come
        again; but for those that the gateway puts together, which it has to see at once.
        """
        news = self._read(update)
        if news.callback_id:
            self.tasks.spawn("answering a Telegram button", self._answer(news.callback_id))
        if news.moved is not None:
            self.link.moved(*news.moved)
        if news.inbound is not None:
            await self._in_turn(update.lane, news.inbound)
        elif news.unused:
            self._log.debug("Telegram update not used: {why}", why=news.unused)

    async def _in_turn(self, chat: str, event: Inbound) -> None:
        before = self._chats.get(chat)
        mine = self._chats[chat] = _Last(event)
        stored = False
        try:
            apart = before is not None and not self._together(before.event, event)
            if before is not None and apart and not await before.stored:
                raise NotTaken("the message before it in its chat was not stored")
            await self._store(event)
            stored = True
        finally:
            if self._chats.get(chat) is mine:
                del self._chats[chat]
            mine.stored.callback(stored)

    async def _store(self, event: Inbound) -> None:
        try:
            await self.link.receive(event)
        except (QueueFull, StoreError) as error:
            raise NotTaken(str(error) or type(error).__name__) from error

    def _together(self, before: Inbound, event: Inbound) -> bool:
        """Whether the gateway may make one of the two: an album, or a burst of one person."""
        return (
            bool(before.batch or self.link.settings.debounce_ms)
            and before.batch == event.batch
            and before.kind == event.kind == "message"
            and before.sender.id == event.sender.id
        )

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
