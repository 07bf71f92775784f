"""The long poll: one request at a time, each with a hard deadline, the offset on disk."""

from typing import Any

from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.platforms.telegram import wire
from openclaw.channels.platforms.telegram.api import BotAPI, Refused, Unanswered, broken
from openclaw.channels.platforms.telegram.unconfirmed import Unconfirmed
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ILink

GRACE_SECONDS = 10.0
"""What a poll may take beyond the time that it waits at Telegram. It bounds the whole request:
a connection that drips a byte now and then is as dead as one that is silent."""

LIMIT = 100
"""Updates of one poll; the most that Telegram gives."""

RIVAL_SECONDS = (5.0, 60.0)
"""The first and the longest pause while another program polls with the same token."""

STORE_SECONDS = 1.0
"""The pause before updates are asked for again that could not be stored."""

GATHER_SECONDS = (0.2, 2.0)
"""How soon it is asked what else came while something is being stored, such as the rest of an
album; less often if that takes long."""

SPIN_SECONDS = 0.5
"""The pause after a poll that came back empty at once: a server that does not wait is not asked
in a circle."""


class Poller:
    """Polls for one bot.

    :param link: the account's; only a finished poll counts as a sign of life.
    :param bot_id: whose offset is kept: with another bot's token, another offset counts.
    :param wait_seconds: how long a poll waits at Telegram.
    :param name: what status is told once the first poll worked.
    """

    _log = Logger()

    def __init__(
        self,
        link: ILink,
        api: BotAPI,
        unconfirmed: Unconfirmed,
        bot_id: int,
        wait_seconds: int,
        name: str,
    ) -> None:
        self._link = link
        self._api = api
        self._unconfirmed = unconfirmed
        self._kept = f"offset:{bot_id}"
        self._wait_seconds = wait_seconds
        self._name = name
        self._pause = RIVAL_SECONDS[0]
        self._gather = GATHER_SECONDS[0]
        self._well = False

    async def forever(self) -> None:
        """Poll until that fails.

        :raises ChannelDown: the connection broke, a deadline passed, Telegram wants a pause.
        :raises ChannelFailed: the token is no longer one.
        """
        offset = self._read_offset()
        # The first poll does not wait, so that status soon knows whether polling works at all.
        first, wait = True, 0
        while True:
            started = self._link.clock.seconds()
            try:
                raws = await self._poll(offset, wait)
            except Refused as error:
                first, wait = False, self._wait_seconds
                await self._refused(error)
                continue
            except Unanswered as error:
                raise broken(error) from None
            self._link.heard()
            self._pause = RIVAL_SECONDS[0]
            updates = [found for raw in raws if (found := wire.update(raw)) is not None]
            offset = await self._taken(updates, offset)
            if not first and not updates and self._link.clock.seconds() - started < SPIN_SECONDS:
                await self._sleep(SPIN_SECONDS)
            # Without waiting there, while something is being stored: it is not confirmed yet.
            wait = 0 if self._unconfirmed.waiting else self._wait_seconds
            first = False

    async def _poll(self, offset: int, wait: int) -> list[Any]:
        params: dict[str, Any] = {
            "limit": LIMIT,
            "timeout": wait,
            "allowed_updates": wire.ALLOWED_UPDATES,
        }
        if offset:
            params["offset"] = offset
        raws = await self._api.call("getUpdates", params, wait + GRACE_SECONDS)
        return raws if isinstance(raws, list) else []

    async def _taken(self, updates: list[wire.Update], offset: int) -> int:
        """Take updates in and keep the offset behind the last that is safe.

        :return: the next offset. It follows the server downwards: after a week of silence
            Telegram may begin at any number.
        """
        self._unconfirmed.hand_in(updates)
        await self._unconfirmed.settle(self._gather)
        self._gather = min(self._gather * 1.5, GATHER_SECONDS[1])
        if not self._unconfirmed.waiting:
            self._gather = GATHER_SECONDS[0]
        safe = self._unconfirmed.confirmable()
        stored = True
        if safe:
            following = max(update.id for update in safe) + 1
            try:
                await self._link.state.put(self._kept, str(following))
            except StoreError as error:
                self._log.warn("the Telegram offset was not stored: {why}", why=str(error))
                stored = False
            else:
                offset = following
                self._unconfirmed.confirmed(safe)
        if self._unconfirmed.forget_failures() or not stored:
            self._unwell("messages cannot be stored now; Telegram keeps them until they can")
            await self._sleep(STORE_SECONDS)
        elif not self._well and not self._unconfirmed.waiting:
            self._well = True
            self._link.connected(self._name)
        return offset

    async def _refused(self, error: Refused) -> None:
        """Wait out what another program does with this token; anything else ends the polling."""
        if error.code != 409:
            raise broken(error) from None
        if error.says("webhook"):
            self._log.warn("Telegram has a webhook for this bot; removing it, to poll")
            try:
                await self._api.call("deleteWebhook", {})
            except (Refused, Unanswered) as failure:
                raise broken(failure) from None
            await self._sleep(SPIN_SECONDS)
            return
        self._unwell(
            "another program polls with this bot's token, and only one can: stop it, or get a "
            "new token from @BotFather (/revoke) and set channels.telegram.botToken"
        )
        await self._sleep(self._pause)
        self._pause = min(self._pause * 2, RIVAL_SECONDS[1])

    def _unwell(self, why: str) -> None:
        self._well = False
        self._link.degraded(why)

    def _read_offset(self) -> int:
        kept = self._link.state.get(self._kept)
        return int(kept) if kept.isdigit() else 0

    async def _sleep(self, seconds: float) -> None:
        await deferLater(self._link.clock, seconds)
