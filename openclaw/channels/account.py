"""One account while the gateway runs: connects it, connects it again, stops it."""

from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openclaw.channels.accounts import ConfiguredAccount
from openclaw.channels.life import Life, start_account_life
from openclaw.channels.status import Record
from openclaw.deferreds import Tasks
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, IChannel

MOST_PAUSE_SECONDS = 12.0
"""With its jitter, and 15 seconds for an attempt that hangs, less than the half minute in which an
account has to work again once a fault is over, however long that lasted."""
HEALTHY_SECONDS = 60.0
JITTER = 0.2
LEAST_SECONDS = 1.0
"""A connection that ended sooner is no ordinary end, whatever the platform says."""


class Account(Service):
    """Runs one channel for as long as it is wanted.

    The first pause after a connection that stood is the configured one; each attempt in vain
    doubles it, up to twelve seconds. One that stood for a minute had been healthy.

    :ivar channel: set once, before the start.
    """

    _log = Logger()

    def __init__(
        self, configured: ConfiguredAccount, record: Record, clock: IReactorTime, random: Random
    ) -> None:
        self.configured = configured
        self.record = record
        self.life: Life = start_account_life(record)
        self.channel: IChannel
        self._clock = clock
        self._random = random
        self._tasks = Tasks()
        self._attempts = 0

    @property
    def key(self) -> str:
        """``channel/account``."""
        return f"{self.configured.channel}/{self.configured.account}"

    @property
    def connected(self) -> bool:
        """Whether messages can come and go."""
        return self.record.status.connected

    def startService(self) -> None:
        """Begin to connect; the network may be down, so nothing waits for it."""
        super().startService()
        self.life.start()
        self._tasks.spawn(self.key, self._serve())

    def stopService(self) -> Deferred[None]:
        """Disconnect; fires once every socket is closed."""
        super().stopService()
        return self._tasks.cancel().addCallback(self._stopped)

    def _stopped(self, _: object) -> None:
        self.life.stop()

    async def _serve(self) -> None:
        while self.running:
            began = self._clock.seconds()
            try:
                await self.channel.run()
                down = ChannelDown("the connection ended")
            except ChannelDown as error:
                down = error
            except ChannelFailed as error:
                self.life.failed(error.message)
                return
            except Exception:  # A platform may fail in any way; the account must outlive it.
                if not self.running:
                    return
                self._log.failure("{name} broke", name=self.key)
                down = ChannelDown("internal error; see the log")
            if not self.running:
                return
            await self._pause(down, self._clock.seconds() - began)

    def _pause(self, down: ChannelDown, stood_seconds: float) -> Deferred[Any]:
        if stood_seconds >= HEALTHY_SECONDS:
            self._attempts = 0
        if down.at_once and stood_seconds >= LEAST_SECONDS:
            return deferLater(self._clock, 0)
        seconds = max(down.after_seconds, self._backoff())
        self._attempts += 1
        self.life.lost(down.message)
        return deferLater(self._clock, seconds)

    def _backoff(self) -> float:
        """The pause before the next attempt: the configured one first, then more, with jitter."""
        first = self.configured.settings.reconnect_interval
        least = float(self.configured.manifest.reconnect_seconds if first is None else first)
        if not self._attempts:
            return least
        grown = min(least * 2.0**self._attempts, max(MOST_PAUSE_SECONDS, least))
        return grown * (1 + self._random.uniform(-JITTER, JITTER))
