"""Whether a message was posted whose answer was lost: looked for by the mark that it carries.

Slack has no idempotency keys. It does keep metadata with a message, and gives it back to the app
that asks for a conversation's history with ``include_all_metadata``:
https://docs.slack.dev/messaging/message-metadata.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from openclaw.channels.platforms.slack.api import WebApi
from openclaw.channels.platforms.slack.failures import SlackError
from openclaw.channels.platforms.slack.fields import part, parts, text
from openclaw.channels.platforms.slack.wire import is_marked
from openclaw.interfaces.queue import Undelivered

SETTLE_MS = 2000
"""A request that was cut off may still be at work: it is not looked for sooner than that."""

SKEW_MS = 300_000
"""How far Slack's clock may be behind ours."""

LOOKBACK_MS = 7 * 24 * 3600 * 1000
"""How far back is looked for what an earlier process had begun."""

_PAGES = 20
_PAGE = 200


class Search:
    """Looks through what was said in a conversation."""

    def __init__(self, api: WebApi, clock: IReactorTime, now_ms: Callable[[], int]) -> None:
        self._api = api
        self._clock = clock
        self._now_ms = now_ms

    async def find(self, mark: str, chat: str, thread: str, tried_ms: int | None) -> str:
        """Give the message's id, or an empty text if there is none.

        :param mark: the id that it was sent under.
        :param thread: where it was meant to be; it may stand in the channel if that is gone.
        :param tried_ms: when sending it began, Unix milliseconds, if that is known.
        :raises Undelivered: ``unknown``: there is too much to look through.
        :raises SlackError: Slack does not let us look.
        """
        await self._settle(tried_ms)
        since = self._now_ms() - LOOKBACK_MS if tried_ms is None else tried_ms - SKEW_MS
        oldest = f"{max(since, 0) // 1000}.000000"
        if thread:
            found = await self._in_thread(mark, chat, thread, oldest)
            if found:
                return found
        return await self._through("conversations.history", mark, channel=chat, oldest=oldest)

    async def _settle(self, tried_ms: int | None) -> None:
        """Wait until a request that began then has had its effect, or will have none."""
        left = 0 if tried_ms is None else tried_ms + SETTLE_MS - self._now_ms()
        if left > 0:
            await deferLater(self._clock, left / 1000)

    async def _in_thread(self, mark: str, chat: str, thread: str, oldest: str) -> str:
        try:
            return await self._through(
                "conversations.replies", mark, channel=chat, ts=thread, oldest=oldest
            )
        except SlackError as error:
            if error.code != "thread_not_found":
                raise
            return ""

    async def _through(self, method: str, mark: str, **where: str) -> str:
        cursor = ""
        for _ in range(_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = await self._api.read(
                method, limit=_PAGE, include_all_metadata="true", **where, **more
            )
            for message in parts(answer, "messages"):
                if is_marked(message, mark):
                    return text(message, "ts")
            cursor = text(part(answer, "response_metadata"), "next_cursor")
            if not cursor:
                return ""
        raise Undelivered("too much was said since to know whether it was sent", "unknown")
