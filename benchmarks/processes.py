"""Start programs on chosen cores and read from /proc what their process trees spent; Linux only."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import attrs

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 20.0


@attrs.frozen
class ProcessStat:
    """The few fields of ``/proc/<pid>/stat`` that are needed; times in clock ticks."""

    pid: int
    parent: int
    session: int
    ticks: int


@attrs.frozen
class Memory:
    """Memory in bytes; shared pages are counted once in ``pss``, each time in ``rss``."""

    rss: int
    pss: int
    processes: int


def parse_stat(pid: int, text: str) -> ProcessStat:
    """Read one stat line; fields start after the command name, which may hold blanks."""
    fields = text[text.rindex(")") + 2 :].split()
    # utime, stime, and the same of children that ended and were waited for.
    ticks = sum(int(field) for field in fields[11:15])
    return ProcessStat(pid=pid, parent=int(fields[1]), session=int(fields[3]), ticks=ticks)


def all_processes() -> list[ProcessStat]:
    """Every process there is now."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            found.append(parse_stat(int(entry.name), (entry / "stat").read_text()))
        except (OSError, ValueError):
            continue  # It ended while we looked.
    return found


def tree_of(root: int, processes: Iterable[ProcessStat]) -> list[ProcessStat]:
    """The process ``root``, its descendants, and whoever else is in the session it leads."""
    processes = list(processes)
    members = {stat.pid for stat in processes if root in (stat.pid, stat.session)}
    grown = True
    while grown:
        more = {stat.pid for stat in processes if stat.parent in members} - members
        members |= more
        grown = bool(more)
    return [stat for stat in processes if stat.pid in members]


def memory_of(pid: int) -> Memory:
    """Resident memory of one process; zeros when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return Memory(rss=0, pss=0, processes=0)
    sizes = {
        name.rstrip(":"): int(value) * 1024
        for name, value in (line.split()[:2] for line in text.splitlines()[1:])
    }
    return Memory(rss=sizes.get("Rss", 0), pss=sizes.get("Pss", 0), processes=1)


class PinnedProcess:
    """One program with all its descendants, held to some cores, its output in a file."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cores: Iterable[int],
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        piped: bool = False,
    ) -> None:
        """Start ``command``; with ``piped`` its stdin and stdout are pipes instead of the log."""
        allowed = set(cores)
        pipe = subprocess.PIPE if piped else None
        with log.open("ab") as output:
            self.started_at = time.monotonic()
            self.popen = subprocess.Popen(
                [str(part) for part in command],
                cwd=directory,
                env=dict(environment),
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or output,
                stderr=output,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, allowed),
            )
        self.log = log

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """Stdin and stdout of a ``piped`` process."""
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        return self.popen.stdin, self.popen.stdout

    @property
    def running(self) -> bool:
        """Whether the program itself has not ended."""
        return self.popen.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree since it started, ended children included."""
        tree = tree_of(self.popen.pid, all_processes())
        return sum(stat.ticks for stat in tree) / TICKS_PER_SECOND

    def memory(self) -> Memory:
        """Resident memory of the whole tree now."""
        parts = [memory_of(stat.pid) for stat in tree_of(self.popen.pid, all_processes())]
        return Memory(
            rss=sum(part.rss for part in parts),
            pss=sum(part.pss for part in parts),
            processes=sum(part.processes for part in parts),
        )

    def stop(self, first: signal.Signals = signal.SIGTERM) -> None:
        """Ask the program to end, then kill what is left of its tree."""
        if self.running:
            self.popen.send_signal(first)
            # The original may drain for minutes; nobody waits for its work here.
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(STOP_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while self._kill_tree() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            if stream is not None:
                stream.close()

    def _kill_tree(self) -> bool:
        """Kill what is left of the tree; whether there was anything."""
        left = [stat.pid for stat in tree_of(self.popen.pid, all_processes())]
        if not self.running and self.popen.pid in left:
            left.remove(self.popen.pid)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(left)
