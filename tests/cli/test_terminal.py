"""Tests of a conversation on a real terminal: a process on a pseudo terminal, typed into."""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from tests.cli.running import CommandTestCase, child_environment, reactor
from tests.cli.test_chat import delta, final
from tests.client.stand_in import Connection


class Typist(ProcessProtocol):
    """Somebody at the terminal: reads what is shown, types, waits."""

    def __init__(self) -> None:
        self.shown = ""
        self.ended: Deferred[int | None] = Deferred()
        self._waits: list[tuple[str, Deferred[None]]] = []

    def outReceived(self, data: bytes) -> None:
        """Read."""
        self.shown += data.decode(errors="replace")
        for wait in tuple(self._waits):
            if wait[0] in self.shown:
                self._waits.remove(wait)
                wait[1].callback(None)

    def sees(self, text: str) -> Deferred[None]:
        """Wait until the terminal shows a text; what was shown before does not count twice."""
        seen: Deferred[None] = Deferred()
        self._waits.append((text, seen))
        self.outReceived(b"")
        return seen.addCallback(self._forget, text)

    def types(self, text: str) -> None:
        """Press keys."""
        assert self.transport is not None
        self.transport.write(text.encode())

    def processEnded(self, reason: Failure) -> None:
        """The command is over."""
        ended: Any = reason.value
        self.ended.callback(ended.exitCode)

    def _forget(self, _: None, text: str) -> None:
        self.shown = self.shown.split(text, 1)[1]


class TerminalTests(CommandTestCase):
    """A person talks."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        self.aborted: list[dict[str, Any]] = []
        self.gateway.methods.update(
            {"chat.send": self.send, "chat.abort": self.abort, "chat.history": self.history}
        )
        self.typist = Typist()
        process = reactor.spawnProcess(
            self.typist,
            sys.executable,
            [sys.executable, "-m", "openclaw.cli", "chat"],
            env=child_environment(self.home),
            usePTY=True,
        )
        self.addCleanup(lambda: process.pid and process.signalProcess("KILL"))

    def send(self, connection: Connection, params: dict[str, Any]) -> object:
        """Answer with capitals; ``long`` gets an answer that does not end."""
        run_id, text = params["idempotencyKey"], params["message"]
        event = delta(run_id, "on and on", "on and on")
        if text != "long":
            event = final(run_id, text.upper())
        reactor.callLater(0, connection.event, "chat", event)
        return {"runId": run_id, "status": "started"}

    def abort(self, connection: Connection, params: dict[str, Any]) -> object:
        """Stop the run that does not end."""
        self.aborted.append(params)
        stopped = {"runId": params["runId"], "state": "aborted", "stopReason": "rpc"}
        connection.event("chat", stopped)
        return {"ok": True, "aborted": True, "runIds": [params["runId"]]}

    def history(self, connection: Connection, params: dict[str, Any]) -> object:
        """What was said before."""
        return {"messages": [{"role": "assistant", "content": "welcome back"}]}

    async def test_talk_stop_talk_leave(self) -> None:
        """Ctrl-C stops an answer and not the conversation."""
        typist = self.typist
        await typist.sees("agent:main:main")
        await typist.sees("welcome back")
        await typist.sees("you>")
        typist.types("hello\n")
        await typist.sees("HELLO")
        await typist.sees("you>")
        typist.types("long\n")
        await typist.sees("on and on")
        typist.types("\x03")
        await typist.sees("stopped")
        self.assertEqual(len(self.aborted), 1)
        await typist.sees("you>")
        typist.types("again\n")
        await typist.sees("AGAIN")
        await typist.sees("you>")
        typist.types("/quit\n")
        self.assertEqual(await typist.ended, 0)

    async def test_ctrl_c_twice_at_the_prompt_leaves(self) -> None:
        """Once only clears the line."""
        typist = self.typist
        await typist.sees("you>")

        def press() -> None:
            # The line editor may be looking away for a moment; a person presses again, too.
            if typist.shown.count("Ctrl-C again") < 2:
                typist.types("\x03")

        pressing = LoopingCall(press)
        pressing.clock = reactor
        pressing.start(0.5).addErrback(lambda _: None)
        status = await typist.ended
        pressing.stop()
        self.assertEqual(status, 0)
        self.assertEqual(typist.shown.count("Ctrl-C again"), 2)
        self.assertEqual(typist.shown.count("you>"), 1)

    async def test_the_end_of_input_leaves(self) -> None:
        """Ctrl-D."""
        await self.typist.sees("you>")
        self.typist.types("\x04")
        self.assertEqual(await self.typist.ended, 0)
