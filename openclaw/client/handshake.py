"""The client's half of the handshake: challenge, proof, hello; the socket is already open."""

from typing import NoReturn

from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime

from openclaw.client.errors import (
    ClientError,
    ConnectRefusedByGateway,
    NoAnswer,
    RequestFailed,
)
from openclaw.client.hello import Hello
from openclaw.client.identity import DeviceIdentity
from openclaw.client.link import Link
from openclaw.client.settings import Introduction
from openclaw.protocol.connect import Challenge, DeviceProof

HANDSHAKE_SECONDS = 15.0


async def shake_hands(
    link: Link,
    introduction: Introduction,
    device: DeviceIdentity | None,
    clock: IReactorTime,
    seconds: float = HANDSHAKE_SECONDS,
) -> Hello:
    """Introduce ourselves on a fresh connection.

    :param seconds: how long each of challenge and hello may take.
    :raises ConnectRefusedByGateway: it said no; the gateway closes the connection.
    :raises NoAnswer: it said nothing; the connection is closed.
    :raises ConnectionLost: it closed without a word.
    """
    challenge = await _challenge(link, clock, seconds)
    proof = None if device is None else _prove(device, challenge, introduction)
    try:
        payload = await link.request("connect", introduction.params(proof), timeout=seconds)
    except NoAnswer:
        link.close(4000, "connect timeout")
        raise
    except RequestFailed as error:
        raise ConnectRefusedByGateway.of(error) from None
    try:
        return Hello.of(payload)
    except ClientError:
        link.close(1002, "no hello")
        raise


async def _challenge(link: Link, clock: IReactorTime, seconds: float) -> Challenge:
    try:
        return await link.challenge.addTimeout(seconds, clock, _too_late)
    except NoAnswer:
        link.close(1008, "connect challenge timeout")
        raise


def _too_late(_result: object, seconds: float) -> NoReturn:
    raise NoAnswer("the opening of the connection", seconds) from CancelledError()


def _prove(device: DeviceIdentity, challenge: Challenge, introduction: Introduction) -> DeviceProof:
    return device.prove(
        challenge,
        introduction.client,
        introduction.role,
        list(introduction.scopes),
        introduction.credentials.signed,
    )
