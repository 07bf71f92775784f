"""An agent in memory that speaks Pi's wire and misbehaves on request, and a sink that remembers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from openclaw.agents.runtimes.process.child import Child, Listener, Program, Spawn
from openclaw.agents.runtimes.process.runtime import AgentProgram, ProcessRuntime
from openclaw.agents.runtimes.process.supervisor import Alarm
from openclaw.interfaces.agents import (
    IRunSink,
    IToolSink,
    ModelInfo,
    RunRequest,
    Turn,
)
from openclaw.interfaces.tools import Authority, ToolCall, ToolResult

MODEL = ModelInfo(provider="pi", id="standin/mock-1", name="Mock", context_window=32_000)
OWNER = Authority(owner=True)


def request(
    *said: str, session: str = "agent:main:main", authority: Authority = OWNER, **more: Any
) -> RunRequest:
    """A request whose turns are the user's and the assistant's by turns, the user's last."""
    turns = [
        Turn("user" if (len(said) - number) % 2 else "assistant", text)
        for number, text in enumerate(said)
    ]
    given = {"turns": turns, **more}
    return RunRequest(
        run_id="r1",
        session_key=session,
        agent_id="main",
        model=MODEL,
        authority=authority,
        **given,
    )


@implementer(IRunSink, IToolSink)
class Sink:
    """Writes down all it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.results: list[str] = []

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(one[1] for one in self.heard if one[0] == "delta")

    def kinds(self) -> list[str]:
        """What was heard, without what it said."""
        return [one[0] for one in self.heard]

    def model_started(self, provider: str, model: str) -> None:
        """See :meth:`IRunSink.model_started`."""
        self.heard.append(("model", provider, model))

    def delta(self, text: str) -> None:
        """See :meth:`IRunSink.delta`."""
        self.heard.append(("delta", text))

    def thought(self, text: str) -> None:
        """See :meth:`IRunSink.thought`."""
        self.heard.append(("thought", text))

    def watched(self) -> bool:
        """Somebody always looks."""
        return True

    def commit(self) -> Deferred[None]:
        """See :meth:`IToolSink.commit`."""
        self.heard.append(("commit",))
        return succeed(None)

    def tool_started(self, call: ToolCall) -> None:
        """See :meth:`IToolSink.tool_started`."""
        self.heard.append(("tool", call.name, call.arguments))

    def tool_ended(self, call: ToolCall, result: ToolResult) -> None:
        """See :meth:`IToolSink.tool_ended`."""
        self.heard.append(("tool done", call.name, result.is_error))
        self.results.append(result.text)


class FakeAgent:
    """One process in memory: answers commands, and prompts by what stands in them.

    A prompt with ``[hang]`` is accepted and never ends, ``[deaf]`` neither, and it hears no
    ``abort``; ``[crash]`` ends the process before a word, ``[half]`` after one; ``[garbage]``
    writes what is no line before the answer; ``[wait]`` waits for :meth:`finish`; ``[fail]`` ends
    with the provider's words. Anything else is answered with ``re`` and the last line.
    """

    def __init__(self, world: "Programs", listener: Listener, program: Program) -> None:
        self._world = world
        self._listener = listener
        self.program = program
        self.commands: list[dict[str, Any]] = []
        self.signals: list[str] = []
        self.alive = True
        self.deaf = False
        self._mode = ""
        self._abort_id = ""

    @property
    def prompts(self) -> list[str]:
        """What it was told to answer."""
        return [one["message"] for one in self.commands if one["type"] == "prompt"]

    def types(self) -> list[str]:
        """The commands it got, in order."""
        return [one["type"] for one in self.commands]

    # -- Child -----------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """See :meth:`Child.write`."""
        command = json.loads(data)
        self.commands.append(command)
        if self.alive and not self.deaf and self._world.answers:
            self._world.clock.callLater(0, self._do, command)

    def terminate(self) -> None:
        """See :meth:`Child.terminate`."""
        self.signals.append("TERM")
        if not self.deaf:
            self._world.clock.callLater(0, self.end, "ended with status 143")

    def kill(self) -> None:
        """See :meth:`Child.kill`."""
        self.signals.append("KILL")
        self._world.clock.callLater(0, self.end, "was ended by SIGKILL")

    # -- the test asks ---------------------------------------------------------------------------

    def end(self, why: str = "ended with status 1") -> None:
        """The process ends."""
        if self.alive:
            self.alive = False
            self._listener.gone(why)

    def says(self, **line: Any) -> None:
        """Write a line."""
        self._listener.line(json.dumps(line).encode())

    def finish(self, text: str = "done", reason: str = "stop", error: str = "") -> None:
        """End the prompt with an answer."""
        if text:
            self.delta(text)
        content = [{"type": "text", "text": text}] if text else []
        message: dict[str, Any] = {"role": "assistant", "content": content, "stopReason": reason}
        message["usage"] = {"input": 10, "output": 5, "cacheRead": 1, "cacheWrite": 0}
        if error:
            message["errorMessage"] = error
        self.says(type="message_end", message=message)
        self._mode = ""
        self.says(type="agent_end", messages=[])

    def delta(self, text: str) -> None:
        """Write one piece of an answer."""
        self.says(
            type="message_update", assistantMessageEvent={"type": "text_delta", "delta": text}
        )

    def _do(self, command: dict[str, Any]) -> None:
        if not self.alive:
            return
        if command["type"] == "abort":
            self._end_prompt()
        if command["type"] == "prompt" and self._mode:
            error = "Agent is already processing."
            self._answer(command, error)
            return
        self._answer(command)
        if command["type"] == "prompt":
            self._prompt(command["message"])

    def _answer(self, command: dict[str, Any], error: str = "") -> None:
        line = {"id": command["id"], "type": "response", "command": command["type"]}
        self.says(**line, success=not error, **({"error": error} if error else {}))

    def _end_prompt(self) -> None:
        if self._mode:
            self.finish("", "aborted", "Request was aborted")

    def _prompt(self, message: str) -> None:
        message = message.rpartition("\n")[2]  # Before it stands what was said so far.
        self._mode = "answering"
        if "[deaf]" in message:
            self.deaf = True
        elif "[crash]" in message:
            self.end()
        elif "[half]" in message:
            self.delta("half ")
            self.end()
        elif "[fail]" in message:
            self.finish("", "error", "429 slow down, key-123")
        elif "[garbage]" in message:
            for line in (b"%PDF-1.7", b"{", b"[]", b'{"type":5}', b"\xff\xfe", b"null", b""):
                self._listener.line(line)
            self.finish("clean")
        elif "[hang]" not in message and "[wait]" not in message:
            self.finish(f"re {message}")


@define
class Programs:
    """Every process that a runtime has started.

    :ivar answers: whether commands are answered at all.
    :ivar broken: new ones end at once.
    :ivar given: what skills are given.
    """

    clock: Clock = field(factory=Clock)
    agents: list[FakeAgent] = field(factory=list)
    alarms: list[Alarm] = field(factory=list)
    answers: bool = True
    broken: bool = False
    unable: OSError | None = None
    given: dict[str, str] = field(factory=dict)

    def spawner(self, name: str, program: Program) -> Spawn:
        """What starts them."""

        def spawn(listener: Listener) -> Child:
            if self.unable is not None:
                raise self.unable
            agent = FakeAgent(self, listener, program)
            self.agents.append(agent)
            if self.broken:
                self.clock.callLater(0, agent.end)
            return agent

        return spawn

    def runtime(self, hide: Callable[[str], str] = str, **more: Any) -> ProcessRuntime:
        """A runtime whose programs these are."""
        program = AgentProgram(id="pi", argv=("pi", "--mode", "rpc"), **more)
        return ProcessRuntime(
            program,
            self.spawner,
            lambda agent: Path("/workspaces") / agent,
            self.clock,
            hide,
            self.alarms.append,
            lambda request: succeed(dict(self.given)),
        )

    def turn(self, seconds: float = 0.0) -> None:
        """Let the reactor turn until nothing is due."""
        self.clock.advance(seconds)
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    @property
    def alive(self) -> list[FakeAgent]:
        """Those that run now."""
        return [agent for agent in self.agents if agent.alive]
