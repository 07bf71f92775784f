"""Asks a peer now and then whether it is still there; one question at a time. Knows no socket."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Pings:
    """The pings of one connection.

    A dead connection is known ``every + patience`` seconds after its last sign of life at most.

    :param every: seconds between an answer and the next ping; 0 for none at all.
    :param patience: seconds that an answer may take.
    :param ask: sends a ping with this payload.
    :param silent: called once if an answer is missing.
    """

    def __init__(
        self,
        clock: IReactorTime,
        every: float,
        patience: float,
        ask: Callable[[bytes], object],
        silent: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._every = every
        self._patience = patience
        self._ask = ask
        self._silent = silent
        self._number = 0
        self._waiting = False
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """Wait for the time of the first one."""
        if self._every > 0:
            self._timer = self._clock.callLater(self._every, self._ping)

    def answered(self, payload: bytes) -> None:
        """A pong came; only that of the ping that is out counts."""
        if self._waiting and payload == self._payload():
            self.stop()
            self.start()

    def stop(self) -> None:
        """Ask nothing more."""
        self._waiting = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _ping(self) -> None:
        self._number += 1
        self._waiting = True
        self._timer = self._clock.callLater(self._patience, self._missed)
        self._ask(self._payload())

    def _missed(self) -> None:
        self._waiting, self._timer = False, None
        self._silent()

    def _payload(self) -> bytes:
        return b"%d" % self._number
