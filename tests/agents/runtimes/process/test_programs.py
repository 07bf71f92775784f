"""Real programs that misbehave: what is left of them, of memory, descriptors and processes."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from openclaw.agents.runtimes.process.child import Clogged, Program, spawner
from openclaw.agents.runtimes.process.complaints import Complaints
from openclaw.agents.runtimes.process.lines import TooLong
from openclaw.agents.runtimes.process.runtime import AgentProgram, ProcessRuntime, make_runtime
from openclaw.agents.runtimes.process.supervisor import Alarm
from openclaw.errors import ModelError
from openclaw.monitoring.lag import resident_bytes
from tests.agents.runtimes.process.rig import Sink, request

RUDE = Path(__file__).with_name("rude.py")
SECRET = "key-123"


def hide(words: str) -> str:
    return words.replace(SECRET, "[redacted]")


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def children() -> list[int]:
    """Every process whose parent is this one, zombies included."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(entry.parent.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class ProgramCase(TestCase):
    timeout = 120

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        if not Path("/proc/self/stat").exists():
            self.skipTest("counts processes in /proc")
        gc.collect()
        await deferLater(reactor, 0)  # The reactor opens descriptors of its own when it turns.
        self.descriptors = open_descriptors()
        self.before = set(children())
        self.alarms: list[Alarm] = []
        self.runtime = self.make()

    def make(
        self, argv: tuple[str, ...] = (sys.executable, "-I", "-S", str(RUDE)), **more: Any
    ) -> ProcessRuntime:
        program = AgentProgram(
            id="pi", argv=argv, env={"PATH": "/usr/bin:/bin", "AGENT_KEY": SECRET}, **more
        )
        work = Path(self.mktemp())
        return make_runtime(program, lambda agent: work, reactor, hide, self.alarms.append)

    async def ask(self, text: str, session: str = "s") -> str:
        outcome = await self.runtime.run(request(text, session=session), Sink())
        return outcome.text

    async def fails(self, text: str, session: str = "s") -> str:
        try:
            said = await self.ask(text, session)
        except ModelError as error:
            return error.message
        raise AssertionError(f"answered {said!r}")

    async def check_nothing_is_left(self) -> None:
        """No process, no zombie, no descriptor."""
        await self.runtime.stop(1.0)
        self.assertEqual(set(children()) - self.before, set())
        self.assertLessEqual(open_descriptors(), self.descriptors)


class RudeTests(ProgramCase):
    async def test_it_sees_the_environment_it_was_given_and_nothing_else(self) -> None:
        os.environ["OPENCLAW_TEST_CANARY"] = "seen"
        self.addCleanup(os.environ.pop, "OPENCLAW_TEST_CANARY")
        seen = json.loads(await self.ask("[env]"))
        self.assertEqual(set(seen) - {"LC_CTYPE"}, {"PATH", "AGENT_KEY"})
        for pid in set(children()) - self.before:
            self.assertNotIn(SECRET, Path(f"/proc/{pid}/cmdline").read_text())
        await self.check_nothing_is_left()

    async def test_garbage_and_a_line_of_100_mb(self) -> None:
        self.assertEqual(await self.ask("[garbage]"), "clean")
        before = resident_bytes()
        self.assertEqual(await self.ask("[long]"), "short")
        self.assertLess(resident_bytes() - before, 80_000_000)
        self.assertEqual(await self.ask("still there?"), "re still there?")
        self.assertEqual(len(set(children()) - self.before), 1)
        await self.check_nothing_is_left()

    async def test_kill_9_during_a_run_that_showed_nothing(self) -> None:
        run = self.runtime.run(request("[hang]"), Sink())
        await self.until(lambda: bool(set(children()) - self.before))
        (pid,) = set(children()) - self.before
        await deferLater(reactor, 0.3)
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: bool(set(children()) - self.before - {pid}))
        self.assertFalse(run.called)  # It runs again, with another process.
        run.cancel()
        run.addErrback(lambda _: None)
        self.assertEqual(await self.ask("next"), "re next")
        await self.check_nothing_is_left()

    async def test_a_crash_says_how_it_ended(self) -> None:
        self.assertIn("was ended by SIGABRT", await self.fails("[crash]"))
        self.assertIn("ended with status 3", await self.fails("[half]"))
        self.assertEqual(await self.ask("next"), "re next")
        await self.check_nothing_is_left()

    async def test_who_ignores_sigterm_is_killed_with_its_family(self) -> None:
        pid = int(await self.ask("[family]"))
        self.assertTrue(is_alive(pid))
        run = self.runtime.run(request("[deaf]"), Sink()).addErrback(lambda _: None)
        await deferLater(reactor, 0.5)
        await self.check_nothing_is_left()
        await run
        await self.until(lambda: not is_alive(pid))

    async def test_complaints_are_logged_without_secrets_and_not_without_end(self) -> None:
        with capturedLogs() as heard:
            self.assertEqual(await self.ask("[noise]"), "heard")
            await self.check_nothing_is_left()
        words = [event["words"] for event in heard if "words" in event]
        self.assertEqual(len(words), 100)
        self.assertEqual(words[0], "complaint 0 with [redacted]")
        self.assertEqual([event["number"] for event in heard if "number" in event], [900])

    async def test_a_program_that_is_not_there(self) -> None:
        self.runtime = self.make(argv=("/nowhere/pi",))
        words = await self.fails("hello")
        self.assertIn("/nowhere/pi cannot be started: No such file or directory", words)
        await self.until(lambda: bool(self.alarms), 20)
        await self.check_nothing_is_left()

    async def until(self, true: Callable[[], bool], seconds: float = 45) -> None:
        for _ in range(int(seconds / 0.02)):
            if true():
                return
            await deferLater(reactor, 0.02)
        self.fail(f"not within {seconds} s")


