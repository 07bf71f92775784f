"""The life of one account as a state machine: the one place that every view of it is made from."""

from typing import Protocol

from automat import TypeMachineBuilder


class Core(Protocol):
    """What the machine tells the account to note."""

    def begins(self) -> None:
        """A connection is being made, for the first time since the start."""

    def works(self) -> None:
        """Messages can come and go."""

    def ails(self, why: str) -> None:
        """It is connected, and does not work as it should."""

    def waits(self, why: str) -> None:
        """The connection is gone; another attempt comes after a pause."""

    def gives_up(self, remedy: str) -> None:
        """Nothing helps but somebody who mends it."""

    def rests(self) -> None:
        """It was stopped."""


class Life(Protocol):
    """What can happen to an account."""

    def start(self) -> None:
        """It is wanted."""

    def connected(self) -> None:
        """The platform took us in."""

    def degraded(self, why: str) -> None:
        """Something is wrong, and the connection stands."""

    def lost(self, why: str) -> None:
        """The connection ended, or could not be made."""

    def failed(self, remedy: str) -> None:
        """The platform will not have us as we are."""

    def stop(self) -> None:
        """It is not wanted any more."""


builder = TypeMachineBuilder(Life, Core)  # type: ignore[type-abstract]  # Only named.
stopped, starting, connected, degraded, reconnecting, failed = (
    builder.state(name)
    for name in ("stopped", "starting", "connected", "degraded", "reconnecting", "failed")
)


@stopped.upon(Life.start).to(starting)
@failed.upon(Life.start).to(starting)
def begin(life: Life, core: Core) -> None:
    """Connect."""
    core.begins()


@starting.upon(Life.connected).to(connected)
@reconnecting.upon(Life.connected).to(connected)
@degraded.upon(Life.connected).to(connected)
@connected.upon(Life.connected).loop()
def work(life: Life, core: Core) -> None:
    """All is well."""
    core.works()


@starting.upon(Life.degraded).to(degraded)
@reconnecting.upon(Life.degraded).to(degraded)
@connected.upon(Life.degraded).to(degraded)
@degraded.upon(Life.degraded).loop()
def ail(life: Life, core: Core, why: str) -> None:
    """It is up, and somebody should look."""
    core.ails(why)


@starting.upon(Life.lost).to(reconnecting)
@connected.upon(Life.lost).to(reconnecting)
@degraded.upon(Life.lost).to(reconnecting)
@reconnecting.upon(Life.lost).loop()
def wait(life: Life, core: Core, why: str) -> None:
    """Try again, later."""
    core.waits(why)


@starting.upon(Life.failed).to(failed)
@connected.upon(Life.failed).to(failed)
@degraded.upon(Life.failed).to(failed)
@reconnecting.upon(Life.failed).to(failed)
def give_up(life: Life, core: Core, remedy: str) -> None:
    """Do nothing more."""
    core.gives_up(remedy)


@starting.upon(Life.stop).to(stopped)
@connected.upon(Life.stop).to(stopped)
@degraded.upon(Life.stop).to(stopped)
@reconnecting.upon(Life.stop).to(stopped)
@failed.upon(Life.stop).to(stopped)
@stopped.upon(Life.stop).loop()
def rest(life: Life, core: Core) -> None:
    """Everything is closed."""
    core.rests()


start_account_life = builder.build()
