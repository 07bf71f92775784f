"""Discord's rate limits on REST: a request waits here until it may be sent; none is repeated.

https://docs.discord.com/developers/topics/rate-limits
"""

from collections import deque
from collections.abc import Mapping
from urllib.parse import quote

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

GLOBAL_PER_SECOND = 50
REACTION_SECONDS = 0.25
MOST_BUCKETS = 2_000
_MAJOR = ("channel", "guild", "webhook", "token")
"""What has limits of its own; an interaction's token stands for the interaction."""


@frozen
class Route:
    """One method of the API.

    :ivar template: its path, with ``{names}``; requests of one template share a limit.
    """

    method: str
    template: str
    values: Mapping[str, str] = field(factory=dict)

    @property
    def path(self) -> str:
        """The path itself."""
        quoted = {name: quote(value, safe="") for name, value in self.values.items()}
        return self.template.format(**quoted)

    @property
    def key(self) -> str:
        """What its limit is known by before Discord has named the bucket."""
        return f"{self.method} {self.template}"

    @property
    def major(self) -> str:
        """The parameters that have a limit of their own."""
        return ":".join(self.values[name] for name in _MAJOR if name in self.values)

    @property
    def counts(self) -> bool:
        """Whether it counts against the limit of all requests; answers to interactions do not."""
        return not self.template.startswith(("/interactions/", "/webhooks/"))


@define
class _Bucket:
    """One limit: what is left of it, and until when it lets nothing through."""

    lock: DeferredLock = field(factory=DeferredLock)
    remaining: int | None = None
    reset_at: float = 0.0
    blocked_until: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a request may go."""
        until = self.blocked_until
        if self.remaining is not None and self.remaining <= 0:
            until = max(until, self.reset_at)
        return max(0.0, until - now)

    def take(self, now: float) -> None:
        """A request goes."""
        if self.remaining is not None:
            self.remaining = None if now >= self.reset_at else self.remaining - 1


class Pass:
    """Leave for one request; told what came of it, or that nothing did."""

    def __init__(self, buckets: "Buckets", route: Route, bucket: _Bucket, alone: bool) -> None:
        self._buckets = buckets
        self._route = route
        self._bucket = bucket
        self._named = bucket
        self._alone = alone

    def answered(self, headers: Mapping[str, str]) -> None:
        """Read the limits out of an answer's headers, by lowercase name."""
        self._named = self._buckets.learn(self._route, self._bucket, headers)

    def limited(self, seconds: float, everything: bool) -> None:
        """Discord answered 429: nothing of this bucket, or nothing at all, for so long."""
        self._buckets.block(self._named, seconds, everything)

    def close(self) -> None:
        """The request is over; call it always."""
        if self._alone:
            self._alone = False
            self._bucket.lock.release()


class Buckets:
    """Every limit of one bot."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._names: dict[str, str] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._recent: deque[float] = deque()
        self._blocked_until = 0.0

    async def enter(self, route: Route) -> Pass:
        """Wait until a request may be sent.

        As long as nothing is known of a limit, its requests go one after the other.
        """
        while True:
            bucket = self._find(route)
            await bucket.lock.acquire()
            leave = await self._let(route, bucket)
            if leave is not None:
                return leave

    async def _let(self, route: Route, bucket: _Bucket) -> Pass | None:
        """Wait, with the lock held; ``None`` if the limit turned out to be another one."""
        alone = True
        try:
            while (wait := self._wait(route, bucket)) > 0:
                await self._pause(wait)
            if self._find(route) is not bucket:
                bucket.lock.release()
                return None
            now = self._clock.seconds()
            bucket.take(now)
            if route.counts:
                self._recent.append(now)
            alone = bucket.remaining is None
        except BaseException:
            bucket.lock.release()
            raise
        if not alone:
            bucket.lock.release()
        return Pass(self, route, bucket, alone)

    def learn(self, route: Route, bucket: _Bucket, headers: Mapping[str, str]) -> _Bucket:
        """Take in what an answer tells of a limit; what answers late does not raise it.

        :return: the limit that it was, which may turn out to be shared with other routes.
        """
        name = headers.get("x-ratelimit-bucket", "")
        if not name:
            return bucket
        self._names[route.key] = name
        # Also where the route's name is known by now: this channel may have asked before it was.
        bucket = self._buckets.setdefault((name, route.major), bucket)
        remaining = _number(headers.get("x-ratelimit-remaining"))
        after = _number(headers.get("x-ratelimit-reset-after"))
        if remaining is None or after is None:
            return bucket
        now = self._clock.seconds()
        reset_at = now + after
        fresh = bucket.remaining is None or now >= bucket.reset_at
        left = int(remaining)
        bucket.remaining = left if fresh else min(left, bucket.remaining or 0)
        bucket.reset_at = reset_at
        if "/reactions/" in route.template:
            # One reaction every quarter of a second, which the headers tell only in whole ones.
            bucket.blocked_until = max(bucket.blocked_until, now + REACTION_SECONDS)
        return bucket

    def block(self, bucket: _Bucket, seconds: float, everything: bool) -> None:
        """Let nothing through for so long."""
        until = self._clock.seconds() + seconds
        if everything:
            self._blocked_until = max(self._blocked_until, until)
        else:
            bucket.blocked_until = max(bucket.blocked_until, until)

    def _find(self, route: Route) -> _Bucket:
        name = self._names.get(route.key, route.key)
        if len(self._buckets) > MOST_BUCKETS:
            self._forget_idle()
        return self._buckets.setdefault((name, route.major), _Bucket())

    def _forget_idle(self) -> None:
        now = self._clock.seconds()
        for key, bucket in list(self._buckets.items()):
            idle = not bucket.lock.locked and not bucket.lock.waiting
            if idle and bucket.wait(now) == 0 and now >= bucket.reset_at:
                del self._buckets[key]

    def _wait(self, route: Route, bucket: _Bucket) -> float:
        now = self._clock.seconds()
        wait = bucket.wait(now)
        if not route.counts:
            return wait
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        wait = max(wait, self._blocked_until - now)
        if len(self._recent) >= GLOBAL_PER_SECOND:
            wait = max(wait, self._recent[0] + 1.0 - now)
        return wait

    def _pause(self, seconds: float) -> Deferred[None]:
        return deferLater(self._clock, seconds, lambda: None)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
