"""The log: one line per event whatever is in it, files that turn over, disks that fail."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from openclaw.monitoring.log_file import Console, LogFile, as_line, as_text, at_level

HOSTILE = (
    "two\nlines",
    "carriage\rreturn",
    "nul \0 and bell \a",
    "\x1b[31mred\x1b[0m",
    "separator \u2028 and \u2029 and \x85",
    "half of a pair \ud800",
    '"quotes" and {braces',
    "日本 👋",
    "",
)


def event(text: object = "hello", **more: Any) -> LogEvent:
    """One event as Twisted's logger makes it."""
    return {
        "log_time": 1_800_000_000.5,
        "log_level": LogLevel.info,
        "log_namespace": "openclaw.x",
        "log_format": "{text}",
        "text": text,
        **more,
    }


def failure() -> Failure:
    try:
        raise ValueError("why\nnot \ud800")
    except ValueError:
        return Failure()


@implementer(ILogObserver)
class Kept:
    """Hands events to a function."""

    def __init__(self, take: Callable[[LogEvent], object]) -> None:
        self._take = take

    def __call__(self, event: LogEvent) -> None:
        """Take one."""
        self._take(event)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class LineTests(SynchronousTestCase):
    def test_fields(self) -> None:
        self.assertEqual(
            json.loads(as_line(event())),
            {
                "time": "2027-01-15T08:00:00.500Z",
                "level": "info",
                "subsystem": "openclaw.x",
                "message": "hello",
            },
        )

    def test_one_line_whatever_is_in_it(self) -> None:
        for text in HOSTILE:
            line = as_line(event(text))
            self.assertEqual(line.count(b"\n"), 1)
            self.assertTrue(line.endswith(b"\n"))
            expected = text.encode(errors="backslashreplace").decode()
            self.assertEqual(json.loads(line)["message"], expected)
            shown = as_text(event(text))
            self.assertEqual(shown.count("\n"), 1)
            self.assertNotIn("\x1b", shown)
            shown.encode()

    @given(st.text(st.characters(codec=None)))
    def test_any_text(self, text: str) -> None:
        self.assertEqual(as_line(event(text)).count(b"\n"), 1)
        self.assertEqual(len(as_text(event(text)).splitlines()), 1)

    def test_failures(self) -> None:
        record = json.loads(as_line(event(log_failure=failure(), log_level=LogLevel.critical)))
        self.assertEqual(record["level"], "critical")
        self.assertIn("ValueError", record["failure"])
        self.assertIn("ValueError", as_text(event(log_failure=failure())))

    def test_events_that_are_not_as_they_should_be(self) -> None:
        for odd in (
            {},
            {"log_format": "{missing}", "log_time": 1.0},
            event(Unprintable()),
            {"log_time": 1.0, "log_namespace": None, "log_format": "x"},
            {"log_time": 1.0, "log_namespace": object(), "log_format": "x"},
            event(log_failure="not one"),
        ):
            self.assertEqual(as_line(odd).count(b"\n"), 1)
            self.assertTrue(as_text(odd).endswith("\n"))

    def test_a_real_logger(self) -> None:
        lines: list[bytes] = []
        log = Logger("openclaw.test", observer=Kept(lambda one: lines.append(as_line(one))))
        log.warn("{count} inputs\nlost", count=3)
        try:
            raise ValueError("x")
        except ValueError:
            log.failure("it broke")
        first, second = map(json.loads, lines)
        self.assertEqual((first["level"], first["message"]), ("warn", "3 inputs\nlost"))
        self.assertIn("Traceback", second["failure"])


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()) / "logs"
        self.path = self.folder / "gateway.log"
        self.size = len(as_line(event("000")))

    def make(self, max_bytes: int = 10_000, kept: int = 3) -> LogFile:
        log = LogFile(self.path, max_bytes, kept)
        self.addCleanup(log.close)
        return log

    def numbers(self, path: Path) -> list[int]:
        return [int(json.loads(line)["message"]) for line in path.read_text().splitlines()]

    def test_appends_and_is_for_its_owner_only(self) -> None:
        umask = os.umask(0)
        self.addCleanup(os.umask, umask)
        for number in range(3):
            log = self.make()
            log(event(f"{number}"))
            log.close()
        self.assertEqual(self.numbers(self.path), [0, 1, 2])
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.folder.stat().st_mode), 0o700)

    def test_is_on_disk_at_once(self) -> None:
        self.make()(event("1"))
        self.assertEqual(self.numbers(self.path), [1])

    def test_turns_over_and_keeps_so_many(self) -> None:
        log = self.make(max_bytes=self.size * 4)
        for number in range(18):
            log(event(f"{number:03}"))
        files = [self.path, self.folder / "gateway.1.log", self.folder / "gateway.2.log"]
        self.assertEqual(sorted(self.folder.iterdir()), sorted(files))
        self.assertEqual(
            [self.numbers(path) for path in files],
            [[16, 17], [12, 13, 14, 15], [8, 9, 10, 11]],
        )
        for path in files:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            self.assertLessEqual(path.stat().st_size, self.size * 4)

    def test_turns_over_at_the_start_if_it_is_large(self) -> None:
        log = self.make(max_bytes=self.size * 4)
        for number in range(4):
            log(event(f"{number:03}"))
        log.close()
        self.make(max_bytes=self.size * 4)(event("004"))
        self.assertEqual(self.numbers(self.path), [4])

    def test_an_event_larger_than_the_file(self) -> None:
        log = self.make(max_bytes=self.size * 2)
        for number in range(3):
            log(event("9" * 500))
            log(event(f"{number}"))
        self.assertEqual(self.numbers(self.path)[-1], 2)

    def test_a_disk_that_fails_loses_lines_and_nothing_else(self) -> None:
        self.folder.parent.mkdir()
        self.folder.write_text("a file where the folder should be")
        log = self.make()
        log(event("lost"))
        self.folder.unlink()
        log(event("1"))
        self.assertEqual(self.numbers(self.path), [1])

    def test_a_full_disk(self) -> None:
        full = LogFile(Path("/dev/full"))
        self.addCleanup(full.close)
        if not Path("/dev/full").exists():
            self.skipTest("this system has no full device")
        for _ in range(3):
            full(event())

    def test_a_folder_that_was_removed_comes_back_with_the_next_file(self) -> None:
        log = self.make()
        log(event("1"))
        log.close()
        self.path.unlink()
        self.folder.rmdir()
        log(event("2"))
        self.assertEqual(self.numbers(self.path), [2])


