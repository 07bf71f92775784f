"""Tests of openclaw.cli.words: every failure says what, where and what next."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.cli.discovery import Secret, Target
from openclaw.cli.words import explain
from openclaw.client.address import parse_address
from openclaw.client.errors import (
    ClientError,
    ConnectionLost,
    ConnectRefusedByGateway,
    GatewayUnreachable,
    NoAnswer,
    RequestFailed,
    UnsafeAddress,
)
from openclaw.config.settings import Places

URL = "ws://127.0.0.1:18789"
FILE = Secret("t", "", "/state/gateway/gateway-token", "file")


def target(secret: Secret = FILE, url: str = URL, gone_pid: int | None = None) -> Target:
    """A gateway to fail to reach."""
    places = Places(Path("/state"), Path("/state/openclaw.json"))
    address = parse_address(url)
    return Target(address, "the usual port", secret, places, Path("/log"), gone_pid=gone_pid)


def refused(code: str, **details: object) -> ConnectRefusedByGateway:
    """A refused handshake."""
    return ConnectRefusedByGateway("INVALID_REQUEST", "no", {"code": code, **details})


class WordsTests(SynchronousTestCase):
    """Failure in, words out."""

    def check(
        self, error: ClientError, code: str, said: str, step: str, where: Target | None = None
    ) -> None:
        """Name for programs, words and next step."""
        problem = explain(error, where or target())
        self.assertEqual(problem.code, code)
        self.assertIn(said, problem.message)
        self.assertIn(step, problem.next_step)
        self.assertEqual(problem.exit_status, 1)

    def test_a_gateway_that_is_down(self) -> None:
        """Where was looked, why there, how to start it."""
        error = GatewayUnreachable(URL, "connection refused", nobody_listens=True)
        self.check(error, "GATEWAY_DOWN", f"nothing listens at {URL} (from the", "openclaw gateway")
        self.check(error, "GATEWAY_DOWN", "pid 99, has ended", "", target(gone_pid=99))
        far = target(url="wss://far.example.org")
        self.check(error, "GATEWAY_DOWN", "No gateway listens at wss://far", "more than", far)

    def test_something_else_is_there(self) -> None:
        """The network's words are kept."""
        error = GatewayUnreachable(URL, "it answered HTTP 403 Forbidden")
        self.check(error, "GATEWAY_UNREACHABLE", "HTTP 403 Forbidden", "Check the address")

    def test_a_wrong_token_names_where_it_came_from(self) -> None:
        """And each source has its own remedy."""
        for secret, source, step in (
            (Secret("t", "", "--token", "option"), "--token", "Check what you gave"),
            (Secret("t", "", "OPENCLAW_GATEWAY_TOKEN", "environment"), "OPENCLAW_GA", "unset it"),
            (Secret("t", "", "gateway.auth.token", "config"), "gateway.auth.token", "restart it"),
            (FILE, "/state/gateway/gateway-token", "--state-dir"),
        ):
            error = refused("AUTH_TOKEN_MISMATCH")
            self.check(error, "AUTH_TOKEN_MISMATCH", source, step, target(secret))

    def test_a_missing_token_names_where_was_looked(self) -> None:
        """On another machine nothing is looked for."""
        for code in ("AUTH_TOKEN_MISSING", "DEVICE_IDENTITY_REQUIRED"):
            error = refused(code)
            self.check(error, code, "/state/gateway/gateway-token", "--token", target(Secret()))
            far = target(Secret(), "wss://far.example.org")
            self.check(error, code, "none was given", "never sent to another", far)

    def test_other_refusals_have_their_own_words(self) -> None:
        """And the gateway's own advice is passed on."""
        self.check(refused("AUTH_RATE_LIMITED"), "AUTH_RATE_LIMITED", "too many", "Wait")
        self.check(refused("PAIRING_REQUIRED"), "PAIRING_REQUIRED", "device", "devices list")
        origin = refused("CONTROL_UI_ORIGIN_NOT_ALLOWED")
        self.check(origin, "CONTROL_UI_ORIGIN_NOT_ALLOWED", "origin", "allowedOrigins")
        self.check(refused("PROTOCOL_MISMATCH"), "PROTOCOL_MISMATCH", "version", "openclaw version")
        self.check(refused("CLOCK_SKEW", next="Set the clock."), "CLOCK_SKEW", "no", "Set the")

    def test_an_error_answer_keeps_the_gateways_words(self) -> None:
        """With the scope that is missing, or when to try again."""
        error = RequestFailed("INVALID_REQUEST", "unknown method: x")
        self.check(error, "INVALID_REQUEST", "unknown method: x", "")
        scope = RequestFailed("FORBIDDEN", "missing scope", {"missingScope": "operator.write"})
        self.check(scope, "FORBIDDEN", "missing scope", "operator.write")
        later = RequestFailed("UNAVAILABLE", "busy", retry_after_ms=2500)
        self.check(later, "UNAVAILABLE", "busy", "in 2 s")

    def test_a_broken_connection_says_how_it_broke(self) -> None:
        """Restarting, starting, anything else."""
        self.check(ConnectionLost(1012, "x"), "GATEWAY_RESTARTING", "restarting", "in a moment")
        self.check(ConnectionLost(1013, "x"), "GATEWAY_STARTING", "starting", "in a moment")
        self.check(ConnectionLost(1008, "slow consumer"), "CONNECTION_LOST", "slow con", "logs")

    def test_silence_and_danger_are_said(self) -> None:
        """And what is no gateway at all."""
        self.check(NoAnswer("health", 30), "NO_ANSWER", "health within 30 s", "--timeout")
        self.check(UnsafeAddress("plain ws://"), "UNSAFE_ADDRESS", "Not connecting", "")
        self.check(ClientError("no hello"), "NOT_A_GATEWAY", "no hello", "")
