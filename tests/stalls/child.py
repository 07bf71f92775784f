"""Puts the detector into a process of its own, once that loads a reactor; loads little itself.

Every Python process that the tests start runs this, most for a moment and without a reactor.
"""

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from tests.stalls.verdict import Stall

_EPOLL = "twisted.internet.epollreactor"


def possible() -> bool:
    """Whether the kernel says what the detector has to know."""
    return sys.platform == "linux" and os.path.exists("/proc/self/schedstat")


def in_child(place: str) -> None:
    """Watch the reactor of this process once it has one.

    Trial's own workers are let alone: they load the tests, which see to it; see ``arrange``.

    :param place: the directory where reports go.
    """
    of_trial = any(word.endswith("workertrial.py") for word in sys.orig_argv)
    if possible() and not of_trial:
        sys.meta_path.insert(0, _WhenLoaded(place))


class _WhenLoaded:
    """Waits for the module of the reactor to be loaded."""

    def __init__(self, place: str) -> None:
        self._place = place

    def find_spec(
        self, name: str, path: "Sequence[str] | None", target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Find nothing; but that one module's reactors are watched."""
        if name != _EPOLL:
            return None
        from importlib.util import find_spec

        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def exec_module(module: "ModuleType") -> None:
            load(module)
            _watch_all(module.EPollReactor, self._place)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _watch_all(kind: Any, place: str) -> None:
    """Watch every reactor of this kind; a process makes one."""
    from pathlib import Path

    try:
        from tests.stalls.reports import write_report
        from tests.stalls.watch import watch
    except ImportError:  # It cannot see these tests: an installed gateway, another project.
        return
    make = kind.__init__

    def tell(stall: "Stall") -> None:
        # The directory names the test; arguments may hold a token.
        where = f"process {os.getpid()}, {sys.argv[0]}, in {os.getcwd()}"
        with suppress(OSError):  # The run is over, or the disk full on purpose.
            write_report(Path(place), f"{where}: {stall.words()}")

    def make_watched(reactor: Any) -> None:
        make(reactor)
        watch(reactor, tell)

    kind.__init__ = make_watched
