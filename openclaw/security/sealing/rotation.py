"""Changes the key while the gateway runs: the new one seals at once, old rows follow in batches.

A crash leaves both keys where they are kept, so that everything opens; the next start goes on. The
old key is let go once a whole pass over the journal has left nothing that needs it.
"""

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import Tasks, deferred
from openclaw.errors import GatewayError, InvalidRequest
from openclaw.interfaces.sealing import ISealing, SealingState
from openclaw.interfaces.storage import IStore
from openclaw.security.sealing.keys import new_key
from openclaw.security.sealing.sealer import Sealer
from openclaw.storage.sealing import reseal
from openclaw.storage.walking import Place

PAUSE_SECONDS = 0.02
RETRY_SECONDS = 30.0


@implementer(ISealing)
class Rotation(Service):
    """Brings the journal to one key.

    :param in_thread: runs what waits for a disk.
    """

    _log = Logger()
    name = "key-rotation"

    def __init__(
        self,
        store: IStore,
        sealer: Sealer,
        clock: IReactorTime,
        in_thread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._in_thread = in_thread
        self._tasks = Tasks()
        self._rotating = False
        self._rows = 0

    def startService(self) -> None:
        """Carry on what an earlier process, or a new key that was put in front, has begun."""
        super().startService()
        if len(self._sealer.keys) > 1:
            self._begin()

    def stopService(self) -> Deferred[None]:
        """Stop; the rest is done after the next start."""
        super().stopService()
        return self._tasks.cancel()

    def state(self) -> SealingState:
        """See :meth:`ISealing.state`."""
        return SealingState(
            algorithm=self._sealer.algorithm.name,
            key_id=self._sealer.keys[0].name,
            source=self._sealer.source.where,
            rotating=self._rotating,
            rows=self._rows,
        )

    @deferred
    async def rotate(self) -> SealingState:
        """See :meth:`ISealing.rotate`."""
        sealer = self._sealer
        if self._rotating:
            raise InvalidRequest("a rotation is running; wait until it is done")
        if not sealer.source.renewable:
            raise InvalidRequest(
                f"the key comes from {sealer.source.where}: put a new one in front of it there, "
                "with a space between, and restart the gateway; `openclaw encryption key` makes one"
            )
        self._rotating = True
        keys = (new_key(sealer.random_bytes), *sealer.keys)
        try:
            # On disk before it seals anything: a value whose key is gone is gone as well.
            await self._in_thread(sealer.source.write, keys)
        except OSError as error:
            self._rotating = False
            raise GatewayError(f"the new key could not be kept: {error.strerror}") from None
        sealer.use(keys)
        self._begin()
        return self.state()

    def _begin(self) -> None:
        self._rotating, self._rows = True, 0
        self._tasks.spawn("key rotation", self._run())

    async def _run(self) -> None:
        while self.running:
            try:
                await self._pass()
                return
            except (GatewayError, OSError) as error:
                self._log.error("key rotation waits: {why}", why=str(error))
            await deferLater(self._clock, RETRY_SECONDS)

    async def _pass(self) -> None:
        place: Place | None = Place()
        while place is not None:
            place, written = await self._store.run(reseal, place=place, sealer=self._sealer)
            self._rows += written
            # Others want to write as well, and the CPU.
            await deferLater(self._clock, PAUSE_SECONDS)
        current = self._sealer.keys[:1]
        if self._sealer.source.renewable:
            await self._in_thread(self._sealer.source.write, current)
            self._sealer.use(current)
        self._rotating = False
        self._log.info("key {key} seals all of the journal", key=current[0].name)
