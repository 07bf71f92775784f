"""A connection for a command that asks and is done: small to load, blocking, without events."""

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self

from openclaw.cli.discovery import Target, discover
from openclaw.cli.given import Given
from openclaw.cli.words import explain
from openclaw.client.blocking import BlockingClient
from openclaw.client.errors import ClientError
from openclaw.client.hello import Hello
from openclaw.client.settings import Credentials, Introduction, command_line_client

HANDSHAKE_SECONDS = 10.0
REQUEST_SECONDS = 30.0


class Connection:
    """An open connection to the gateway, as a context manager.

    Failures are :class:`openclaw.cli.problems.Problem`, ready to be shown.

    :param scopes: the rights the command needs, and no more.
    :param within: seconds for everything together; else ``--timeout`` holds for each step.
    :ivar hello: what the gateway granted.
    :ivar target: which gateway it is.
    """

    hello: Hello

    def __init__(
        self, given: Given, scopes: Sequence[str] = (), *, within: float | None = None
    ) -> None:
        self.target = discover(given)
        self._each = given.timeout_seconds
        self._until = None if within is None else monotonic() + within
        self._client = BlockingClient(
            self.target.address,
            introduction_to(self.target, scopes),
            allow_plaintext_lan=given.allow_plaintext_lan,
        )

    def __enter__(self) -> Self:
        """Connect.

        :raises Problem: there is no gateway, or it refuses.
        """
        try:
            self.hello = self._client.connect(self._limit(HANDSHAKE_SECONDS))
        except ClientError as error:
            raise explain(error, self.target) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say goodbye."""
        self._client.close()

    def call(self, method: str, params: object = None, *, final: bool = False) -> Any:
        """Ask the gateway and wait for its answer.

        :param final: wait for the outcome of accepted work, however long it takes.
        :return: the payload as plain objects.
        :raises Problem: it said no, or nothing.
        """
        seconds = self._limit(REQUEST_SECONDS)
        try:
            return self._client.request(method, params, expect_final=final, timeout=seconds)
        except ClientError as error:
            raise explain(error, self.target) from None

    def _limit(self, usual: float) -> float:
        if self._until is not None:
            return max(self._until - monotonic(), 0.05)
        return self._each or usual


def introduction_to(target: Target, scopes: Sequence[str]) -> Introduction:
    """How the command line introduces itself: without a device, asking for little."""
    secret = target.secret
    client = command_line_client()
    if target.open_door:
        # A gateway that asks for nothing lets only this kind of client in without a device.
        client = command_line_client(id="gateway-client", mode="backend")
    credentials = Credentials(token=secret.token, password=secret.password)
    return Introduction(client, credentials, scopes=tuple(scopes))
