"""The sign that an answer is being written: shown again and again while it is, never for ever."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openclaw.channels.account import Account
from openclaw.interfaces.messages import Target

LEASE_SECONDS = 900.0
MOST_FAILURES = 3


class TypingSign:
    """The sign in one chat, for one run."""

    _log = Logger()

    def __init__(self, account: Account, target: Target, clock: IReactorTime) -> None:
        self._account = account
        self._target = target
        self._clock = clock
        self._until = clock.seconds() + LEASE_SECONDS
        self._failures = 0
        self._timer: IDelayedCall | None = None
        self._over = False
        self._show()

    def stop(self) -> None:
        """Show it no more."""
        if self._over:
            return
        self._over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._tell(False)

    def _show(self) -> None:
        if self._over or self._clock.seconds() >= self._until or self._failures >= MOST_FAILURES:
            return
        self._tell(True)
        every = self._account.configured.manifest.abilities.typing_seconds
        self._timer = self._clock.callLater(every, self._show)

    def _tell(self, on: bool) -> None:
        if not self._account.connected:
            return
        told = self._account.channel.typing(self._target, on)
        told.addCallbacks(self._worked, self._failed)

    def _worked(self, _: object) -> None:
        self._failures = 0

    def _failed(self, _: object) -> None:
        self._failures += 1
