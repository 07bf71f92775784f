"""The measurement of the queue runs, on each backend, and measures what it says."""

import sys
from pathlib import Path
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from benchmarks.queue import measure
from tests.cli.running import child_environment


class QueueMeasurementTests(TestCase):
    timeout = 120

    async def test_each_backend(self) -> None:
        for backend in ("memory", "sqlite"):
            folder = Path(self.mktemp())
            folder.mkdir()
            rates = await measure(backend, folder, 600, 50)
            names = [rate.what for rate in rates]
            self.assertEqual(names, ["enqueue", "claim and ack", "enqueue, work, ack"])
            self.assertTrue(all(rate.per_second and rate.per_cpu_second for rate in rates))

    async def test_the_command_ends(self) -> None:
        for backend in ("memory", "sqlite"):
            arguments: Any = ("-m", "benchmarks.queue", "--messages", "300", "--backend", backend)
            out, err, status = await getProcessOutputAndValue(
                sys.executable, arguments, env=child_environment(Path(self.mktemp()))
            )
            self.assertEqual((status, err), (0, b""))
            self.assertEqual(out.count(b"/CPU s"), 3)
