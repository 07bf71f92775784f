"""Removes sessions that nobody used for long, or for which there is no room; beside all traffic.

A change of a session costs nothing for this: the index is in the order of the last change, so that
whatever may go stands at its beginning.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from attrs import frozen
from twisted.logger import Logger

from openclaw.deferreds import deferred
from openclaw.interfaces.storage import IStore
from openclaw.sessions.index import SessionIndex
from openclaw.sessions.journal.sweeping import delete_idle, used_bytes
from openclaw.sessions.keys import SessionKeys
from openclaw.sessions.records import Session
from openclaw.sessions.telling import Telling

BATCH = 100
ROOM_BATCH = 20
ONE_OFF = "openai"


@frozen(kw_only=True)
class SweepRules:
    """What may stay; 0 means that there is no bound.

    :ivar enforce: false only says in the log what would go.
    :ivar idle_ms: how long a session stays that nobody uses.
    :ivar one_off_ms: the same for those of single requests of programs, which nobody names again.
    :ivar most: how many sessions there are at most.
    :ivar most_bytes: how much of the journal may be in use.
    :ivar high_water_bytes: how much is left in use when it was too much.
    """

    enforce: bool = True
    idle_ms: int = 0
    one_off_ms: int = 0
    most: int = 0
    most_bytes: int = 0
    high_water_bytes: int = 0


class SessionSweep:
    """Removes sessions with their transcripts, the one that was used least lately first.

    What runs or waits, the main session of an agent, and what a person archived always stays.
    """

    _log = Logger()

    def __init__(
        self,
        store: IStore,
        index: SessionIndex,
        keys: SessionKeys,
        tell: Telling,
        rules: SweepRules,
        now_ms: Callable[[], int],
    ) -> None:
        self._store = store
        self._index = index
        self._keys = keys
        self._tell = tell
        self._rules = rules
        self._now_ms = now_ms
        self._warned = 0

    @deferred
    async def sweep(self) -> None:
        """Do it once; fires when what goes is gone from the journal too."""
        old = self._too_old()
        over = len(self._index) - len(old) - self._rules.most if self._rules.most else 0
        going = {one.key for one in old}
        spare = (one for one in self._removable() if one.key not in going)
        old += islice(spare, max(0, over))
        if not self._rules.enforce:
            self._warn(len(old))
            return
        removed = await self._remove(old)
        removed += await self._make_room()
        if removed:
            self._log.info("removed {count} sessions that were not used for long", count=removed)

    def _too_old(self) -> list[Session]:
        """Sessions that nobody used for as long as their kind may stay."""
        rules = self._rules
        bounds = [one for one in (rules.idle_ms, rules.one_off_ms) if one]
        if not bounds:
            return []
        now, found = self._now_ms(), []
        for session in self._index.oldest_first():
            idle = now - session.updated_at_ms
            if idle <= min(bounds):
                break  # Those behind it were used later still.
            one_off = bool(rules.one_off_ms) and idle > rules.one_off_ms and _one_off(session)
            old = bool(rules.idle_ms) and idle > rules.idle_ms
            if (old or one_off) and self._may_go(session):
                found.append(session)
        return found

    def _removable(self) -> Iterator[Session]:
        return (one for one in self._index.oldest_first() if self._may_go(one))

    def _may_go(self, session: Session) -> bool:
        if session.active or session.archived:
            return False
        parsed = self._keys.parse(session.key)
        return parsed.classification(self._keys.main_key) != "main"

    async def _make_room(self) -> int:
        """Remove sessions until less of the journal is in use; how many."""
        rules, removed = self._rules, 0
        if not rules.most_bytes or await self._used_bytes() <= rules.most_bytes:
            return 0
        while await self._used_bytes() > rules.high_water_bytes:
            going = list(islice(self._removable(), ROOM_BATCH))
            gone = await self._remove(going)
            removed += gone
            if not gone:
                self._log.warn(
                    "the journal holds more than session.maintenance.maxDiskBytes, and no session "
                    "is left that may be removed"
                )
                break
        return removed

    async def _used_bytes(self) -> int:
        return await self._store.read(used_bytes)

    async def _remove(self, sessions: Sequence[Session]) -> int:
        """Remove sessions, a few at a time: what people wait for is not held up."""
        removed = 0
        for start in range(0, len(sessions), BATCH):
            wanted = {one.key: one.session_id for one in sessions[start : start + BATCH]}
            gone = await self._store.run(delete_idle, wanted=wanted)
            for key in gone:
                current = self._index.get(key)
                if current is not None and current.session_id == wanted[key]:
                    self._index.drop(key)
                    self._tell.change(key, reason="delete")
            removed += len(gone)
        return removed

    def _warn(self, count: int) -> None:
        """Say it when it has changed, not every time."""
        if count and count != self._warned:
            words = "{count} sessions would be removed if session.maintenance.mode were enforce"
            self._log.warn(words, count=count)
        self._warned = count


def _one_off(session: Session) -> bool:
    """Whether it belongs to a single request of a program, see ``http.openai.address``."""
    parts = session.key.split(":")
    return len(parts) == 4 and parts[2] == ONE_OFF
