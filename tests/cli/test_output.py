"""Tests of openclaw.cli.output: harmless text, times and sizes for people."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.cli.output import ago, duration, harmless, megabytes


class OutputTests(SynchronousTestCase):
    """Small things that are seen often."""

    def test_text_of_others_cannot_drive_the_terminal(self) -> None:
        """Colours, titles, cursor, eight-bit controls, bidirectional overrides."""
        for text, left in (
            ("\x1b[31mred\x1b[0m", "[31mred[0m"),
            ("\x1b]0;title\x07x", "]0;titlex"),
            ("a\x9b2Jb", "a2Jb"),
            ("safe\u202egnp.exe", "safegnp.exe"),
            ("line one\r\nline two\ttab", "line one\nline two\ttab"),
            ("over\rwritten", "overwritten"),
            ("你好 héllo 🙂", "你好 héllo 🙂"),
        ):
            self.assertEqual(harmless(text), left)

    def test_times_are_told_in_their_largest_unit(self) -> None:
        """As people say them."""
        for seconds, words in (
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7199, "1 h"),
            (90_000, "1 d"),
        ):
            self.assertEqual(duration(seconds), words)

    def test_moments_are_told_from_now(self) -> None:
        """Also the one that never was."""
        self.assertEqual(ago(None, 10_000), "never")
        self.assertEqual(ago(9_900, 10_000), "just now")
        self.assertEqual(ago(10_000, 130_000), "2 min ago")

    def test_bytes_are_told_in_megabytes(self) -> None:
        """As memory is compared."""
        self.assertEqual(megabytes(58_300_000), "58 MB")
