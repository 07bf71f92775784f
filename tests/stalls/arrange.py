"""Puts the detector into trial's process, and on the path of all Python processes it starts.

In trial's process a stall is an error in the log, which fails the test that runs. Another process
writes a file; trial's process finds it and does the same, and ``tools/run_tests.py`` counts what
is found too late for any test.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.stalls.child import possible
from tests.stalls.reports import Reports
from tests.stalls.verdict import Stall
from tests.stalls.watch import watch

# Where the files go, if whoever started trial wants them: see tools/run_tests.py.
VARIABLE = "OPENCLAW_TEST_STALLS"


class ReactorHeld(Exception):
    """Product code held the reactor."""


def in_trial() -> None:
    """Watch the reactor of this process, and all reactors of Python processes it starts."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    if not possible() or not hasattr(reactor, "_poller"):
        return
    reports = Reports(_directory())
    # Whoever starts a process takes the path along: openclaw.testing.running, python_path().
    sys.path.append(str(reports.site))

    def tell(stall: Stall) -> None:
        reports.write(stall.words())
        fail_for_new()

    def fail_for_new() -> None:
        for words in reports.new():
            fail(words)

    def look() -> None:
        if reports.changed():
            reactor.callFromThread(fail_for_new)

    watch(reactor, tell, look, collections=False)


def fail(words: str) -> None:
    """Fail the test that runs: trial fails those that leave an error in the log."""
    from twisted.python import log
    from twisted.python.failure import Failure

    log.err(Failure(ReactorHeld(words)), "product code held the reactor")


def _directory() -> Path:
    wanted = os.environ.get(VARIABLE)
    if wanted:
        return Path(wanted)
    made = Path(tempfile.mkdtemp(prefix="openclaw-stalls-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
