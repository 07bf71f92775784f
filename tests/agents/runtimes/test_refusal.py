"""Tests of what a refusal means."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.runtimes.refusal import LONGEST_WAIT_MS, kind_of, retry_after_ms

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


class KindTests(SynchronousTestCase):
    """The kind follows from the status."""

    def test_table(self) -> None:
        for status, kind in [
            (302, "invalid"),
            (400, "invalid"),
            (401, "auth"),
            (402, "auth"),
            (403, "auth"),
            (404, "invalid"),
            (408, "timeout"),
            (422, "invalid"),
            (429, "rate_limit"),
            (500, "overloaded"),
            (503, "overloaded"),
            (504, "timeout"),
            (529, "overloaded"),
        ]:
            self.assertEqual(kind_of(status), kind, status)


class RetryAfterTests(SynchronousTestCase):
    """When to come back."""

    def test_table(self) -> None:
        for milliseconds, after, expected in [
            ("", "2", 2000),
            ("", "0.5", 500),
            ("1500", "99", 1500),
            ("", "Tue, 14 Nov 2023 22:13:30 GMT", 10_000),
            ("", "Tue, 14 Nov 2023 22:13:00 GMT", 0),
            ("", "-5", 0),
            ("", "1e300", LONGEST_WAIT_MS),
            ("", "inf", None),
            ("", "nan", None),
            ("", "soon", None),
            ("", "", None),
        ]:
            self.assertEqual(
                retry_after_ms(milliseconds, after, NOW), expected, (milliseconds, after)
            )
