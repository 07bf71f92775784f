"""Keeps the host names of the address rules up to date; judges no address itself."""

from collections.abc import Callable, Iterable, Mapping

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTime,
    IResolutionReceiver,
)
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.deferreds import Tasks
from openclaw.security.addresses import Address, parse

INTERVAL_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0

Resolve = Callable[[str], Deferred[Iterable[str]]]


class NameWatch(Service):
    """Asks for each name again and again; what fails, is late or is empty removes the name.

    :param resolve: fires with the addresses of a name; may fail in any way.
    :param tell: takes what each name leads to.
    """

    _log = Logger()
    name = "names"

    def __init__(
        self,
        names: Iterable[str],
        resolve: Resolve,
        tell: Callable[[Mapping[str, Iterable[Address]]], None],
        clock: IReactorTime,
    ) -> None:
        self._names = tuple(names)
        self._resolve = resolve
        self._tell = tell
        self._clock = clock
        self._found: dict[str, frozenset[Address]] = {}
        self._tasks = Tasks()

    def startService(self) -> None:
        """Ask at once, then every minute."""
        super().startService()
        for name in self._names:
            self._tasks.spawn(f"look-ups of {name}", self._watch(name))

    def stopService(self) -> Deferred[None]:
        """Stop asking; nothing that was found counts any more."""
        super().stopService()
        self._found.clear()
        self._tell({})
        return self._tasks.cancel()

    async def _watch(self, name: str) -> None:
        while self.running:
            began = self._clock.seconds()
            found = await self._look_up(name)
            if not self.running:
                return
            if found != self._found.get(name):
                self._log.info(
                    "{name} of access.ipWhitelist leads to {addresses}",
                    name=name,
                    addresses=sorted(map(str, found)),
                )
            self._found[name] = found
            self._tell(self._found)
            spent = self._clock.seconds() - began
            await deferLater(self._clock, max(0.0, INTERVAL_SECONDS - spent))

    async def _look_up(self, name: str) -> frozenset[Address]:
        try:
            found = self._resolve(name).addTimeout(TIMEOUT_SECONDS, self._clock)
            addresses = [parse(text) for text in await found]
        except Exception as error:  # A name service may fail in any way; the name is then closed.
            if self.running:
                self._log.warn(
                    "{name} of access.ipWhitelist lets nobody in: {why}",
                    name=name,
                    why=str(error) or type(error).__name__,
                )
            return frozenset()
        known = frozenset(address for address in addresses if address is not None)
        if not known:
            self._log.warn(
                "{name} of access.ipWhitelist lets nobody in: {why}", name=name, why="no address"
            )
        return known


@implementer(IResolutionReceiver)
class _Receiver:
    """Collects what a name leads to."""

    def __init__(self, done: Deferred[Iterable[str]]) -> None:
        self._done = done
        self._found: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing is known yet."""

    def addressResolved(self, address: IAddress) -> None:
        """One more address."""
        self._found.append(getattr(address, "host", ""))

    def resolutionComplete(self) -> None:
        """That was all, and perhaps nothing; how a look-up failed is not told."""
        self._done.callback(self._found)


def system_resolver(reactor: IReactorPluggableNameResolver) -> Resolve:
    """Ask as the whole system does, its file of hosts included."""

    def resolve(name: str) -> Deferred[Iterable[str]]:
        done: Deferred[Iterable[str]] = Deferred()
        reactor.nameResolver.resolveHostName(_Receiver(done), name)
        return done

    return resolve
