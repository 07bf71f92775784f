"""What one piece of a model's answer costs on its way through, in CPU time; no sockets.

Run it with ``python -m benchmarks.deltas``. It prints a row for each API: microseconds from the
bytes of an event to the sink, when every event comes by itself and when many come at once.
"""

import time

from openclaw.agents.runtimes.draft import Draft, Hearing
from openclaw.agents.runtimes.relay import Relay
from openclaw.agents.runtimes.server import dialect_of
from openclaw.interfaces.agents import ModelInfo, RunRequest
from tests.standins.behaviour import Behaviour, words
from tests.standins.completions import Completions
from tests.standins.messages import Messages
from tests.standins.responses import Responses
from tests.standins.shape import Shape

SHAPES: dict[str, Shape] = {
    "openai-completions": Completions(),
    "openai-responses": Responses(),
    "anthropic-messages": Messages(),
}
PIECES = 20_000
ROUNDS = 5
MODEL = ModelInfo("mock", "mock-1", "Mock")
REQUEST = RunRequest("r", "agent:main:main", "main", MODEL, [])


def seconds(api: str, pieces: list[bytes]) -> float:
    """Relay one answer; return the CPU time."""
    heard = 0

    def hear(text: str) -> None:
        nonlocal heard
        heard += 1

    draft = Draft(Hearing(hear))
    relay = Relay(dialect_of(api).answer(draft, REQUEST), draft)
    started = time.process_time()
    for piece in pieces:
        relay.feed(piece)
    relay.end()
    spent = time.process_time() - started
    if heard != PIECES:
        raise AssertionError(f"{api}: {heard} of {PIECES} pieces arrived")
    return spent


def main() -> None:
    """Print the table."""
    print(f"{'API':20} {'alone':>8} {'together':>9}   microseconds a piece")
    for api, shape in SHAPES.items():
        events = list(shape.frames(Behaviour(words(PIECES))))
        stream = b"".join(events)
        block = 64 * 1024
        together = [stream[at : at + block] for at in range(0, len(stream), block)]
        best = [min(seconds(api, way) for _ in range(ROUNDS)) for way in (events, together)]
        alone, many = (spent / PIECES * 1e6 for spent in best)
        print(f"{api:20} {alone:8.2f} {many:9.2f}")


if __name__ == "__main__":
    main()
