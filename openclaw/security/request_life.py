"""The life of one pairing request as a state machine; it stores nothing and grants nothing."""

from typing import Literal, Protocol

from automat import TypeMachineBuilder

End = Literal["approved", "rejected", "superseded", "expired", "dropped", "removed"]


class Core(Protocol):
    """What the machine tells the request to do."""

    def announce(self) -> None:
        """Tell operators that a device waits, and the device that it does."""

    def withdraw(self) -> None:
        """Forget a request that never came to be."""

    def wait(self) -> None:
        """Wait for a decision."""

    def intend(self, end: End) -> None:
        """Note how it is going to end."""

    def finish(self) -> None:
        """Take it off the list and tell operators how it ended."""


class Life(Protocol):
    """What can happen to a request."""

    def stored(self) -> None:
        """It is on disk."""

    def lost(self) -> None:
        """It could not be written."""

    def restored(self) -> None:
        """It was on disk when the gateway started."""

    def settle(self, end: End) -> None:
        """Somebody or something decided; the decision is being written."""

    def done(self) -> None:
        """The decision is on disk."""

    def failed(self) -> None:
        """The decision could not be written."""


builder = TypeMachineBuilder(Life, Core)  # type: ignore[type-abstract]  # Only named.
recording, waiting, settling, settled = (
    builder.state(name) for name in ("recording", "waiting", "settling", "settled")
)


@recording.upon(Life.stored).to(waiting)
def announce(life: Life, core: Core) -> None:
    """From now on it is in the list, also after a restart."""
    core.announce()


@recording.upon(Life.lost).to(settled)
def withdraw(life: Life, core: Core) -> None:
    """Nobody has seen it."""
    core.withdraw()


@recording.upon(Life.restored).to(waiting)
def wait(life: Life, core: Core) -> None:
    """It was announced before."""
    core.wait()


@waiting.upon(Life.settle).to(settling)
def intend(life: Life, core: Core, end: End) -> None:
    """The first decision counts; a second one finds no transition."""
    core.intend(end)


@settling.upon(Life.done).to(settled)
def finish(life: Life, core: Core) -> None:
    """It is over."""
    core.finish()


@settling.upon(Life.failed).to(waiting)
def resume(life: Life, core: Core) -> None:
    """It waits as before."""
    core.wait()


start_life = builder.build()
