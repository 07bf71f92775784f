"""Replaces the gateway's own token while it runs; what the new one admits is decided elsewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.config.token import replace_token
from openclaw.deferreds import deferred
from openclaw.errors import GatewayError, InvalidRequest
from openclaw.interfaces.security import IAdmission, ISharedToken
from openclaw.security.secrets import RandomBytes

# By where the secret comes from: why it cannot be replaced from here, and what to do.
ELSEWHERE = {
    "option": "the token was given with --token; start the gateway with another one",
    "environment": "the token comes from OPENCLAW_GATEWAY_TOKEN; set another one there and "
    "restart the gateway",
    "config": "the token comes from gateway.auth.token; change it there and restart the gateway",
    "password": "this gateway asks for a password; change gateway.auth.password, or "
    "OPENCLAW_GATEWAY_PASSWORD, and restart it",
    "none": "this gateway asks for no token; set gateway.auth.mode to have one",
}


@implementer(ISharedToken)
class SharedToken:
    """The token of the token file, which the gateway itself has made.

    :param source: where the shared secret comes from: ``file``, or a key of :data:`ELSEWHERE`.
    :param learn: is told each new token, to keep it out of the log.
    :param hang_up: closes the connections of everybody who came with the old one.
    :param in_thread: runs what waits for a disk.
    """

    _log = Logger()

    def __init__(
        self,
        path: Path,
        source: str,
        admission: IAdmission,
        learn: Callable[[str], None],
        hang_up: Callable[[], None],
        random_bytes: RandomBytes,
        in_thread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        self._path = path
        self._source = source
        self._admission = admission
        self._learn = learn
        self._hang_up = hang_up
        self._random_bytes = random_bytes
        self._in_thread = in_thread
        self._lock = DeferredLock()

    @deferred
    async def rotate(self) -> str:
        """See :meth:`ISharedToken.rotate`."""
        if self._source != "file":
            raise InvalidRequest(f"cannot replace the token: {ELSEWHERE[self._source]}")
        async with self._lock:
            try:
                # On disk first: the owner's own tools read it there the moment it counts.
                token = await self._in_thread(replace_token, self._path, self._random_bytes)
            except OSError as error:
                raise GatewayError(
                    f"the new token could not be kept in {self._path}: {error.strerror}; "
                    "the old one still counts"
                ) from None
            self._learn(token)
            self._admission.change_secret(token)
            self._hang_up()
        self._log.warn("the gateway token was replaced; {path} holds the new one", path=self._path)
        return str(self._path)
