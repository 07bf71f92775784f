"""Whose code a thread is in: the product's, the tests', or nobody's of this project."""

from pathlib import Path
from types import FrameType

from tests.stalls.verdict import NOBODY, PRODUCT, TESTS, Place

ROOT = f"{Path(__file__).resolve().parents[2]}/"
# What commands and the authors of channels use beside a gateway, never in one.
_BESIDE = ("openclaw/testing/", "openclaw/cli/", "openclaw/client/blocking")
_TESTS = ("tests/", "benchmarks/", "tools/", "docs/", *_BESIDE)
# Builds the gateway, which happens before there is a reactor that turns; tests do it in a turn.
_BUILDING = {
    ("openclaw/tap.py", "make_gateway"),
    ("openclaw/assembly/gateway.py", "build"),
    # Its last act looks at all that the process holds, which in ours is what every test left.
    ("openclaw/assembly/collector.py", "settle"),
}
DEEPEST = 60


def owner(filename: str) -> str:
    """Whose one file is."""
    name = filename.removeprefix(ROOT)
    if name == filename:
        return NOBODY
    if name.startswith(_TESTS):
        return TESTS
    return PRODUCT if name.startswith("openclaw/") else NOBODY


def blame(frame: FrameType | None) -> str:
    """Who is at it: the innermost frame of ours says it, unless a gateway is being built.

    A stand-in of the tests that the product calls is the tests'; a product function that a test
    calls is the product's, for in the product it runs in a turn too.
    """
    found = NOBODY
    while frame is not None:
        code = frame.f_code
        if not found:
            found = owner(code.co_filename)
        if found == TESTS:
            return found
        if (code.co_filename.removeprefix(ROOT), code.co_name) in _BUILDING:
            return TESTS
        frame = frame.f_back
    return found


def within(frame: FrameType | None) -> frozenset[int]:
    """Every call of product code that is going on, each by a number of its own."""
    found = set()
    while frame is not None:
        if owner(frame.f_code.co_filename) == PRODUCT:
            found.add(id(frame))
        frame = frame.f_back
    return frozenset(found)


def stack(frame: FrameType | None) -> tuple[Place, ...]:
    """What the turn is at, innermost last: frames without any values."""
    places: list[Place] = []
    while frame is not None and len(places) < DEEPEST and frame.f_code.co_name != "mainLoop":
        code = frame.f_code
        places.append((code.co_filename.removeprefix(ROOT), frame.f_lineno, code.co_name))
        frame = frame.f_back
    return tuple(reversed(places))
