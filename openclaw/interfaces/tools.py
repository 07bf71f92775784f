"""Tools of agents: what one is, who may use it, and where packages offer theirs."""

from collections.abc import Sequence
from typing import Any, Literal

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from openclaw.interfaces.messages import Origin

Effect = Literal["none", "internal", "external"]
"""``none``: only looks; ``internal``: changes what is the agent's own; ``external``: can be felt
outside, so a run that used it is never run a second time."""


@frozen(kw_only=True)
class Authority:
    """On whose behalf a run acts: never more than whoever asked may do.

    :ivar owner: whether the owner asked: a device or token of theirs, or a sender that
        ``gateway.auth.admin_channels`` names.
    :ivar scopes: operator scopes of the client that asked; empty for people on channels.
    :ivar origin: where the run was asked for from a channel; ``None`` for clients and programs.
    :ivar commanded_by: see :attr:`openclaw.interfaces.conversations.NewInput.commanded_by`.
    """

    owner: bool = False
    scopes: frozenset[str] = frozenset()
    origin: Origin | None = None
    commanded_by: str = ""


@frozen(kw_only=True)
class ToolSpec:
    """A tool as a model is told of it.

    :ivar parameters: JSON Schema of its arguments.
    """

    name: str
    description: str
    parameters: dict[str, Any]


@frozen(kw_only=True)
class ToolPlace:
    """Where tools are used: what rules hold depends on it.

    :ivar session_key: empty for no session's.
    :ivar model: ``provider/model`` of the model that asks for them, empty for none.
    """

    agent_id: str
    session_key: str = ""
    model: str = ""


@frozen(kw_only=True)
class ToolUse:
    """One use of a tool within a run.

    :ivar agent_id: whose workspace, and whose rules.
    :ivar call_id: the model's id of the call.
    :ivar model: see :attr:`ToolPlace.model`.
    """

    run_id: str
    session_key: str
    agent_id: str
    call_id: str
    authority: Authority
    model: str = ""

    @property
    def place(self) -> ToolPlace:
        """Where it is used."""
        return ToolPlace(agent_id=self.agent_id, session_key=self.session_key, model=self.model)


@frozen(kw_only=True)
class ToolResult:
    """What a tool says to the model.

    :ivar title: a few words for people who watch the run.
    """

    text: str
    is_error: bool = False
    title: str = ""


class ToolFailed(Exception):
    """A tool could not do what was asked; the words are for the model."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ITool(Interface):
    """One tool."""

    name: str = Attribute("``[a-z][a-z0-9_]*``; what a model calls it by.")
    description: str = Attribute("What it does and when to use it, for a model.")
    arguments: type[Any] = Attribute("The msgspec struct of its arguments.")
    effect: Effect = Attribute("What a use of it leaves behind.")

    def allowed(authority: Authority, agent_id: str) -> bool:
        """Whether a run with this authority is offered the tool at all."""

    def use(arguments: Any, use: ToolUse) -> Deferred[ToolResult]:
        """Do it.

        :param arguments: of the type of ``arguments``, checked.
        :return: fails with :class:`ToolFailed`; anything else is a bug that the model is told of
            as such. Cancelling it stops the work.
        """


class IForeignTool(ITool):
    """A tool that another program describes; its ``arguments`` are any JSON object.

    Its name may have capitals and ``-`` in it.
    """

    schema: dict[str, Any] = Attribute("JSON Schema of the arguments, as the program gave it.")
    seconds: float = Attribute("How long one use may take.")


class IToolSource(Interface):
    """Offers tools that are not known beforehand: the servers of a protocol, say."""

    def tools(agent_id: str) -> Deferred[Sequence[ITool]]:
        """The tools it has for an agent now; fires soon, with what is known by then."""


class IToolbox(Interface):
    """Every tool there is; packages register theirs, the agents use them."""

    def register(tool: ITool, seconds: float | None = None) -> None:
        """Offer a tool.

        :param seconds: how long one use may take; ``None`` for the usual time.
        :raises ValueError: the name is taken or is none.
        """

    def register_source(source: IToolSource) -> None:
        """Offer whatever a source has."""

    def specs(place: ToolPlace, authority: Authority) -> Deferred[Sequence[ToolSpec]]:
        """What a run may use: what the rules of its place and the authority both allow."""

    def effect(name: str) -> Effect:
        """What a use of a tool leaves behind; ``external`` for one that is not known."""

    def use(name: str, arguments: str, use: ToolUse) -> Deferred[ToolResult]:
        """Check the arguments (JSON text) and the authority, and do it.

        :return: never fails: what goes wrong is told to the model.
        """


@frozen(kw_only=True)
class ToolCall:
    """A model's wish to use a tool.

    :ivar arguments: JSON text, as the model wrote it; may be no JSON at all.
    """

    id: str
    name: str
    arguments: str = "{}"


@frozen(kw_only=True)
class Image:
    """A picture for a model.

    :ivar data: the bytes, in base64.
    """

    mime: str
    data: str = field(repr=False)
