"""When certificates of our own are replaced, and the files they lie in; serves none itself.

A successor is published for the whole overlap before it is used, whatever happens: a client that
knows only fingerprints has that long to learn the next one. If the gateway was off for so long that
the certificate has expired meanwhile, it stays in use until its successor was public long enough.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from attrs import define, frozen

from openclaw.errors import StartError
from openclaw.security.tls.pairs import Pair, make_pair, read_pair, write_pair

# Strict clients must never meet a certificate in its last minutes.
_BEFORE_EXPIRY = timedelta(hours=1)


@frozen(kw_only=True)
class Plan:
    """How long certificates last.

    :ivar interval: validity of one; ``None``: they are never replaced.
    :ivar overlap: how long before its use the next one is public.
    :ivar names: what they are for.
    """

    names: Sequence[str]
    interval: timedelta | None
    overlap: timedelta = timedelta()

    def make(self, now: datetime) -> Pair:
        """Make a fresh pair."""
        return make_pair(self.names, now, self.interval)

    def publishes_at(self, current: Pair) -> datetime:
        """When the successor is made and becomes public."""
        return current.expires_at - self._margin - self.overlap

    def switches_at(self, current: Pair, following: Pair) -> datetime:
        """When the successor comes into use."""
        # The successor may have been made late; then it is late in coming into use, too.
        return max(current.expires_at - self._margin, following.made_at + self.overlap)

    @property
    def _margin(self) -> timedelta:
        return min(_BEFORE_EXPIRY, self.overlap / 10)


@define
class OwnPairs:
    """The pair in use and, during an overlap, the next one; both also lie in files.

    :ivar following: the next one; ``None`` outside of an overlap.
    """

    current: Pair
    following: Pair | None
    _plan: Plan
    _directory: Path

    @classmethod
    def open(cls, directory: Path, plan: Plan, now: datetime) -> "OwnPairs":
        """Read the files, or make the first pair.

        :raises StartError: if they can be neither read nor made.
        """
        in_use, next_one = directory / "current.pem", directory / "next.pem"
        try:
            if not in_use.exists():
                write_pair(in_use, plan.make(now))
            current = read_pair(in_use, in_use)
            following = read_pair(next_one, next_one) if next_one.exists() else None
        except (OSError, ValueError) as error:
            raise StartError(
                f"cannot use the gateway's own certificate in {directory}: {error}; "
                "remove the directory to have a new one made, which every client has to learn"
            ) from error
        if following is not None and following.fingerprint == current.fingerprint:
            following = None  # It was put in place, and then the process ended.
        return cls(current, following, plan, directory)

    def advance(self, now: datetime) -> bool:
        """Do what is due: publish the successor, or put it into use.

        :return: whether anything changed.
        """
        if self._plan.interval is None:
            return False
        if self.following is None:
            if now < self._plan.publishes_at(self.current):
                return False
            following = self._plan.make(now)
            write_pair(self._directory / "next.pem", following)
            self.following = following
            return True
        if now < self._plan.switches_at(self.current, self.following):
            return False
        write_pair(self._directory / "current.pem", self.following)
        (self._directory / "next.pem").unlink(missing_ok=True)
        self.current, self.following = self.following, None
        return True

    def switches_at(self) -> datetime | None:
        """When the next one comes into use, if there is one."""
        if self.following is None:
            return None
        return self._plan.switches_at(self.current, self.following)
