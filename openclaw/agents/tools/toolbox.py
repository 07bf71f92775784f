"""Every tool there is, and the one way to use them: rules, authority, checks, time, size."""

from collections.abc import Callable, Sequence
from re import compile as pattern

from attrs import evolve, frozen
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.defer import TimeoutError as TooLate
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openclaw.agents.tools.checking import read_arguments
from openclaw.agents.tools.consent import ApprovalGate
from openclaw.agents.tools.rules import LayeredRules
from openclaw.agents.tools.schemas import schema_of
from openclaw.deferreds import deferred
from openclaw.interfaces.tools import (
    Authority,
    Effect,
    IForeignTool,
    ITool,
    IToolbox,
    IToolSource,
    ToolFailed,
    ToolPlace,
    ToolResult,
    ToolSpec,
    ToolUse,
)

_NAME = pattern(r"[a-z][a-z0-9_]{0,63}")
_FOREIGN_NAME = pattern(r"[A-Za-z0-9_-]{1,64}")
SOURCE_SECONDS = 10.0
_BEYOND = 4_096


@frozen(kw_only=True)
class ToolLimits:
    """What one use may cost.

    :ivar seconds: how long it may take, unless the tool was registered with a time of its own.
    :ivar characters: most of a result that a model is shown.
    """

    seconds: float = 60.0
    characters: int = 100_000


@frozen
class _Registered:
    tool: ITool
    seconds: float
    spec: ToolSpec


@implementer(IToolbox)
class Toolbox:
    """Holds the tools; a use of one never fails, what goes wrong is told to the model.

    :param rules: what configuration and session say of the tools used at a place.
    :param hide: takes secrets out of what a model is told.
    :param gate: asks a person where the rules say so; the time for that is not the tool's.
    """

    _log = Logger()

    def __init__(
        self,
        rules: Callable[[ToolPlace], LayeredRules],
        hide: Callable[[str], str],
        clock: IReactorTime,
        limits: ToolLimits | None = None,
        gate: ApprovalGate | None = None,
    ) -> None:
        self._rules = rules
        self._hide = hide
        self._clock = clock
        self._limits = ToolLimits() if limits is None else limits
        self._gate = gate
        self._tools: dict[str, _Registered] = {}
        self._sources: list[IToolSource] = []

    def register(self, tool: ITool, seconds: float | None = None) -> None:
        """See :meth:`IToolbox.register`."""
        if not _NAME.fullmatch(tool.name) or "__" in tool.name:
            raise ValueError(f"{tool.name!r} is no name for a tool: [a-z][a-z0-9_]*, no __ in it")
        if tool.name in self._tools:
            raise ValueError(f"there is a tool {tool.name} already")
        spec = ToolSpec(
            name=tool.name, description=tool.description, parameters=schema_of(tool.arguments)
        )
        self._tools[tool.name] = _Registered(tool, seconds or self._limits.seconds, spec)

    def register_source(self, source: IToolSource) -> None:
        """See :meth:`IToolbox.register_source`."""
        self._sources.append(source)

    @deferred
    async def specs(self, place: ToolPlace, authority: Authority) -> Sequence[ToolSpec]:
        """See :meth:`IToolbox.specs`."""
        return [one.spec for one in await self._offered(place, authority)]

    def effect(self, name: str) -> Effect:
        """See :meth:`IToolbox.effect`."""
        found = self._tools.get(name)
        return "external" if found is None else found.tool.effect

    @deferred
    async def use(self, name: str, arguments: str, use: ToolUse) -> ToolResult:
        """See :meth:`IToolbox.use`."""
        try:
            result = await self._used(name, arguments, use)
        except CancelledError:
            result = _failed(f"{name} was stopped before it had ended")
        except ToolFailed as error:
            result = _failed(error.message)
        except Exception:  # A tool may be anybody's; the model is told, and the run goes on.
            self._log.failure("tool {tool} of run {run} broke", tool=name, run=use.run_id)
            result = _failed(f"{name} broke: an internal error, which is in the gateway's log")
        return self._fit_to_show(result)

    async def _used(self, name: str, arguments: str, use: ToolUse) -> ToolResult:
        offered = await self._offered(use.place, use.authority)
        found = next((one for one in offered if one.tool.name == name), None)
        if found is None:
            names = ", ".join(one.tool.name for one in offered) or "none"
            raise ToolFailed(f"there is no tool {name[:100]!r} here; there are: {names}")
        wanted = read_arguments(name, found.tool.arguments, arguments)
        if self._gate is not None:
            await self._gate.passed(name, wanted, use)
        try:
            return await found.tool.use(wanted, use).addTimeout(found.seconds, self._clock)
        except TooLate:
            raise ToolFailed(
                f"{name} did not end within {found.seconds:g} s and was stopped"
            ) from None

    async def _offered(self, place: ToolPlace, authority: Authority) -> list[_Registered]:
        """What a run may use now, the gateway's own tools first."""
        agent_id = place.agent_id
        foreign = await gatherResults(
            [self._foreign(source, agent_id) for source in self._sources], consumeErrors=True
        )
        rules = self._rules(place)  # As they are now, whatever was waited for.
        every = dict(self._tools)
        for tools in foreign:
            for one in tools:
                every.setdefault(one.tool.name, one)
        return [
            one
            for name, one in every.items()
            if rules.permits(name) and one.tool.allowed(authority, agent_id)
        ]

    @deferred
    async def _foreign(self, source: IToolSource, agent_id: str) -> list[_Registered]:
        """What one source has; a source in trouble has nothing."""
        try:
            tools = await source.tools(agent_id).addTimeout(SOURCE_SECONDS, self._clock)
        except CancelledError:
            raise
        except Exception:  # The others' tools are not less for it.
            self._log.failure("a source of tools failed")
            return []
        return [self._described(tool) for tool in tools if _FOREIGN_NAME.fullmatch(tool.name)]

    def _described(self, tool: ITool) -> _Registered:
        seconds, schema = self._limits.seconds, None
        if IForeignTool.providedBy(tool):
            seconds, schema = tool.seconds, tool.schema
        spec = ToolSpec(
            name=tool.name,
            description=tool.description,
            parameters=schema_of(tool.arguments) if schema is None else dict(schema),
        )
        return _Registered(tool, seconds, spec)

    def _fit_to_show(self, result: ToolResult) -> ToolResult:
        """Hide secrets, and what is too much; hidden first, as half a secret could not be found."""
        most, text = self._limits.characters, result.text
        shown = self._hide(text[: most + _BEYOND])
        if len(shown) > most:
            left = len(text) - most
            shown = f"{shown[:most]}\n[cut here: {left} more characters; ask for less at a time]"
        return evolve(result, text=shown, title=self._hide(result.title[:200]))


def _failed(words: str) -> ToolResult:
    return ToolResult(text=words, is_error=True)
