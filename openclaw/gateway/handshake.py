"""The handshake as a state machine: what a socket may do before it is a client."""

from typing import Protocol

from automat import TypeMachineBuilder

from openclaw.errors import ConnectRefused


class Core(Protocol):
    """What the machine tells its connection to do."""

    def send_challenge(self) -> None:
        """Ask for proof, and start the clock."""

    def decide(self, text: bytes) -> None:
        """Look at the first message; ends in ``admit``, ``refuse`` or ``hang_up``."""

    def send_hello(self) -> None:
        """Tell the client what it was granted."""

    def send_refusal(self, error: ConnectRefused) -> None:
        """Answer with the error, then close."""

    def close(self, code: int, reason: str) -> None:
        """Close without an answer."""

    def forget(self) -> None:
        """The socket is gone, or about to be: stop the clock, cancel what runs."""


class Handshake(Protocol):
    """What can happen to a socket before it is a client."""

    def opened(self) -> None:
        """The WebSocket is open."""

    def message(self, text: bytes) -> None:
        """A message came."""

    def admit(self) -> None:
        """The client may speak."""

    def refuse(self, error: ConnectRefused) -> None:
        """The client may not."""

    def hang_up(self, code: int, reason: str) -> None:
        """What came was no handshake at all."""

    def timed_out(self) -> None:
        """The time for the handshake is over."""

    def lost(self) -> None:
        """The socket is gone."""


builder = TypeMachineBuilder(Handshake, Core)  # type: ignore[type-abstract]  # Only named.
connected, challenged, deciding, speaking, closed = (
    builder.state(name) for name in ("connected", "challenged", "deciding", "speaking", "closed")
)


@connected.upon(Handshake.opened).to(challenged)
def challenge(handshake: Handshake, core: Core) -> None:
    """Ask for proof at once."""
    core.send_challenge()


@challenged.upon(Handshake.message).to(deciding)
def look_at_first(handshake: Handshake, core: Core, text: bytes) -> None:
    """The first message must be the handshake."""
    core.decide(text)


@deciding.upon(Handshake.message).to(closed)
def too_eager(handshake: Handshake, core: Core, text: bytes) -> None:
    """One message only until it is answered (a flood before authentication ends here)."""
    core.forget()
    core.close(1008, "invalid handshake: wait for the answer to connect")


@deciding.upon(Handshake.admit).to(speaking)
def welcome(handshake: Handshake, core: Core) -> None:
    """From here on the connection is a client."""
    core.send_hello()


@deciding.upon(Handshake.refuse).to(closed)
def turn_away(handshake: Handshake, core: Core, error: ConnectRefused) -> None:
    """Say why, then close."""
    core.forget()
    core.send_refusal(error)


@deciding.upon(Handshake.hang_up).to(closed)
def drop(handshake: Handshake, core: Core, code: int, reason: str) -> None:
    """Close without an answer, as there was no request to answer."""
    core.forget()
    core.close(code, reason)


def time_is_up(handshake: Handshake, core: Core) -> None:
    """Close with 1000 and no reason, as clients of this protocol expect."""
    core.forget()
    core.close(1000, "")


def gone(handshake: Handshake, core: Core) -> None:
    """Clean up."""
    core.forget()


for _state in (challenged, deciding):
    _state.upon(Handshake.timed_out).to(closed)(time_is_up)
for _state in (connected, challenged, deciding, speaking):
    _state.upon(Handshake.lost).to(closed)(gone)

# What comes after the end is ignored: a late message, a decision that took longer than the socket.
closed.upon(Handshake.message).loop().returns(None)
closed.upon(Handshake.lost).loop().returns(None)
closed.upon(Handshake.admit).loop().returns(None)
closed.upon(Handshake.refuse).loop().returns(None)
closed.upon(Handshake.hang_up).loop().returns(None)

start_handshake = builder.build()
