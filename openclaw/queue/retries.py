"""When a failed message is tried again, and when no more; counts attempts, runs nothing."""

from random import Random
from typing import Literal

from attrs import frozen

JITTER = 0.1

Backoff = Literal["exponential", "linear", "fixed"]


@frozen(kw_only=True)
class RetryPolicy:
    """How often and after which waits.

    :ivar max_attempts: attempts in all that end.
    :ivar max_deaths: after so many attempts that ended with their worker a message is given up. A
        worker dies with everything that it had claimed, mostly by no fault of the message's: so
        these may be more, and count by themselves.
    :ivar initial_ms: wait before the second attempt.
    :ivar max_ms: no wait is longer.
    :ivar blocked_ms: longest that the waits of one message may keep its lane, added up; 0 for ever.
    """

    max_attempts: int = 3
    max_deaths: int = 10
    backoff: Backoff = "exponential"
    initial_ms: int = 1000
    max_ms: int = 30_000
    blocked_ms: int = 10_000

    def delay_ms(self, attempt: int, random: Random) -> int:
        """The wait after a failed attempt, 0 to 10 % longer than planned so that many spread out.

        :param attempt: the one that failed, from 1.
        """
        planned = self._planned_ms(attempt)
        return min(self.max_ms, round(planned * (1 + JITTER * random.random())))

    def is_last(self, attempt: int) -> bool:
        """Whether there is no attempt after this one."""
        return attempt >= self.max_attempts

    def blocks_too_long(self, attempt: int) -> bool:
        """Whether the wait after this attempt would keep the lane longer than allowed.

        Only waits of our own count, so the same policy always allows the same number of attempts,
        however long each of them took and whatever wait the other side asked for.
        """
        if not self.blocked_ms:
            return False
        waited = 0
        for number in range(1, attempt + 1):
            waited += self._planned_ms(number)
            if waited > self.blocked_ms:
                return True
        return False

    def _planned_ms(self, attempt: int) -> int:
        if self.backoff == "fixed":
            wait = self.initial_ms
        elif self.backoff == "linear":
            wait = self.initial_ms * attempt
        else:
            wait = self.initial_ms << min(attempt - 1, 40)
        return min(self.max_ms, wait)
