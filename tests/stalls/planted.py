"""Faults that hold a reactor, as the product might have them; run by ``test_detector`` alone.

Each is repeated, for twice as long each time, until the detector has seen it: of how much of one
stall it can be sure depends on what else the machine does.
"""

import os
from pathlib import Path
from typing import Any

from twisted.internet import reactor as the_reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.stalls.arrange import VARIABLE
from tests.stalls.blame import ROOT
from tests.stalls.reports import read_report, reports_in

reactor: Any = the_reactor
LONGEST_SECONDS = 6.4

FAULTS = '''
import socket, time

def sleep(seconds):
    time.sleep(seconds)

def compute(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))

def compute_in_one_call(seconds):
    sum(range(int(seconds * 100_000_000)))

def look_up(seconds):
    """Ask a server for a name that does not answer."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, resolver:
        server.bind(("127.0.0.1", 0))
        resolver.settimeout(seconds)
        resolver.sendto(b"name", server.getsockname())
        try:
            resolver.recv(512)
        except TimeoutError:
            pass
'''


def faults(file: str) -> dict[str, Any]:
    """The faults as if they stood in a file of that name."""
    scope: dict[str, Any] = {}
    exec(compile(FAULTS, file, "exec"), scope)
    return scope


class PlantedTests(TestCase):
    timeout = 300

    async def repeat(self, name: str) -> None:
        """Call the fault from the reactor, until a stall was reported that names it."""
        fault = faults(f"{ROOT}openclaw/planted.py")[name]
        place, seconds = Path(os.environ[VARIABLE]), 0.4
        while not any(f"in {name}" in read_report(path) for path in reports_in(place)):
            await deferLater(reactor, 0, fault, seconds)
            await deferLater(reactor, 0)
            seconds = min(2 * seconds, LONGEST_SECONDS)

    async def test_sleep(self) -> None:
        await self.repeat("sleep")

    async def test_compute(self) -> None:
        await self.repeat("compute")

    async def test_compute_in_one_call(self) -> None:
        await self.repeat("compute_in_one_call")

    async def test_look_up(self) -> None:
        await self.repeat("look_up")

    async def test_forgiven(self) -> None:
        """Whoever takes all errors out of the log does not get rid of a stall."""
        await self.repeat("sleep")
        self.flushLoggedErrors()

    async def test_of_the_test(self) -> None:
        for fault in ("sleep", "compute", "look_up"):
            await deferLater(reactor, 0, faults(__file__)[fault], 0.4)
