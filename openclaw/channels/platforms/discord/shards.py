"""The connections of one account: mostly a single one, several for a bot in thousands of servers.

https://docs.discord.com/developers/events/gateway#sharding
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from openclaw.channels.platforms.discord.api import Api
from openclaw.channels.platforms.discord.directory import Directory
from openclaw.channels.platforms.discord.gateway import Connection, IdentifyPace
from openclaw.channels.platforms.discord.intake import Intake
from openclaw.channels.platforms.discord.interactions import Interactions
from openclaw.channels.platforms.discord.missed import Missed
from openclaw.channels.platforms.discord.session import Sessions
from openclaw.channels.platforms.discord.wire import Own
from openclaw.interfaces.channels import ILink

TOTAL = "shards"
MOST = 256


class Shard:
    """One connection's session, and the way of what comes over it.

    :param number: from 0; direct messages come over the first.
    :ivar is_live: whether Discord tells it everything now.
    """

    def __init__(
        self,
        link: ILink,
        api: Api,
        directory: Directory,
        interactions: Interactions,
        own: Callable[[], Own],
        on_failure: Callable[[Exception], None],
        number: int,
        total: int,
    ) -> None:
        self.number = number
        self.total = total
        place = "" if total == 1 else f" {number} of {total}"
        self.sessions = Sessions(link.state, link.settings.intent_bits(), place)
        self.intake = Intake(
            link,
            api,
            directory,
            interactions,
            own=own,
            on_safe=self.sessions.advance,
            on_failure=on_failure,
        )
        self.missed = Missed(link, api, self.intake, self.sessions, hears_directs=number == 0)
        self.intake.on_direct = self.missed.direct
        self.connection: Connection | None = None
        self.is_live = False

    @property
    def of(self) -> tuple[int, int] | None:
        """Its number and how many there are; ``None`` for a single one."""
        return None if self.total == 1 else (self.number, self.total)

    @property
    def known_until_ms(self) -> int:
        """The moment before which all that was said in its guilds is known; 0 if nobody knows."""
        session = self.sessions.current
        return self.sessions.missed_since_ms or (session.at_ms if session is not None else 0)


class Shards:
    """The shards there are, and how many there should be.

    :param make: makes one, given its number and how many there are.
    :ivar outgrown: Discord wants more of them.
    """

    def __init__(self, link: ILink, make: Callable[[int, int], Shard]) -> None:
        self._link = link
        self._make = make
        kept = link.state.get(TOTAL)
        self.outgrown = False
        self.all = self._made(int(kept) if kept.isdecimal() else 1)
        self._paces: dict[int, IdentifyPace] = {}
        self.at_once = 1
        """How many may introduce themselves at the same time."""

    @property
    def new(self) -> list[Shard]:
        """Those that have no session to be resumed."""
        return [one for one in self.all if one.sessions.current is None]

    def arrange(self, told: dict[str, Any]) -> None:
        """Have as many as Discord recommends; while sessions can be resumed they stay as they are.

        :param told: what ``/gateway/bot`` says.
        """
        limit = told.get("session_start_limit") or {}
        self.at_once = max(1, _count(limit.get("max_concurrency")))
        wanted = min(max(1, _count(told.get("shards"))), MOST)
        now = len(self.all)
        if self.outgrown:
            wanted = min(max(wanted, now + 1), MOST)
        elif len(self.new) < now:
            return
        self.outgrown = False
        if wanted == now:
            return
        since = [one.known_until_ms for one in self.all if one.known_until_ms]
        self.all = self._made(wanted)
        for one in self.all:
            one.sessions.begin_anew(min(since, default=0))
        # It may fail with the journal; then the next process has to ask once more.
        self._link.state.put(TOTAL, str(wanted)).addErrback(lambda _: None)

    def pace(self, shard: Shard) -> IdentifyPace:
        """When this one may introduce itself; those of one pace do one after the other."""
        return self._paces.setdefault(shard.number % self.at_once, IdentifyPace())

    def _made(self, total: int) -> tuple[Shard, ...]:
        return tuple(self._make(number, total) for number in range(total))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
