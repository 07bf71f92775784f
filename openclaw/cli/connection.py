"""A connection for a command that asks and is done: small to load, blocking, without events."""

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self

from openclaw.cli.discovery import Target, discover
from openclaw.cli.factor import with_code, with_factor
from openclaw.cli.given import Given
from openclaw.cli.route import Route
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
        self._given = given
        self._scopes = tuple(scopes)
        self._each = given.timeout_seconds
        self._until = None if within is None else monotonic() + within
        self._within = within
        self._route = Route(self.target, given)
        self._client: BlockingClient | None = None

    def __enter__(self) -> Self:
        """Connect.

        :raises Problem: there is no gateway, or it refuses.
        """
        self._connect()
        return self

    def connect_again(self) -> None:
        """Replace a lost connection, wherever the gateway is now.

        :raises Problem: there is no gateway, or it refuses.
        """
        self._close_client()
        if self.target.ssh is None:
            self.target = discover(self._given)
            self._route = Route(self.target, self._given)
        self._connect()

    def _connect(self) -> None:
        address = self._route.open()
        if self._within is not None and self.target.ssh is not None:
            # A log-in takes its own time; the patience is for the gateway.
            self._until = monotonic() + max(self._within, HANDSHAKE_SECONDS)
        self._client = BlockingClient(
            address,
            introduction_to(self.target, self._scopes),
            pins=self.target.pins,
            allow_plaintext_lan=self._given.allow_plaintext_lan,
        )
        try:
            self.hello = self._client.connect(self._limit(HANDSHAKE_SECONDS))
        except ClientError as error:
            self._route.close()
            raise explain(error, self.target) from None
        except BaseException:
            self._route.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say goodbye."""
        try:
            self._close_client()
        finally:
            self._route.close()

    def call(self, method: str, params: object = None, *, final: bool = False) -> Any:
        """Ask the gateway and wait for its answer; asks the user for a second factor on the way.

        :param final: wait for the outcome of accepted work, however long it takes.
        :return: the payload as plain objects.
        :raises Problem: it said no, or nothing.
        """
        try:
            return with_factor(
                lambda name, given: self.ask(name, given, final=final), self._given, method, params
            )
        except ClientError as error:
            raise explain(error, self.target) from None

    def call_with_code(self, prompt: str, method: str, given_code: str | None = None) -> Any:
        """Call a method that takes a code, which the user types unless it was given.

        :return: the payload as plain objects.
        :raises Problem: the gateway said no, or nothing.
        """
        try:
            return with_code(prompt, lambda code: self.ask(method, {"code": code}), given_code)
        except ClientError as error:
            raise explain(error, self.target) from None

    def ask(self, method: str, params: object = None, *, final: bool = False) -> Any:
        """Do the same as :meth:`call`, once, and without words for people.

        :raises openclaw.client.errors.ClientError: the gateway said no, or nothing.
        """
        assert self._client is not None, "used outside of its with block"
        seconds = self._limit(REQUEST_SECONDS)
        return self._client.request(method, params, expect_final=final, timeout=seconds)

    def _close_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

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
