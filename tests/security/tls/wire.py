"""TLS connections in memory: a server context on one side, Python's ssl or OpenSSL on the other."""

import ssl
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from openclaw.config.tls import TlsSettings
from openclaw.security.tls.contexts import ServerContexts
from openclaw.security.tls.pairs import Pair


def trusting() -> ssl.SSLContext:
    """A client that believes anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Shaken:
    """The two ends of a connection whose handshake is over.

    :ivar client: Python's end.
    :ivar server: ours.
    """

    def __init__(
        self,
        contexts: ServerContexts,
        client: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._to_client, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = client or trusting()
        self.client = context.wrap_bio(
            self._to_client, self._to_server, server_hostname="localhost", session=session
        )
        self.server = contexts.serverConnectionForTLS(None)
        self.server.set_accept_state()
        for _ in range(6):
            self._try(self.client.do_handshake)
            self.pump()

    @classmethod
    def with_pair(cls, pair: Pair, settings: TlsSettings | None = None, **more: Any) -> "Shaken":
        """Shake hands with a server that shows ``pair``."""
        return cls(ServerContexts(settings or TlsSettings(enabled=True), pair), **more)

    def pump(self) -> None:
        """Let both sides take what is there."""
        data = self._to_server.read()
        if data:
            self.server.bio_write(data)
        self._try(self.server.do_handshake)
        try:
            self._to_client.write(self.server.bio_read(1 << 16))
        except SSL.WantReadError:
            return

    def echo(self, data: bytes) -> bytes:
        """Send something to the server and back."""
        self.client.write(data)
        self.server.bio_write(self._to_server.read())
        self.server.sendall(self.server.recv(1 << 14))
        self._to_client.write(self.server.bio_read(1 << 16))
        return self.client.read(1 << 14)

    @staticmethod
    def _try(step: Callable[[], object]) -> None:
        try:
            step()
        except (ssl.SSLWantReadError, SSL.WantReadError):
            return
