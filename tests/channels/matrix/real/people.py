"""Our end of :mod:`person`: starts one, tells it what to do, reads what it saw."""

import json
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from tests.channels.matrix.real.environment import clean

Json = dict[str, Any]
SCRIPT = Path(__file__).with_name("person.py")


class Person(ProcessProtocol):
    """Somebody with matrix-nio.

    :ivar saw: events of rooms: the class that matrix-nio read each as, the room, the event.
    :ivar joined: rooms that invitations led to.
    """

    def __init__(self, python: str, homeserver: str, user_id: str) -> None:
        self.user_id = user_id
        self.saw: list[tuple[str, str, Json]] = []
        self.joined: list[str] = []
        self.said = ""
        self.gone: Deferred[None] = Deferred()
        self.token = ""
        self._asked: dict[int, Deferred[Json]] = {}
        self._rest = b""
        spawning: Any = reactor
        program = [python, "-u", str(SCRIPT), homeserver, user_id]
        spawning.spawnProcess(self, program[0], program, env=clean())

    def ask(self, do: str, **given: Any) -> Deferred[Json]:
        """Let them do something; fires with what came of it, fails with what went wrong."""
        number = len(self._asked) + 1
        waiting = self._asked[number] = Deferred()
        line = json.dumps({"do": do, "n": number, **given}) + "\n"
        cast(IProcessTransport, self.transport).writeToChild(0, line.encode())
        return waiting

    async def sign_in(self, password: str) -> None:
        """Sign in, and sync from then on."""
        self.token = (await self.ask("login", password=password))["access_token"]

    def messages(self, room: str, sender: str) -> list[Json]:
        """Messages of somebody in a room, every one of which matrix-nio understood."""
        found = [(kind, e) for kind, where, e in self.saw if where == room]
        mine = [(k, e) for k, e in found if e["sender"] == sender and e["type"] == "m.room.message"]
        assert not any("Bad" in kind or "Unknown" in kind for kind, _ in mine), mine
        return [event for _, event in mine]

    def outReceived(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._heard(line)

    def _heard(self, line: bytes) -> None:
        if not line.startswith(b"{"):
            self.said += line.decode(errors="replace") + "\n"
            return
        said = json.loads(line)
        if "saw" in said:
            self.saw.append((said["saw"], said["room"], said["event"]))
        elif "joined" in said:
            self.joined.append(said["joined"])
        elif "error" in said:
            self._asked[said["n"]].errback(AssertionError(said["error"]))
        else:
            self._asked[said["n"]].callback(said)

    def errReceived(self, data: bytes) -> None:
        self.said += data.decode(errors="replace")

    def processEnded(self, reason: Failure) -> None:
        for waiting in self._asked.values():
            if not waiting.called:
                waiting.errback(AssertionError(f"matrix-nio ended: {self.said[-2000:]}"))
        self.gone.callback(None)

    def stop(self) -> Deferred[None]:
        """Kill it; fires once it is gone."""
        if not self.gone.called:
            cast(IProcessTransport, self.transport).signalProcess("KILL")
        return self.gone
