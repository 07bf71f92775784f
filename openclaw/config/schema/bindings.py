"""The ``bindings`` list: which agent answers which part of the traffic; keys only."""

from typing import Annotated, Any, Literal

from openclaw.config.schema.fields import Section, later, now

Id = str | int


class PeerMatch(Section, frozen=True, kw_only=True):
    """One person or group, or all of a kind."""

    kind: Annotated[
        Literal["direct", "dm", "group", "channel"],
        now("A person, or a group; ``group`` and ``channel`` mean the same."),
    ]
    id: Annotated[Id, now("Id of the sender or the group; ``*`` for any of the kind.")]


class BindingMatch(Section, frozen=True, kw_only=True):
    """What a message has to be; keys that are absent ask nothing."""

    channel: Annotated[str, now("The channel.")]
    account_id: Annotated[
        str | None,
        now("The account; ``*`` for all, the channel's default account if absent."),
    ] = None
    peer: Annotated[PeerMatch | None, now("Who or where.")] = None
    guild_id: Annotated[Id | None, now("The guild or space that the chat belongs to.")] = None
    team_id: Annotated[Id | None, now("The team or workspace that it belongs to.")] = None
    roles: Annotated[
        tuple[Id, ...], now("Ids of roles of which the sender has one; needs ``guildId``.")
    ] = ()


class BindingRow(Section, frozen=True, kw_only=True):
    """One binding."""

    agent_id: Annotated[str, now("Who answers.")]
    match: Annotated[BindingMatch, now("What is answered.")]
    type: Annotated[
        Literal["route", "acp"], now("``route``; bindings of the other kind are left out.")
    ] = "route"
    comment: Annotated[str | None, now("For people.")] = None
    acp: Annotated[Any, later("The other kind's own settings.")] = None
