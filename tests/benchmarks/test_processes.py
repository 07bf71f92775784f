"""Tests of benchmarks/processes.py, with real processes."""

import os
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks.processes import PinnedProcess, ProcessStat, all_processes, parse_stat, tree_of

# Burn some CPU in a child that ends and in the program itself, then wait to be looked at.
BUSY = """
import os, time
def burn(seconds):
    while sum(os.times()[:2]) < seconds: pass
child = os.fork()
if child == 0:
    burn(0.2)
    os._exit(0)
os.waitpid(child, 0)
burn(0.1)
sleeper = os.fork()
if sleeper == 0:
    os.setpgid(0, 0)
    time.sleep(60)
print("ready", os.sched_getaffinity(0), flush=True)
time.sleep(60)
"""


def stat(pid: int, parent: int, session: int) -> ProcessStat:
    """Make a process for a tree."""
    return ProcessStat(pid=pid, parent=parent, session=session, ticks=1)


class StatTests(SynchronousTestCase):
    """Reading and choosing processes."""

    def test_command_names_may_hold_anything(self) -> None:
        """Fields are counted from the last bracket; four times are added up."""
        line = "7 (odd) name (x)) S 3 7 5 0 -1 4194560 1 2 3 4 10 20 300 4000 20 0 1 0 9 9 9"
        self.assertEqual(parse_stat(7, line), ProcessStat(pid=7, parent=3, session=5, ticks=4330))

    def test_tree_has_descendants_and_the_session(self) -> None:
        """Grandchildren count, and orphans that stayed in the session; others do not."""
        tree = [
            stat(1, 0, 1),
            stat(5, 1, 5),
            stat(6, 5, 5),
            stat(7, 6, 7),
            stat(8, 1, 5),
            stat(9, 1, 9),
        ]
        self.assertEqual([one.pid for one in tree_of(5, tree)], [5, 6, 7, 8])


class PinnedProcessTests(SynchronousTestCase):
    """A real program with children."""

    def setUp(self) -> None:
        """Start the program and wait for its word."""
        if not sys.platform.startswith("linux"):
            raise SkipTest("the benchmarks read /proc")
        home = Path(self.mktemp())
        home.mkdir()
        self.core = max(os.sched_getaffinity(0))
        self.process = PinnedProcess(
            [sys.executable, "-c", BUSY],
            cores=[self.core],
            environment={},
            directory=home,
            log=home / "log",
            piped=True,
        )
        self.addCleanup(self.process.stop)
        self.word = self.process.pipes[1].readline()

    def test_program_is_held_to_its_core(self) -> None:
        """The program itself sees only that core."""
        self.assertEqual(self.word, f"ready {{{self.core}}}\n".encode())

    def test_time_of_ended_children_counts(self) -> None:
        """0.2 s in a child that has ended and 0.1 s of its own."""
        self.assertGreaterEqual(self.process.cpu_seconds(), 0.25)

    def test_memory_is_that_of_the_whole_tree(self) -> None:
        """Two processes are left; what they share counts twice in one figure only."""
        memory = self.process.memory()
        self.assertEqual(memory.processes, 2)
        self.assertGreater(memory.rss, memory.pss)
        self.assertGreater(memory.pss, 1_000_000)

    def test_stop_leaves_nothing_behind(self) -> None:
        """The child that nobody waits for goes too."""
        self.process.stop()
        self.assertFalse(self.process.running)
        left = tree_of(self.process.popen.pid, all_processes())
        self.assertEqual([one for one in left if one.pid != self.process.popen.pid], [])
