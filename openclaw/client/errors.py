"""What can go wrong for a client of a gateway, in words for people; never the server's errors."""

from collections.abc import Mapping


class ClientError(Exception):
    """A client could not do what it was asked."""


class UnsafeAddress(ClientError):
    """The address must not be used: credentials would cross a network in the clear."""


class UntrustedCertificate(ClientError):
    """The gateway's certificate is not the one that was pinned, or nobody vouches for it.

    Raised before anything is sent that the gateway could read.

    :ivar seen: the fingerprint of the certificate that was shown; empty if none was.
    :ivar pinned: whether another one was expected, so that this may be an attack.
    """

    def __init__(self, url: str, seen: str, pinned: bool, why: str = "") -> None:
        expected = "is not the pinned one" if pinned else f"is not trusted: {why}"
        super().__init__(f"the certificate of {url} {expected}")
        self.seen = seen
        self.pinned = pinned
        self.why = why


class GatewayUnreachable(ClientError):
    """No WebSocket could be opened.

    :ivar url: where it was tried.
    :ivar why: what the network said.
    :ivar nobody_listens: the connection was refused: no process has the port.
    """

    def __init__(self, url: str, why: str, nobody_listens: bool = False) -> None:
        super().__init__(f"no gateway at {url}: {why}")
        self.url = url
        self.why = why
        self.nobody_listens = nobody_listens


class ConnectionLost(ClientError):
    """The connection ended; requests without an answer fail with this.

    :ivar code: the WebSocket close code, 1006 if there was none.
    :ivar reason: the peer's words, perhaps empty.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"connection closed ({code}{': ' if reason else ''}{reason})")
        self.code = code
        self.reason = reason


class NoAnswer(ClientError):
    """The gateway did not answer in time.

    :ivar what: the method, or the step of the handshake.
    """

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"no answer to {what} within {round(seconds, 1):g} s")
        self.what = what
        self.seconds = seconds


class RequestFailed(ClientError):
    """The gateway answered with an error.

    :ivar code: the wire's error code, such as ``INVALID_REQUEST``.
    :ivar details: the finer meaning; empty if the gateway sent none.
    :ivar retryable: the same request may succeed later.
    :ivar retry_after_ms: milliseconds until then, if the gateway said so.
    :ivar payload: what came beside the error: a failed run's outcome, else ``None``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: Mapping[str, object] | None = None,
        *,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        payload: object = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.payload = payload

    @property
    def detail_code(self) -> str:
        """``details.code``, the finest name of the cause; empty if there is none."""
        return str(self.details.get("code", ""))


class ConnectRefusedByGateway(RequestFailed):
    """The gateway refused the handshake."""

    @classmethod
    def of(cls, answer: RequestFailed) -> "ConnectRefusedByGateway":
        """The same answer, known to be one to ``connect``."""
        return cls(
            answer.code,
            answer.message,
            answer.details,
            retryable=answer.retryable,
            retry_after_ms=answer.retry_after_ms,
        )

    @property
    def next_step(self) -> str:
        """The gateway's own advice, a sentence; empty if it gave none."""
        for key in ("next", "remediationHint"):
            if isinstance(words := self.details.get(key), str):
                return words
        return ""
