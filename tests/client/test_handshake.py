"""Tests of openclaw.client.handshake: refusals, silence and hello, on a clock."""

import json

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.client.errors import (
    ClientError,
    ConnectionLost,
    ConnectRefusedByGateway,
    NoAnswer,
)
from openclaw.client.handshake import shake_hands
from openclaw.client.hello import Hello
from openclaw.client.identity import DeviceIdentity
from openclaw.client.link import Link
from openclaw.client.settings import Credentials, Introduction
from tests.client.stand_in import hello
from tests.client.test_link import Recorder

# The refusals of the protocol: code, message, details code, close code.
REFUSALS = [
    ("INVALID_REQUEST", "protocol mismatch", "PROTOCOL_MISMATCH", 1002),
    ("INVALID_REQUEST", "unauthorized: gateway token mismatch (x)", "AUTH_TOKEN_MISMATCH", 1008),
    ("INVALID_REQUEST", "unauthorized: gateway token missing (x)", "AUTH_TOKEN_MISSING", 1008),
    ("INVALID_REQUEST", "unauthorized: too many attempts", "AUTH_RATE_LIMITED", 1008),
    ("NOT_PAIRED", "device identity required", "DEVICE_IDENTITY_REQUIRED", 1008),
    ("INVALID_REQUEST", "device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID", 1008),
    ("INVALID_REQUEST", "device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED", 1008),
    ("INVALID_REQUEST", "device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH", 1008),
    ("INVALID_REQUEST", "device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH", 1008),
    ("NOT_PAIRED", "pairing required: device is not approved yet", "PAIRING_REQUIRED", 1008),
    ("UNAVAILABLE", "gateway starting; retry shortly", "", 1013),
]


class HandshakeTests(SynchronousTestCase):
    """The client's half."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.peer = Recorder()
        self.link = Link(self.peer, self.clock, self.peer)

    def shake(self, device: DeviceIdentity | None = None) -> Deferred[Hello]:
        """Begin a handshake."""
        introduction = Introduction(credentials=Credentials("t"), scopes=("operator.read",))
        return Deferred.fromCoroutine(
            shake_hands(self.link, introduction, device, self.clock, seconds=15)
        )

    def receive(self, **frame: object) -> None:
        """Let a frame arrive."""
        self.link.received(json.dumps(frame).encode())

    def challenge(self) -> None:
        """Let the challenge arrive."""
        self.receive(type="event", event="connect.challenge", payload={"nonce": "n", "ts": 5})

    def test_nothing_is_sent_before_the_challenge(self) -> None:
        """Then one connect, without a device."""
        greeted = self.shake()
        self.assertEqual(self.peer.sent, [])
        self.challenge()
        params = self.peer.sent[0]["params"]
        self.assertEqual((params["client"]["id"], params["client"]["mode"]), ("cli", "cli"))
        self.assertEqual(params["auth"], {"token": "t"})
        self.assertEqual(params["scopes"], ["operator.read"])
        self.assertNotIn("device", params)
        self.receive(
            type="res", id=self.peer.sent[0]["id"], ok=True, payload=hello(["operator.read"])
        )
        granted = self.successResultOf(greeted)
        self.assertEqual(granted.scopes, ("operator.read",))
        self.assertEqual(granted.tick_seconds, 30)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_device_signs_this_challenge(self) -> None:
        """The proof names the nonce."""
        greeted = self.shake(DeviceIdentity())
        self.challenge()
        device = self.peer.sent[0]["params"]["device"]
        self.assertEqual((device["nonce"], device["signedAt"]), ("n", 5))
        self.link.lost(1006, "")
        self.failureResultOf(greeted, ConnectionLost)

    def test_every_refusal_keeps_its_cause(self) -> None:
        """The error answer, not the close that follows."""
        for code, message, detail, close in REFUSALS:
            self.setUp()
            greeted = self.shake()
            self.challenge()
            error = {"code": code, "message": message, "details": {"code": detail}}
            self.receive(type="res", id=self.peer.sent[0]["id"], ok=False, error=error)
            self.link.lost(close, message)
            refusal = self.failureResultOf(greeted, ConnectRefusedByGateway).value
            self.assertEqual(
                (refusal.code, refusal.message, refusal.detail_code), (code, message, detail)
            )

    def test_a_gateway_without_a_challenge_is_left(self) -> None:
        """After fifteen seconds, with 1008."""
        greeted = self.shake()
        self.clock.advance(15)
        self.failureResultOf(greeted, NoAnswer)
        self.assertEqual(self.peer.closed, [(1008, "connect challenge timeout")])

    def test_a_gateway_without_a_hello_is_left(self) -> None:
        """After fifteen seconds, with 4000."""
        greeted = self.shake()
        self.challenge()
        self.clock.advance(15)
        self.failureResultOf(greeted, NoAnswer)
        self.assertEqual(self.peer.closed, [(4000, "connect timeout")])

    def test_a_close_without_a_word_is_a_lost_connection(self) -> None:
        """Before the challenge, too."""
        greeted = self.shake()
        self.link.lost(1013, "gateway starting")
        lost = self.failureResultOf(greeted, ConnectionLost).value
        self.assertEqual((lost.code, lost.reason), (1013, "gateway starting"))

    def test_an_answer_that_is_no_hello_is_refused(self) -> None:
        """Some other service that speaks JSON."""
        greeted = self.shake()
        self.challenge()
        self.receive(type="res", id=self.peer.sent[0]["id"], ok=True, payload={"type": "welcome"})
        self.failureResultOf(greeted, ClientError)
        self.assertEqual(self.peer.closed, [(1002, "no hello")])
