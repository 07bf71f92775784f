"""The order of a run: which measure, server, round; servers alternate so that noise hits both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import ParamSpec

import attrs

from benchmarks.loads import DURABLE_LOADS, LOADS, seed_sessions, terminal
from benchmarks.rest import floor, start_and_rest, wait_for_health
from benchmarks.results import Sample
from benchmarks.servers import FLOORS, ORIGINAL, OURS, PEER, Server
from benchmarks.stage import Figures, Stage

P = ParamSpec("P")

REST = "rest"
FLOOR_MEASURES = {f"floor-{kind}": kind for kind in FLOORS}
MEASURES = (REST, *LOADS, *FLOOR_MEASURES, *DURABLE_LOADS)
DURABLE_ROUNDS = 2


@attrs.frozen
class Plan:
    """What a run is to do."""

    measures: tuple[str, ...]
    servers: tuple[str, ...]
    rounds: int

    def wanted(self, names: Sequence[str]) -> list[str]:
        """Those of ``names`` that this run measures."""
        return [name for name in names if name in self.measures]

    def order(self, number: int, *names: str) -> list[str]:
        """The wanted servers, in turned order every other round."""
        chosen = [name for name in names if name in self.servers]
        return chosen if number % 2 else chosen[::-1]


def run(stage: Stage, plan: Plan) -> Iterator[Sample]:
    """Do everything the plan wants; samples come as they are made."""
    yield from rest_rounds(stage, plan)
    yield from load_rounds(stage, plan)
    yield from floor_rounds(stage, plan)
    yield from durable_rounds(stage, plan)


def sample(
    measure: str,
    server: str,
    number: int,
    work: Callable[P, Figures],
    *args: P.args,
    **kw: P.kwargs,
) -> Iterator[Sample]:
    """One round of one measure; what fails is told and missing from the table, the run goes on."""
    try:
        figures = work(*args, **kw)
    except Exception as error:  # A server may fail a load in any way: the other rounds still count.
        print(f"{measure} {server} round {number}: {error}", file=sys.stderr, flush=True)
        return
    shown = " ".join(f"{name}={value:.4g}" for name, value in figures.items())
    print(f"{measure} {server} round {number}: {shown}", file=sys.stderr, flush=True)
    yield Sample(measure=measure, server=server, round=number, figures=figures)


def rest_rounds(stage: Stage, plan: Plan) -> Iterator[Sample]:
    """Starts and memory, each server alone; round 0 fills caches and state and is not kept."""
    if not plan.wanted([REST]):
        return
    for number in range(plan.rounds + 1):
        for name in plan.order(number, ORIGINAL, OURS, PEER):
            for one in sample(REST, name, number, start_and_rest, stage, name):
                if number > 0:
                    yield one


def load_rounds(stage: Stage, plan: Plan) -> Iterator[Sample]:
    """Loads on two servers that stay up; round 0 warms them and is not kept."""
    loads = plan.wanted(tuple(LOADS))
    if not loads:
        return
    with ExitStack() as stack:
        servers = {}
        for name in plan.order(1, ORIGINAL, OURS):
            servers[name] = stack.enter_context(stage.serving(name))
            prepare(stage, servers[name])
            stack.enter_context(terminal(stage, servers[name]))
        for number in range(plan.rounds + 1):
            for measure in loads:
                for name in plan.order(number, ORIGINAL, OURS):
                    yield from load_round(stage, measure, servers[name], number)


def load_round(stage: Stage, measure: str, server: Server, number: int) -> Iterator[Sample]:
    """One round of one load, kept if it is not a warm-up."""
    for one in sample(measure, server.name, number, LOADS[measure], stage, server):
        if number > 0:
            yield one


def prepare(stage: Stage, server: Server) -> None:
    """Bring a fresh server to where the loads begin."""
    wait_for_health(server)
    stage.wait_for_hello(server)
    seed_sessions(stage, server)


def floor_rounds(stage: Stage, plan: Plan) -> Iterator[Sample]:
    """The bare echo servers."""
    for number in range(1, plan.rounds + 1):
        for measure in plan.wanted(tuple(FLOOR_MEASURES)):
            kind = FLOOR_MEASURES[measure]
            yield from sample(measure, "floor", number, floor, stage, kind)


def durable_rounds(stage: Stage, plan: Plan) -> Iterator[Sample]:
    """Durable inputs, each time on a fresh server: a queue left over would count."""
    for number in range(1, min(plan.rounds, DURABLE_ROUNDS) + 1):
        for measure in plan.wanted(tuple(DURABLE_LOADS)):
            for name in plan.order(number, ORIGINAL, OURS):
                home = f"{measure}-{name}-{number}"
                yield from sample(
                    measure,
                    name,
                    number,
                    durable,
                    stage,
                    measure,
                    name,
                    home,
                )


def durable(stage: Stage, measure: str, name: str, home: str) -> Figures:
    """One durable load on a server of its own; the original has no agent without a model."""
    with stage.serving(name, home=home, cores=stage.cores.every, model=name != OURS) as server:
        wait_for_health(server)
        stage.wait_for_hello(server)
        return DURABLE_LOADS[measure](stage, server)
