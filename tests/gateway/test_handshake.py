"""The handshake machine: every input in every state."""

from typing import Any

from automat import NoTransition
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConnectRefused
from openclaw.gateway.handshake import Handshake, builder, start_handshake

REFUSAL = ConnectRefused("no")


class Recorder:
    """A core that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def send_challenge(self) -> None:
        self.told.append("challenge")

    def decide(self, text: bytes) -> None:
        self.told.append(("decide", text))

    def send_hello(self) -> None:
        self.told.append("hello")

    def send_refusal(self, error: ConnectRefused) -> None:
        self.told.append(("refusal", error))

    def close(self, code: int, reason: str) -> None:
        self.told.append(("close", code, reason))

    def forget(self) -> None:
        self.told.append("forget")


def put(machine: Handshake, what: str) -> None:
    """Give one input, with arguments where it has some."""
    arguments: dict[str, tuple[Any, ...]] = {
        "message": (b"text",),
        "refuse": (REFUSAL,),
        "hang_up": (1008, "bad"),
    }
    getattr(machine, what)(*arguments.get(what, ()))


WAY = {
    "connected": (),
    "challenged": ("opened",),
    "deciding": ("opened", "message"),
    "speaking": ("opened", "message", "admit"),
    "closed": ("opened", "timed_out"),
}
INPUTS = ("opened", "message", "admit", "refuse", "hang_up", "timed_out", "lost")
EAGER = ("close", 1008, "invalid handshake: wait for the answer to connect")
# State, input: what the core is told; whatever is not here has no transition.
EXPECTED: dict[tuple[str, str], list[Any]] = {
    ("connected", "opened"): ["challenge"],
    ("connected", "lost"): ["forget"],
    ("challenged", "message"): [("decide", b"text")],
    ("challenged", "timed_out"): ["forget", ("close", 1000, "")],
    ("challenged", "lost"): ["forget"],
    ("deciding", "message"): ["forget", EAGER],
    ("deciding", "admit"): ["hello"],
    ("deciding", "refuse"): ["forget", ("refusal", REFUSAL)],
    ("deciding", "hang_up"): ["forget", ("close", 1008, "bad")],
    ("deciding", "timed_out"): ["forget", ("close", 1000, "")],
    ("deciding", "lost"): ["forget"],
    ("speaking", "lost"): ["forget"],
    ("closed", "message"): [],
    ("closed", "admit"): [],
    ("closed", "refuse"): [],
    ("closed", "hang_up"): [],
    ("closed", "lost"): [],
}


class HandshakeTests(SynchronousTestCase):
    def test_every_input_in_every_state(self) -> None:
        for state, way in WAY.items():
            for what in INPUTS:
                core = Recorder()
                machine = start_handshake(core)
                for step in way:
                    put(machine, step)
                core.told.clear()
                if (state, what) in EXPECTED:
                    put(machine, what)
                    self.assertEqual(core.told, EXPECTED[state, what], (state, what))
                else:
                    self.assertRaises(NoTransition, put, machine, what)
                    self.assertEqual(core.told, [], (state, what))

    def test_every_end_is_the_end(self) -> None:
        for ending in ("refuse", "hang_up", "timed_out", "lost", "message"):
            core = Recorder()
            machine = start_handshake(core)
            for step in ("opened", "message", ending):
                put(machine, step)
            core.told.clear()
            for late in ("message", "admit", "refuse", "hang_up", "lost"):
                put(machine, late)
            self.assertEqual(core.told, [], ending)

    def test_the_drawing_has_every_state(self) -> None:
        drawn = {str(state) for state in builder._automaton.states()}
        for state in WAY:
            self.assertTrue(any(state in one for one in drawn), (state, drawn))
        self.assertEqual(len(drawn), len(WAY))
