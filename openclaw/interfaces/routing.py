"""Where the channel kit asks who may speak, and which session and agent a message is for."""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import field, frozen
from twisted.internet.defer import Deferred
from zope.interface import Interface

from openclaw.interfaces.messages import Inbound, Target

Refusal = Literal[
    "own",
    "disabled",
    "not_allowed",
    "group_not_allowed",
    "not_mentioned",
    "bot",
    "bot_loop",
    "pairing",
    "rate",
    "not_wanted",
]


@frozen(kw_only=True)
class GroupRules:
    """What holds in one group; ``None`` for what the account says.

    :ivar agent: who answers in it; empty for what the bindings say.
    :ivar topics: what holds in its threads instead, by their ids; ``*`` for all others.
    """

    enabled: bool = True
    require_mention: bool | None = None
    allow_from: frozenset[str] | None = None
    agent: str = ""
    topics: Mapping[str, "GroupRules"] = field(factory=dict)


@frozen(kw_only=True)
class AccessRules:
    """Who may speak to one account; made from its settings.

    :ivar dm: ``pairing``, ``allowlist``, ``open`` or ``disabled``; ``open`` needs ``*`` in
        ``allow_from``.
    :ivar allow_from: immutable ids; an empty set lets nobody in.
    :ivar group: ``allowlist``, ``open`` or ``disabled``.
    :ivar groups: by chat id, ``*`` for all others; if there are any, the others are shut out.
    :ivar group_allow_from: who may speak in groups; ``None`` for everybody in a group let in.
    :ivar mention_patterns: regular expressions, checked when the configuration was read.
    :ivar allow_bots: ``mentions`` for those that address the assistant.
    :ivar moved_from: the first id of each group that has another one by now; its session, and
        what is configured for it, stay its own.
    """

    dm: str = "pairing"
    allow_from: frozenset[str] = frozenset()
    group: str = "allowlist"
    groups: Mapping[str, GroupRules] = field(factory=dict)
    group_allow_from: frozenset[str] | None = None
    require_mention: bool = True
    mention_patterns: tuple[str, ...] = ()
    allow_bots: bool | Literal["mentions"] = False
    moved_from: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Verdict:
    """Whether a message is let in.

    :ivar refusal: why not; ``None`` if it is. ``not_mentioned`` is context for later, the others
        are forgotten; ``not_wanted`` is for kinds of events that start nothing.
    :ivar reply: what to tell the sender, once: a pairing code and what to do with it, or that it
        wrote too much at a time.
    :ivar mentioned: whether the assistant was addressed, by the platform's word or by a pattern.
    """

    refusal: Refusal | None = None
    reply: str = ""
    mentioned: bool = False


@frozen(kw_only=True)
class Place:
    """Where a message goes.

    :ivar binding: the level that decided, such as ``peer`` or ``default``.
    """

    agent_id: str
    session_key: str
    binding: str


@frozen(kw_only=True)
class Binding:
    """Who answers a part of the traffic; what is empty matches everything, all else has to match.

    :ivar account: empty for the channel's default account, ``*`` for every account.
    :ivar peer_kind: ``direct``, ``group`` or ``channel``; the latter two mean the same. Empty if
        the binding names no peer.
    :ivar peer_id: the sender of a direct message, or the group; ``*`` for any.
    :ivar guild_id: the space (:attr:`Inbound.space_id`), as ``team_id``.
    :ivar roles: of which the sender must have one.
    """

    agent_id: str
    channel: str
    account: str = ""
    peer_kind: str = ""
    peer_id: str = ""
    guild_id: str = ""
    team_id: str = ""
    roles: frozenset[str] = frozenset()


class IAdmission(Interface):
    """The one function that decides who may speak to the assistant, for every kind of event."""

    def admit(message: Inbound, rules: AccessRules) -> Deferred[Verdict]:
        """Decide about one event; a stranger may get a pairing code, nothing else changes."""


class IRouter(Interface):
    """Bindings, and what they resolve to."""

    def place(message: Inbound, rules: AccessRules) -> Place:
        """Which agent and session an event is for."""

    def bindings(user: str = "") -> Sequence[Binding]:
        """Every binding in force, or those that can decide about a person's direct messages.

        :return: most specific first: in the order in which they are asked.
        """

    def bind(binding: Binding) -> None:
        """Add one that goes before others of its level; until the gateway stops."""

    def replace(bindings: Sequence[Binding]) -> None:
        """Put others in the place of those of the configuration, all at once."""

    def target(session_key: str) -> Target | None:
        """Where a session was last spoken to from; ``None`` if that was on no channel.

        :return: the place; it quotes no message (``reply_to`` is empty).
        """

    def remember(session_key: str, target: Target) -> None:
        """Note where a session is spoken to from; durable soon after."""

    def channel_for(agent_id: str, to: str, channels: Sequence[str]) -> str:
        """Which of the configured channels a message to ``to`` leaves by, where none was named.

        :raises openclaw.errors.InvalidRequest: nothing tells; says how to name one.
        """
