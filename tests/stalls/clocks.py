"""The clocks of one thread as Linux keeps them: what it ran, what it waited for, its state."""

import os
import threading
import time

_TICKS = os.sysconf("SC_CLK_TCK")
_STOLEN = 8


class ThreadClocks:
    """The clocks of one thread of this process, to be read by any other.

    :param ident: Python's id of it.
    :param native: the kernel's id of it.
    :raises OSError: the kernel does not keep them.
    """

    def __init__(self, ident: int, native: int) -> None:
        self._clock = time.pthread_getcpuclockid(ident)
        self._schedule = os.open(f"/proc/self/task/{native}/schedstat", os.O_RDONLY)
        self._state = os.open(f"/proc/self/task/{native}/stat", os.O_RDONLY)

    @classmethod
    def mine(cls) -> "ThreadClocks":
        """Those of the thread that asks."""
        return cls(threading.get_ident(), threading.get_native_id())

    def cpu(self) -> float:
        """Seconds that it ran."""
        return time.clock_gettime(self._clock)

    def queued(self) -> float:
        """Seconds that it could have run but had no core."""
        return int(os.pread(self._schedule, 80, 0).split()[1]) / 1e9

    def asleep(self) -> bool:
        """Whether it waits for something other than a core or a disk."""
        line = os.pread(self._state, 120, 0)
        return line[line.rindex(b")") + 2 :][:1] == b"S"


class Machine:
    """The clock of the whole machine."""

    def __init__(self) -> None:
        self._stat = os.open("/proc/stat", os.O_RDONLY)

    def stolen(self) -> float:
        """Seconds that the hypervisor gave to others, over all cores."""
        fields = os.pread(self._stat, 200, 0).partition(b"\n")[0].split()
        return int(fields[_STOLEN]) / _TICKS if len(fields) > _STOLEN else 0.0
