"""A result with known figures; nothing was measured for it."""

from benchmarks.results import Result, Sample
from benchmarks.servers import ORIGINAL, OURS, PEER


def sample(measure: str, server: str, number: int = 1, **figures: float) -> Sample:
    """Make one sample."""
    return Sample(measure=measure, server=server, round=number, figures=figures)


def known_result() -> Result:
    """Make a result in which ``health`` meets its target and the device handshake misses it."""
    samples = [
        sample("health", ORIGINAL, 1, cpuSeconds=6.0, wallSeconds=8.0, amount=10_000.0),
        sample("health", ORIGINAL, 2, cpuSeconds=7.0, wallSeconds=8.0, amount=10_000.0),
        sample("health", ORIGINAL, 3, cpuSeconds=50.0, wallSeconds=80.0, amount=10_000.0),
        sample("health", OURS, 1, cpuSeconds=0.5, wallSeconds=1.0, amount=10_000.0),
        sample("handshake-device", ORIGINAL, cpuSeconds=6.6, amount=1_000.0),
        sample("handshake-device", OURS, cpuSeconds=3.3, amount=1_000.0),
        sample("rest", OURS, healthSeconds=0.6, rssBytes=64e6, readyCpuSeconds=0.5),
        sample("rest", PEER, healthSeconds=0.9, rssBytes=95e6, readyCpuSeconds=0.8),
        sample("floor-tcp", "floor", cpuSeconds=0.057, amount=10_000.0),
    ]
    return Result(
        date="2026-01-02",
        machine={"cores": "2"},
        versions={"original": "2026.9.6"},
        scale=1.0,
        samples=samples,
    )
