"""The chain over the audit trail: who lacks the key can neither alter, insert nor drop an entry.

What the chain cannot show: the newest entries taken away together with an older note of the end.
"""

import hmac
from hashlib import sha256

import msgspec

from openclaw.security.secrets import same_bytes

GENESIS = b"\x00" * 32


class Ends(msgspec.Struct, frozen=True, kw_only=True):
    """Where the trail begins and ends.

    :ivar before: the chain's value just before the oldest entry that is left.
    :ivar last_id: the newest entry, 0 before the first.
    :ivar last: the chain's value at it.
    """

    before: bytes = GENESIS
    first_id: int = 1
    last_id: int = 0
    last: bytes = GENESIS
    mac: bytes = b""


class Chain:
    """Computes the chain's values.

    :param secret: the server's own secret; a new one makes a trail look altered.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"openclaw audit trail v1", "sha256")

    def next(self, before: bytes, entry_id: int, at_ms: int, kind: str, body: bytes) -> bytes:
        """The value at an entry, given the one before it."""
        head = b"%d|%d|%d|%b" % (entry_id, at_ms, len(kind.encode()), kind.encode())
        return hmac.digest(self._key, before + head + sha256(body).digest(), "sha256")

    def signed(self, ends: Ends) -> Ends:
        """The ends with their own proof."""
        return msgspec.structs.replace(ends, mac=self._mac(ends))

    def is_signed(self, ends: Ends) -> bool:
        """Whether these ends were written with the key."""
        return same_bytes(ends.mac, self._mac(ends))

    def _mac(self, ends: Ends) -> bytes:
        parts = b"%d|%d|" % (ends.first_id, ends.last_id)
        return hmac.digest(self._key, b"ends|" + parts + ends.before + ends.last, "sha256")
