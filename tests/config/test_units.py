"""Durations, sizes and rates."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.units import parse_bytes, parse_rate, parse_seconds

GOOD_DURATIONS = {
    "0": 0,
    "0m": 0,
    "250ms": 0.25,
    "30s": 30,
    "5m": 300,
    "1h30m": 5400,
    "12h": 43_200,
    "7d": 604_800,
    "2w": 1_209_600,
    "1.5s": 1.5,
    " 10S ": 10,
}
BAD_DURATIONS = ("", "30", "s", "-5s", "5 m", "5y", "5s5", "1e3s", "٣s", "5mm", "30s,")
GOOD_SIZES: dict[Any, int] = {
    "16kb": 16_384,
    "1gb": 1 << 30,
    "100 MB": 100 << 20,
    "64KiB": 65_536,
    "7b": 7,
    12: 12,
}
BAD_SIZES: tuple[Any, ...] = ("", "16", "kb", "-1kb", "1zb", -1, True, 1.5, None)
GOOD_RATES = {"1000rpm": 1000, "2rps": 120, "60rph": 1}
BAD_RATES = ("", "60", "rpm", "0rpm", "-1rpm", "60 per minute")


class UnitTests(SynchronousTestCase):
    def test_durations_are_seconds(self) -> None:
        for text, seconds in GOOD_DURATIONS.items():
            self.assertEqual(parse_seconds(text), seconds, text)

    def test_what_is_no_duration_is_refused(self) -> None:
        for text in BAD_DURATIONS:
            self.assertRaises(ValueError, parse_seconds, text)

    def test_sizes_are_bytes(self) -> None:
        for text, size in GOOD_SIZES.items():
            self.assertEqual(parse_bytes(text), size, text)

    def test_what_is_no_size_is_refused(self) -> None:
        for value in BAD_SIZES:
            self.assertRaises(ValueError, parse_bytes, value)

    def test_rates_are_per_minute(self) -> None:
        for text, rate in GOOD_RATES.items():
            self.assertEqual(parse_rate(text), rate, text)

    def test_what_is_no_rate_is_refused(self) -> None:
        for text in BAD_RATES:
            self.assertRaises(ValueError, parse_rate, text)
