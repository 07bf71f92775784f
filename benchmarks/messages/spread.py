"""How long things took: counts in buckets a hundredth wide, so that a long run stays small."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

WIDTH = math.log(1.01)
LEAST_SECONDS = 1e-6


class Spread:
    """Some durations; each is known to one percent."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self._counts: Counter[int] = Counter(counts or {})

    def __len__(self) -> int:
        """How many there are."""
        return sum(self._counts.values())

    def add(self, seconds: float) -> None:
        """Take one more."""
        self._counts[round(math.log(max(seconds, LEAST_SECONDS)) / WIDTH)] += 1

    def share(self, part: float) -> float:
        """The duration that ``part`` of all do not exceed, in seconds; 0 if there are none."""
        left = math.ceil(len(self) * part)
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 0:
                return math.exp(bucket * WIDTH)
        return 0.0

    def counts(self) -> dict[str, int]:
        """All of it, for JSON."""
        return {str(bucket): count for bucket, count in sorted(self._counts.items())}

    @classmethod
    def joined(cls, several: Iterable[Mapping[str, int]]) -> Spread:
        """Make one of what :meth:`counts` gave."""
        total: Counter[int] = Counter()
        for counts in several:
            total.update({int(bucket): count for bucket, count in counts.items()})
        return cls(total)
