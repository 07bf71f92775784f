"""``POST /tools/invoke``: one tool, used without a model, with no more rights than its caller's."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from attrs import frozen
from msgspec import Meta

from openclaw.errors import InvalidRequest
from openclaw.http.openai.exchange import Exchange
from openclaw.http.openai.shape import Shape
from openclaw.interfaces.security import Peer
from openclaw.interfaces.tools import IToolbox, ToolPlace, ToolResult, ToolUse
from openclaw.protocol.base import encode

# Whoever has stolen a token must not run programs, speak for the owner, or make agents do so, with
# one request that nobody sees. Tools say of themselves whether they can be felt outside; these are
# refused whatever they say.
REFUSED = frozenset(
    {
        "apply_patch",
        "cron",
        "exec",
        "fs_delete",
        "fs_move",
        "fs_write",
        "gateway",
        "node_invoke",
        "nodes",
        "process",
        "sessions_send",
        "sessions_spawn",
        "shell",
        "spawn",
    }
)

Name = Annotated[str, Meta(min_length=1, max_length=128)]


class InvokeRequest(Shape, frozen=True, kw_only=True, rename="camel"):
    """What is asked for.

    :ivar name: another word for ``tool``.
    :ivar session_key: the session it is used for; the agent's main one unless named.
    """

    tool: Name | None = None
    name: Name | None = None
    args: dict[str, Any] | None = None
    session_key: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    agent_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None


class ToolText(Shape, frozen=True, kw_only=True):
    """What the tool found."""

    text: str
    type: Literal["text"] = "text"


class InvokeResult(Shape, frozen=True, kw_only=True):
    """The same, as agents receive it."""

    content: list[ToolText]


class Invoked(Shape, frozen=True, kw_only=True):
    """It was done."""

    result: InvokeResult
    ok: bool = True


class InvokeProblem(Shape, frozen=True, kw_only=True):
    """Why it was not."""

    type: str
    message: str


class NotInvoked(Shape, frozen=True, kw_only=True):
    """It was not done."""

    error: InvokeProblem
    ok: bool = False


@frozen(kw_only=True)
class InvokeTool:
    """The endpoint.

    :ivar toolbox: ``None`` where there are no tools.
    :ivar agents: the ids there are; the first one is used unless another is named.
    :ivar canonical: the one spelling of a session key.
    :ivar main_of: the main session's key of an agent.
    :ivar take_work: counts one request that starts work; raises Busy for one too many.
    """

    toolbox: IToolbox | None
    agents: tuple[str, ...]
    canonical: Callable[[str], str]
    main_of: Callable[[str], str]
    make_id: Callable[[], str]
    take_work: Callable[[str, str | None, Peer], None]
    noticed: Callable[[str, str], None]

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        asked = exchange.read(InvokeRequest)
        name = asked.name or asked.tool
        if not name:
            return _refuse(exchange, 400, "invalid_request", "tools.invoke requires tool")
        try:
            agent, session = self._place(asked)
        except InvalidRequest as error:
            return _refuse(exchange, 400, "invalid_request", error.message)
        caller = exchange.caller
        if self.toolbox is None or not await self._offered(exchange, agent, session, name):
            return _refuse(exchange, 404, "not_found", f"Tool not available: {name}")
        if name in REFUSED or self.toolbox.effect(name) == "external":
            self.noticed("http.tool-refused", "a tool that can be felt outside was asked for")
            words = f"{name} cannot be used over HTTP: ask an agent for it"
            return _refuse(exchange, 403, "forbidden", words)
        self.take_work("/tools/invoke", caller.admitted.device_id, caller.peer)
        id = self.make_id()
        use = ToolUse(
            run_id=id,
            session_key=session,
            agent_id=agent,
            call_id=f"http-{id}",
            authority=caller.authority,
        )
        working = self.toolbox.use(name, encode(asked.args or {}).decode(), use)
        exchange.when_gone(working.cancel)
        _tell(exchange, await working)

    async def _offered(self, exchange: Exchange, agent: str, session: str, name: str) -> bool:
        """Whether a run of this caller's in that session would be offered the tool."""
        assert self.toolbox is not None
        place = ToolPlace(agent_id=agent, session_key=session)
        specs = await self.toolbox.specs(place, exchange.caller.authority)
        return any(spec.name == name for spec in specs)

    def _place(self, asked: InvokeRequest) -> tuple[str, str]:
        """The agent and the session."""
        agent = asked.agent_id or self.agents[0]
        key = asked.session_key or "main"
        session = self.main_of(agent) if key == "main" else self.canonical(key)
        owner = session.split(":")[1]
        if asked.agent_id is None:
            agent = owner
        if agent not in self.agents:
            raise InvalidRequest(f"unknown agent id: {agent!r}")
        if owner != agent:
            raise InvalidRequest(f"agent {agent!r} does not match session key {key!r}")
        return agent, session


def _tell(exchange: Exchange, result: ToolResult) -> None:
    if result.is_error:
        _refuse(exchange, 400, "tool_error", result.text)
    else:
        found = InvokeResult(content=[ToolText(text=result.text)])
        exchange.answer(200, Invoked(result=found))


def _refuse(exchange: Exchange, status: int, kind: str, message: str) -> None:
    exchange.answer(status, NotInvoked(error=InvokeProblem(type=kind, message=message)))
