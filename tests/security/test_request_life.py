"""Tests of a request's life: every input in every state."""

from collections.abc import Callable

from automat import NoTransition
from twisted.trial.unittest import SynchronousTestCase

from openclaw.security.request_life import End, Life, start_life

INPUTS: dict[str, Callable[[Life], None]] = {
    "stored": lambda life: life.stored(),
    "lost": lambda life: life.lost(),
    "restored": lambda life: life.restored(),
    "settle": lambda life: life.settle("rejected"),
    "done": lambda life: life.done(),
    "failed": lambda life: life.failed(),
}
# The inputs that lead to a state, and what each input does there.
STATES: dict[str, tuple[list[str], dict[str, str]]] = {
    "recording": ([], {"stored": "announce", "lost": "withdraw", "restored": "wait"}),
    "waiting": (["stored"], {"settle": "intend rejected"}),
    "waiting again": (["stored", "settle", "failed"], {"settle": "intend rejected"}),
    "restored": (["restored"], {"settle": "intend rejected"}),
    "settling": (["stored", "settle"], {"done": "finish", "failed": "wait"}),
    "settled": (["stored", "settle", "done"], {}),
    "lost": (["lost"], {}),
}


class Recorder:
    """Takes note of what it is told to do."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def announce(self) -> None:
        self.done.append("announce")

    def withdraw(self) -> None:
        self.done.append("withdraw")

    def wait(self) -> None:
        self.done.append("wait")

    def intend(self, end: End) -> None:
        self.done.append(f"intend {end}")

    def finish(self) -> None:
        self.done.append("finish")


class LifeTests(SynchronousTestCase):
    def test_every_input_in_every_state(self) -> None:
        for state, (way, allowed) in STATES.items():
            for name, send in INPUTS.items():
                recorder = Recorder()
                life = start_life(recorder)
                for step in way:
                    INPUTS[step](life)
                recorder.done.clear()
                if name in allowed:
                    send(life)
                    self.assertEqual(recorder.done, [allowed[name]], (state, name))
                else:
                    self.assertRaises(NoTransition, send, life)
                    self.assertEqual(recorder.done, [], (state, name))
