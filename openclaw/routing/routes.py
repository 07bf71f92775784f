"""Where each session was last spoken to from: kept in memory, and on disk soon after."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec
from attrs import frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import StoreError
from openclaw.interfaces.messages import Target
from openclaw.interfaces.storage import IStore, ITransaction, Row

CAPACITY = 20_000
FRESH_MS = 86_400_000
"""A route that is used and does not change is written again after so long, to stay a young one."""

_BODY = "route.body"
_SAVE = """insert into route(session_key, body, at) values(:key, :body, :at)
on conflict(session_key) do update set body = excluded.body, at = excluded.at"""

_decoder = msgspec.json.Decoder(Target)


@frozen
class _Route:
    target: Target
    at_ms: int


def _read(tx: ITransaction, limit: int) -> list[Row]:
    found = tx.rows("select session_key, body, at from route order by at desc limit :n", n=limit)
    return [(key, tx.open(_BODY, key, body), at) for key, body, at in reversed(found)]


def _save(tx: ITransaction, routes: Mapping[str, _Route], gone: Sequence[str]) -> None:
    for key in gone:
        tx.execute("delete from route where session_key = :key", key=key)
    for key, route in routes.items():
        body = tx.seal(_BODY, key, msgspec.json.encode(route.target))
        tx.execute(_SAVE, key=key, body=body, at=route.at_ms)


class Routes(Service):
    """The last routes; those that were not used for longest are forgotten first.

    A write that fails is tried again with the next change: until then a restart would find the
    session's route before this one, or none.

    :param now_ms: Unix milliseconds.
    :param capacity: sessions remembered.
    """

    _log = Logger()
    name = "routes"

    def __init__(self, store: IStore, now_ms: Callable[[], int], capacity: int = CAPACITY) -> None:
        self._store = store
        self._now_ms = now_ms
        self._capacity = capacity
        self._routes: OrderedDict[str, _Route] = OrderedDict()
        self._unwritten: dict[str, _Route | None] = {}
        self._writing = False
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._routes)

    @deferred
    async def load(self) -> None:
        """Read the journal.

        :raises StoreError: through the Deferred, if it cannot be read.
        """
        rows = await self._store.read(_read, limit=self._capacity)
        try:
            self._routes = OrderedDict(
                (key, _Route(_decoder.decode(bytes(body)), at)) for key, body, at in rows
            )
        except msgspec.MsgspecError as error:
            raise StoreError(f"a route in the journal is damaged: {error}") from None

    def stopService(self) -> Deferred[None]:
        """Fires once all that was noted is on disk, as far as the journal takes it."""
        super().stopService()
        self._write()
        return self._tasks.drain()

    def target(self, session_key: str) -> Target | None:
        """See :meth:`IRouter.target`."""
        route = self._routes.get(session_key)
        return None if route is None else route.target

    def remember(self, session_key: str, target: Target) -> None:
        """See :meth:`IRouter.remember`."""
        place = msgspec.structs.replace(target, reply_to="")
        now_ms, known = self._now_ms(), self._routes.get(session_key)
        if known is not None and known.target == place and now_ms - known.at_ms < FRESH_MS:
            self._routes.move_to_end(session_key)
            return
        self._routes[session_key] = self._unwritten[session_key] = _Route(place, now_ms)
        self._routes.move_to_end(session_key)
        if len(self._routes) > self._capacity:
            oldest, _ = self._routes.popitem(last=False)
            self._unwritten[oldest] = None
        self._write()

    def channels_with(self, chat_id: str) -> frozenset[str]:
        """The channels on which a chat of this id was spoken with."""
        return frozenset(
            route.target.channel
            for route in self._routes.values()
            if route.target.chat_id == chat_id
        )

    # -- writing -------------------------------------------------------------------------------

    def _write(self) -> None:
        if self._unwritten and not self._writing:
            self._writing = True
            self._tasks.spawn("writing of routes", self._write_all())

    async def _write_all(self) -> None:
        try:
            while self._unwritten:
                taken, self._unwritten = self._unwritten, {}
                try:
                    await self._save(taken)
                except StoreError as error:
                    self._unwritten = {**taken, **self._unwritten}
                    self._log.warn("routes are not on disk yet: {why}", why=error.message)
                    return
        finally:
            self._writing = False

    def _save(self, taken: Mapping[str, _Route | None]) -> Deferred[None]:
        return self._store.run(
            _save,
            routes={key: route for key, route in taken.items() if route is not None},
            gone=[key for key, route in taken.items() if route is None],
        )
