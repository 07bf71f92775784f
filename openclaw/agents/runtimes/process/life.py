"""The life of an agent's process as a state machine: when it is started, and when no more.

The machine only calls its Core; no process, no clock and no signal are known here.
"""

from typing import Protocol

from automat import TypeMachineBuilder


class Core(Protocol):
    """What the machine has done."""

    def spawn(self) -> None:
        """Start the program."""

    def plan_return(self) -> None:
        """Start it again, after a pause that grows from crash to crash."""

    def alarm(self) -> None:
        """It crashes too often: say so to everybody, leave it alone for a while."""

    def give_another_chance(self) -> None:
        """The while is over: what was counted is forgotten."""

    def forget_pause(self) -> None:
        """Nothing is waited for any more."""

    def terminate(self) -> None:
        """Ask the process to end, and start the clock."""

    def kill(self) -> None:
        """End the process and whatever it has started, without asking."""

    def at_rest(self) -> None:
        """There is no process, and there will be none unless somebody wants one."""


class Life(Protocol):
    """What can happen to it."""

    def wanted(self) -> None:
        """A run needs the process."""

    def crashed(self) -> None:
        """The process has ended, and nobody had asked it to."""

    def gave_out(self) -> None:
        """The process has ended by itself once too often."""

    def hangs(self) -> None:
        """The process does not react: away with it."""

    def ended(self) -> None:
        """The process that was asked to end, or was killed, is gone."""

    def pause_over(self) -> None:
        """The time for what was planned has come."""

    def stop(self) -> None:
        """Nobody needs it any more."""

    def too_late(self) -> None:
        """It was asked to end and has not."""


builder = TypeMachineBuilder(Life, Core)  # type: ignore[type-abstract]  # Only named.
resting, running, returning, killed, ending, down = (
    builder.state(name) for name in ("resting", "running", "returning", "killed", "ending", "down")
)


def spawn(life: Life, core: Core) -> None:
    """Start the program."""
    core.spawn()


@running.upon(Life.crashed).to(returning)
def come_back(life: Life, core: Core) -> None:
    """A crash is nothing that people should notice more of than one failed run."""
    core.plan_return()


@running.upon(Life.gave_out).to(down)
def go_down(life: Life, core: Core) -> None:
    """Starting it again and again would only burn the machine."""
    core.alarm()


def begin_kill(life: Life, core: Core) -> None:
    """It does not listen."""
    core.kill()


@killed.upon(Life.ended).to(returning)
def come_back_after_kill(life: Life, core: Core) -> None:
    """That one is confirmed gone; the next may come."""
    core.plan_return()


@running.upon(Life.stop).to(ending)
def begin_end(life: Life, core: Core) -> None:
    """Ask first."""
    core.terminate()


def rest(life: Life, core: Core) -> None:
    """There is nothing to end."""
    core.forget_pause()
    core.at_rest()


@ending.upon(Life.too_late).loop()
def lose_patience(life: Life, core: Core) -> None:
    """It was asked."""
    core.kill()


@ending.upon(Life.ended).to(resting)
def gone(life: Life, core: Core) -> None:
    """It has ended as it should."""
    core.at_rest()


@down.upon(Life.pause_over).to(resting)
def forgive(life: Life, core: Core) -> None:
    """The next run may try again."""
    core.give_another_chance()


resting.upon(Life.wanted).to(running)(spawn)
returning.upon(Life.pause_over).to(running)(spawn)
running.upon(Life.hangs).to(killed)(begin_kill)
for _state in (resting, returning, down):
    _state.upon(Life.stop).to(resting)(rest)

# A process that is killed anyway has nothing to be asked.
killed.upon(Life.stop).to(ending).returns(None)
for _state in (running, returning, killed, ending, down):
    _state.upon(Life.wanted).loop().returns(None)
for _state in (resting, returning, killed, ending, down):
    _state.upon(Life.hangs).loop().returns(None)
ending.upon(Life.stop).loop().returns(None)

start_life = builder.build()