class LevelTests(SynchronousTestCase):
    def passed(self, level: str) -> list[str]:
        seen: list[str] = []
        observer = at_level(Kept(lambda one: seen.append(one["log_level"].name)), level)
        for one in (
            LogLevel.debug,
            LogLevel.info,
            LogLevel.warn,
            LogLevel.error,
            LogLevel.critical,
        ):
            observer(event(log_level=one))
        return seen

    def test_levels(self) -> None:
        everything = ["debug", "info", "warn", "error", "critical"]
        for level, first in (
            ("trace", 0),
            ("debug", 0),
            ("info", 1),
            ("warn", 2),
            ("error", 3),
            ("fatal", 4),
            ("silent", 4),
        ):
            self.assertEqual(self.passed(level), everything[first:], level)

    def test_twisteds_old_log_counts_as_debug(self) -> None:
        seen: list[LogEvent] = []
        chatter = event(log_namespace="log_legacy")
        at_level(Kept(seen.append), "info")(chatter)
        self.assertEqual(seen, [])
        at_level(Kept(seen.append), "info")(event(log_namespace="log_legacy", isError=1))
        at_level(Kept(seen.append), "debug")(chatter)
        self.assertEqual(len(seen), 2)


class ConsoleTests(SynchronousTestCase):
    def test_text_or_json(self) -> None:
        written: list[str] = []
        Console(json=False, write=written.append)(event("two\nlines"))
        Console(json=True, write=written.append)(event("two\nlines"))
        self.assertEqual(written[0], "info     two\\x0alines\n")
        self.assertEqual(json.loads(written[1])["message"], "two\nlines")

    def test_nobody_reads(self) -> None:
        def gone(text: str) -> None:
            raise BrokenPipeError

        Console(json=False, write=gone)(event())
