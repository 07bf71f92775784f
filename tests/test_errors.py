"""Errors know their wire code, whether a retry helps, and how the process exits."""

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from openclaw import errors
from openclaw.errors import (
    Busy,
    ConfigError,
    ConnectRefused,
    Forbidden,
    FrameError,
    GatewayError,
    InvalidRequest,
    MissingScope,
    ModelError,
    NotPaired,
    PortInUse,
    StartError,
    StoreError,
    Unavailable,
)

CODES = {"INVALID_REQUEST", "FORBIDDEN", "NOT_PAIRED", "UNAVAILABLE", "APPROVAL_NOT_FOUND"}


def below(base: type[Exception]) -> Iterator[type[Exception]]:
    """The class and everything under it."""
    yield base
    for one in base.__subclasses__():
        yield from below(one)


class WireTests(SynchronousTestCase):
    def test_every_code_is_one_of_the_protocol(self) -> None:
        for one in below(GatewayError):
            if one.__module__ == errors.__name__:
                assert issubclass(one, GatewayError)
                self.assertIn(one.code, CODES, one)

    def test_codes_and_retries(self) -> None:
        for error, code, retryable in (
            (GatewayError("m"), "UNAVAILABLE", False),
            (InvalidRequest("m"), "INVALID_REQUEST", False),
            (FrameError("m"), "INVALID_REQUEST", False),
            (Forbidden("m"), "FORBIDDEN", False),
            (MissingScope("operator.read"), "FORBIDDEN", False),
            (NotPaired("m"), "NOT_PAIRED", False),
            (Unavailable("m"), "UNAVAILABLE", False),
            (Busy("m"), "UNAVAILABLE", True),
            (StoreError("m"), "UNAVAILABLE", True),
            (ModelError("m"), "UNAVAILABLE", False),
        ):
            self.assertEqual((error.code, error.retryable), (code, retryable), error)

    def test_the_message_is_what_is_printed(self) -> None:
        error = GatewayError("words", {"code": "X"}, retry_after_ms=5)
        self.assertEqual((str(error), error.message), ("words", "words"))
        self.assertEqual((error.details, error.retry_after_ms), ({"code": "X"}, 5))

    def test_a_missing_scope_says_which(self) -> None:
        error = MissingScope("operator.write")
        self.assertEqual(error.message, "missing scope: operator.write")
        self.assertEqual(
            error.details,
            {
                "code": "MISSING_SCOPE",
                "missingScope": "operator.write",
                "requiredScopes": ["operator.write"],
            },
        )

    def test_a_bad_frame_says_so_first(self) -> None:
        self.assertEqual(
            FrameError("must be object").message, "invalid request frame: must be object"
        )
        self.assertEqual(FrameError("x").request_id, "invalid")

    def test_a_model_error_knows_its_kind(self) -> None:
        error = ModelError("m", kind="rate_limit", provider="p", model="x", retry_after_ms=7)
        self.assertEqual(
            (error.kind, error.provider, error.model, error.retry_after_ms),
            ("rate_limit", "p", "x", 7),
        )

    def test_a_refused_connect_closes_with_its_words(self) -> None:
        error = ConnectRefused("no")
        self.assertEqual((error.close_code, error.reason), (1008, "no"))
        self.assertEqual((error.wire_code, error.retry), ("INVALID_REQUEST", False))
        self.assertEqual(ConnectRefused("no", reason="").reason, "")
        other = ConnectRefused("no", reason="because", close_code=1013, retryable=True)
        self.assertEqual((other.reason, other.close_code, other.retry), ("because", 1013, True))


class StartTests(SynchronousTestCase):
    def test_exit_statuses(self) -> None:
        for error, status in ((StartError("x"), 1), (ConfigError("x"), 78), (PortInUse(1), 1)):
            self.assertEqual(error.exit_status, status)

    def test_a_bad_value_names_its_path(self) -> None:
        self.assertEqual(
            str(ConfigError("must be a port", "gateway.port")), "gateway.port: must be a port"
        )
        self.assertEqual(str(ConfigError("not JSON5")), "not JSON5")

    def test_a_busy_port_names_its_owner(self) -> None:
        self.assertEqual(str(PortInUse(18789)), "Error: Port 18789 is already in use")
        self.assertEqual(
            str(PortInUse(18789, "node (pid 42)")),
            "Error: Port 18789 is already in use\nHeld by node (pid 42).",
        )
