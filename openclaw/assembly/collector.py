"""The garbage collector of a process that runs for months; counting references frees the rest."""

import gc

THRESHOLDS = (5_000, 20, 100)
"""Objects made beyond those freed before the youngest are looked at, then rounds of each age.

Python's own 700 make a look at every object happen every few seconds under load, and each stops the
reactor for tens of milliseconds: it was the larger part of the 99th percentile of ``chat.send``.
"""


def settle() -> None:
    """Leave what the start made, which lives as long as the process, out of every later look."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
