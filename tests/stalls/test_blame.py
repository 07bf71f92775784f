"""Whose code a stack is in."""

import sys
from types import FrameType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.stalls.blame import ROOT, blame, owner, stack, within
from tests.stalls.verdict import NOBODY, PRODUCT, TESTS

LIBRARY = "/usr/lib/library.py"
PLANTED, STAND_IN = f"{ROOT}openclaw/planted.py", f"{ROOT}tests/standin.py"


def frames(*files: str, names: str = "work") -> FrameType:
    """The innermost frame of calls through functions that stand in these files.

    The frames of the test itself lie around them, as they do when a test calls the product.
    """
    inner: Any = sys._getframe
    for file in reversed(files):
        scope: dict[str, Any] = {"inner": inner}
        exec(compile(f"def {names}():\n    return inner()\n", file, "exec"), scope)
        inner = scope[names]
    frame: FrameType = inner()
    return frame


class BlameTests(SynchronousTestCase):
    def test_files(self) -> None:
        for name, expected in (
            ("openclaw/sessions/lanes.py", PRODUCT),
            ("openclaw/client/gateway.py", PRODUCT),
            ("openclaw/client/blocking.py", TESTS),
            ("openclaw/cli/chat.py", TESTS),
            ("openclaw/testing/running.py", TESTS),
            ("tests/standins/model.py", TESTS),
            ("benchmarks/floor.py", TESTS),
            ("twisted/plugins/openclaw_plugin.py", NOBODY),
        ):
            self.assertEqual(owner(ROOT + name), expected, name)
        self.assertEqual(owner("/usr/lib/python3/json/__init__.py"), NOBODY)
        self.assertEqual(owner("<frozen importlib._bootstrap>"), NOBODY)

    def test_the_innermost_of_ours_is_at_it(self) -> None:
        for files, expected in (
            ([PLANTED], PRODUCT),
            ([PLANTED, LIBRARY], PRODUCT),
            ([PLANTED, LIBRARY, STAND_IN, LIBRARY], TESTS),
            ([LIBRARY, STAND_IN, PLANTED, LIBRARY], PRODUCT),
            ([LIBRARY], TESTS),
        ):
            self.assertEqual(blame(frames(*files)), expected, files)

    def test_nothing_of_ours(self) -> None:
        self.assertEqual(blame(None), NOBODY)

    def test_a_gateway_that_is_built(self) -> None:
        building = f"{ROOT}openclaw/assembly/gateway.py"
        self.assertEqual(blame(frames(building, PLANTED, names="build")), TESTS)
        self.assertEqual(blame(frames(building, PLANTED, names="_start")), PRODUCT)

    def test_calls_of_the_product(self) -> None:
        self.assertEqual(len(within(frames(PLANTED, LIBRARY, PLANTED))), 2)
        self.assertEqual(within(frames(STAND_IN)), frozenset())

    def test_stack_begins_below_the_reactor_and_holds_no_values(self) -> None:
        places = stack(frames(LIBRARY, PLANTED))
        self.assertEqual(places[-2:], ((LIBRARY, 2, "work"), ("openclaw/planted.py", 2, "work")))
        inside = stack(frames(LIBRARY, names="mainLoop"))
        self.assertEqual(inside, ())
