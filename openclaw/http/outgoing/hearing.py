"""Between a socket and whoever listens to it: each thing once, in order, and no error back."""

from twisted.logger import Logger

from openclaw.interfaces.outbound import IOutboundSocket, ISocketListener


class Hearing:
    """Passes on what happens; a listener's own error ends in the log, not in the socket."""

    _log = Logger()

    def __init__(self, listener: ISocketListener, peer: str) -> None:
        self._listener = listener
        self._peer = peer
        self._open = False
        self._muted = False

    @property
    def opened_once(self) -> bool:
        """Whether the listener has heard that the connection is up."""
        return self._open

    def opened(self, socket: IOutboundSocket) -> None:
        """The connection is up."""
        self._open = True
        try:
            self._listener.opened(socket)
        except Exception:  # The reactor must not get a listener's bug.
            self._log.failure("listener to {peer} failed when it opened", peer=self._peer)

    def received(self, data: str | bytes) -> None:
        """Something came."""
        if not self._open or self._muted:
            return
        try:
            self._listener.received(data)
        except Exception:  # As above; the next message may be a good one.
            self._log.failure("listener to {peer} failed on a message", peer=self._peer)

    def mute(self) -> None:
        """Nothing more is wanted but the end."""
        self._muted = True

    def closed(self, code: int, reason: str) -> None:
        """The connection is gone; one that was never up is nobody's business here."""
        if not self._open:
            return
        self._open, self._muted = False, True
        try:
            self._listener.closed(code, reason)
        except Exception:  # As above.
            self._log.failure("listener to {peer} failed when it closed", peer=self._peer)
