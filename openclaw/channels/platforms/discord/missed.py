"""What was said while there was no session that could be resumed: asked for once there is one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from openclaw.channels.platforms.discord.api import Api, Refused
from openclaw.channels.platforms.discord.intake import Intake
from openclaw.channels.platforms.discord.session import Sessions
from openclaw.channels.platforms.discord.wire import EPOCH_MS
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ILink

DIRECTS = "direct channels"

LONGEST_MS = 23 * 3_600_000
"""Nothing older is asked for: what came before may be known no more, and be answered again."""

MARGIN_MS = 120_000
"""Discord's clock and ours differ, and what is in the inbox already is known there."""

GUILDS_SECONDS = 60.0
"""How long guilds may take to be told of; one that has trouble may never be."""

MOST_CHANNELS = 50
MOST_DIRECTS = 50
PAGE = 100
MOST_PAGES = 3


class Missed:
    """Catches up after a new session, channel by channel, before what comes live in each.

    Guilds tell which of their channels had something new; direct channels are asked one by one.
    While it is not done the session is not worth keeping: the next one begins with it again.
    """

    _log = Logger()

    def __init__(self, link: ILink, api: Api, intake: Intake, sessions: Sessions) -> None:
        self._link = link
        self._api = api
        self._intake = intake
        self._sessions = sessions
        self._tasks = Tasks()
        self._guilds: set[str] = set()
        self._members: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._late: IDelayedCall | None = None
        self._asked = 0
        self._running = False

    def ready(self, data: Mapping[str, Any]) -> None:
        """A new session began; READY says which guilds are told of now."""
        if not self._sessions.missed_since_ms:
            return
        self._running = True
        self._asked = 0
        self._guilds = {str(one.get("id")) for one in data.get("guilds") or ()}
        self._late = self._link.clock.callLater(GUILDS_SECONDS, self._all_told)
        for channel_id in self._directs()[-MOST_DIRECTS:]:
            self._ask("", channel_id)
        self._look()

    def guild(self, data: Mapping[str, Any]) -> None:
        """A guild was told of."""
        guild_id = str(data.get("id") or "")
        if not self._running or data.get("unavailable") or guild_id not in self._guilds:
            return
        after = self._after()
        here = [*(data.get("channels") or ()), *(data.get("threads") or ())]
        new = [one for one in here if _number(one.get("last_message_id")) > after]
        for one in sorted(new, key=lambda one: -_number(one.get("last_message_id"))):
            self._ask(guild_id, str(one.get("id")))
        self._guilds.discard(guild_id)
        self._look()

    def direct(self, channel_id: str) -> None:
        """Somebody wrote directly; no session tells of such a channel by itself."""
        known = self._directs()
        if channel_id in known:
            return
        text = json.dumps([*known, channel_id][-MOST_DIRECTS:])
        self._link.state.put(DIRECTS, text).addErrback(
            lambda failure: self._log.warn(
                "discord: a direct channel was not noted: {why}", why=failure.getErrorMessage()
            )
        )

    def stop(self) -> Deferred[None]:
        """The connection ended; what is not done is begun anew."""
        self._running = False
        self._end_waiting()
        return self._tasks.cancel()

    # -- asking --------------------------------------------------------------------------------

    def _ask(self, guild_id: str, channel_id: str) -> None:
        if self._asked >= MOST_CHANNELS + MOST_DIRECTS:
            self._log.warn("discord: {channel} is not caught up with", channel=channel_id)
            return
        self._asked += 1
        # The channel's lock is taken at once: what comes live from now on waits behind it.
        self._tasks.spawn(f"catching up with {channel_id}", self._channel(guild_id, channel_id))

    async def _channel(self, guild_id: str, channel_id: str) -> None:
        leave = await self._intake.hold(channel_id)
        try:
            after = self._after()
            for _ in range(MOST_PAGES):
                page = await self._page(channel_id, after)
                for message in page:
                    whole = await self._completed(guild_id, channel_id, message)
                    await self._intake.catch_up(whole)
                if len(page) < PAGE:
                    return
                after = _number(page[-1].get("id"))
        except CancelledError:
            raise
        except Refused as error:  # Nobody may look back there, so nobody can.
            self._log.debug("discord: {channel}: {why}", channel=channel_id, why=error.message)
        except Exception as error:  # Whatever it is: it has to be asked for again.
            self._running = False
            self._intake.failed(error)
        finally:
            leave()

    async def _page(self, channel_id: str, after: int) -> Sequence[Mapping[str, Any]]:
        """The next messages of a channel, the oldest first."""
        found = await self._api.get(
            "/channels/{channel}/messages", f"after={after}&limit={PAGE}", channel=channel_id
        )
        messages = [one for one in found or () if isinstance(one, dict)]
        return sorted(messages, key=lambda one: _number(one.get("id")))

    async def _completed(
        self, guild_id: str, channel_id: str, message: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """A message as the gateway would have told it: with its guild, and the author's roles."""
        whole = {**message, "channel_id": channel_id}
        if not guild_id:
            return whole
        person_id = str((message.get("author") or {}).get("id") or "")
        member = await self._member(guild_id, person_id)
        return {**whole, "guild_id": guild_id, **({"member": member} if member else {})}

    async def _member(self, guild_id: str, person_id: str) -> Mapping[str, Any] | None:
        key = (guild_id, person_id)
        if key not in self._members:
            try:
                self._members[key] = await self._api.get(
                    "/guilds/{guild}/members/{user}", guild=guild_id, user=person_id
                )
            except Refused:  # They have left since, or are a webhook.
                self._members[key] = None
        return self._members[key]

    # -- being done ----------------------------------------------------------------------------

    def _all_told(self) -> None:
        self._late = None
        self._guilds.clear()
        self._look()

    def _look(self) -> None:
        """Once every guild was told of, wait for what is asked; then all is caught up with."""
        if self._guilds or not self._running:
            return
        self._end_waiting()
        self._tasks.drain().addCallback(self._done)

    def _done(self, _: object) -> None:
        if self._running:
            self._running = False
            self._members.clear()
            self._sessions.caught_up()

    def _end_waiting(self) -> None:
        late, self._late = self._late, None
        if late is not None and late.active():
            late.cancel()

    def _after(self) -> int:
        """The id that a message would have, had it been written when we last heard all."""
        earliest = self._link.now_ms() - LONGEST_MS
        since = max(self._sessions.missed_since_ms - MARGIN_MS, earliest)
        return max(0, since - EPOCH_MS) << 22

    def _directs(self) -> list[str]:
        return [str(one) for one in json.loads(self._link.state.get(DIRECTS) or "[]")]


def _number(snowflake: object) -> int:
    text = str(snowflake or "")
    return int(text) if text.isdecimal() else 0