class PipeTests(TestCase):
    timeout = 120

    async def test_what_a_slow_reader_is_told_waits_and_arrives_whole(self) -> None:
        code = "import sys, time, hashlib\ntime.sleep(0.5)\nd = sys.stdin.buffer.read()\n"
        code += "print(len(d), hashlib.sha256(d).hexdigest(), flush=True)"
        child, heard, gone = self.start(code)
        piece = bytes(range(256)) * 4096
        for _ in range(8):
            child.write(piece)
        while child._unsent or child._paused:
            await deferLater(reactor, 0.02)
        child.transport.closeStdin()
        self.assertEqual(await gone, "ended with status 0")
        self.assertEqual(heard, [f"{8 << 20} {sha256(piece * 8).hexdigest()}".encode()])

    async def test_who_never_reads_is_found_out(self) -> None:
        child, _, gone = self.start("import time\ntime.sleep(600)")
        with self.assertRaises(Clogged):
            for _ in range(100):
                child.write(b"x" * (1 << 20))
                await deferLater(reactor, 0)
        child.kill()
        self.assertEqual(await gone, "was ended by SIGKILL")

    def start(self, code: str) -> tuple[Any, list[bytes | TooLong], Deferred[str]]:
        heard: list[bytes | TooLong] = []
        gone: Deferred[str] = Deferred()

        class Ear:
            def line(self, line: bytes | TooLong) -> None:
                heard.append(line)

            def gone(self, why: str) -> None:
                gone.callback(why)

        program = Program(argv=(sys.executable, "-I", "-S", "-c", code), directory=Path("."))
        complaints = lambda: Complaints("x", str, reactor.seconds)  # noqa: E731
        return spawner(program, reactor, complaints)(Ear()), heard, gone


class CrowdTests(ProgramCase):
    async def test_sixty_runs_that_crash_hang_or_are_aborted_leave_nothing(self) -> None:
        self.runtime = self.make(most_processes=12)
        kinds = ("[crash]", "[half]", "[hang]", "[hang]", "[garbage]", "fine")
        runs: list[Deferred[Any]] = []
        for number in range(60):
            kind = kinds[number % len(kinds)]
            run = self.runtime.run(request(kind, session=f"s{number % 11}"), Sink())
            if kind == "[hang]":
                reactor.callLater(2 + number / 30, run.cancel)
            runs.append(run.addBoth(lambda result: type(result).__name__))
        await DeferredList(runs)
        for session in range(11):
            self.assertEqual(await self.ask("after", f"s{session}"), "re after")
        self.assertEqual(self.alarms, [])
        await self.check_nothing_is_left()
