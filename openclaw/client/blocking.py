"""The gateway client for a command that ends in a moment: asks and waits, hears no events."""

from collections.abc import Collection
from itertools import count
from typing import Any

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking_socket import BlockingSocket, Deadline, open_socket
from openclaw.client.errors import (
    ConnectionLost,
    ConnectRefusedByGateway,
    RequestFailed,
)
from openclaw.client.frames import Answer, Event, decode_frame, encode_request, is_accepted
from openclaw.client.hello import Hello
from openclaw.client.settings import Introduction


class BlockingClient:
    """Speaks to one gateway, one question at a time, without a device."""

    def __init__(
        self,
        address: GatewayAddress,
        introduction: Introduction,
        *,
        pins: Collection[str] = (),
        allow_plaintext_lan: bool = False,
    ) -> None:
        self._address = address
        self._introduction = introduction
        self._pins = pins
        self._allow_plaintext_lan = allow_plaintext_lan
        self._socket: BlockingSocket | None = None
        self._ids = count(1)

    def connect(self, seconds: float) -> Hello:
        """Open the connection and introduce ourselves.

        :param seconds: for all of it.
        :raises ClientError: as :meth:`openclaw.client.dial.Dialer.dial`.
        """
        deadline = Deadline("the handshake", seconds)
        self._socket = open_socket(
            self._address,
            deadline,
            pins=self._pins,
            allow_plaintext_lan=self._allow_plaintext_lan,
        )
        try:
            self._await_challenge(deadline)
            payload = self._ask("connect", self._introduction.params(None), deadline, False)
            return Hello.of(payload)
        except RequestFailed as error:
            self.close()
            raise ConnectRefusedByGateway.of(error) from None
        except BaseException:
            self.close()
            raise

    def request(
        self,
        method: str,
        params: object = None,
        *,
        expect_final: bool = False,
        timeout: float | None = 30.0,
    ) -> Any:
        """Ask the gateway and wait.

        :param expect_final: wait for the outcome of accepted work; ``timeout`` is then unused.
        :return: the payload as plain objects.
        :raises ClientError: it said no, or nothing.
        """
        deadline = Deadline(method, None if expect_final else timeout)
        return self._ask(method, params, deadline, expect_final)

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, method: str, params: object, deadline: Deadline, final: bool) -> Any:
        request_id = str(next(self._ids))
        self._opened().send(encode_request(request_id, method, params))
        while True:
            frame = self._read(deadline)
            if not isinstance(frame, Answer) or frame.id != request_id:
                continue  # An event, or the answer to a question we gave up on.
            if not frame.ok:
                frame.fail()
            if not (final and is_accepted(frame.payload)):
                return frame.payload

    def _await_challenge(self, deadline: Deadline) -> None:
        while True:
            frame = self._read(deadline)
            if isinstance(frame, Event) and frame.event == "connect.challenge":
                return

    def _read(self, deadline: Deadline) -> Answer | Event | None:
        text = self._opened().read(deadline)
        try:
            return decode_frame(text)
        except ValueError:
            return None  # As official clients do: what is not a frame is dropped.

    def _opened(self) -> BlockingSocket:
        if self._socket is None:
            raise ConnectionLost(1006, "not connected")
        return self._socket
