"""The table of bindings, asked in two directions: who answers, and by which channel to speak."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Literal

from attrs import frozen

from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.routing import Binding
from openclaw.routing.session_keys import marker

Level = Literal[
    "peer",
    "parent",
    "wildcard",
    "guild+roles",
    "guild",
    "team",
    "account",
    "channel",
    "default",
]
EVERY = "*"

# From most to least specific; a topic or thread of a group stands before the group itself, and the
# default account, where a binding does not name it, before all accounts.
_RANKS: tuple[Level, ...] = (
    "peer",
    "peer",
    "parent",
    "wildcard",
    "guild+roles",
    "guild",
    "team",
    "account",
    "channel",
    "channel",
)
_THREAD, _PEER, _PARENT, _WILDCARD, _ROLES, _GUILD, _TEAM, _ACCOUNT, _DEFAULT, _ALL = range(10)


@frozen
class _Row:
    order: int
    binding: Binding


class Bindings:
    """One table; it never changes.

    Of those that match the most specific decides, of those equally specific the first.

    :param default_agent: who answers what no binding matches.
    :param default_account: tells a channel's default account.
    """

    def __init__(
        self,
        bindings: Iterable[Binding],
        default_agent: str,
        default_account: Callable[[str], str],
    ) -> None:
        self.all: Sequence[Binding] = tuple(bindings)
        self._default_agent = default_agent
        self._default_account = default_account
        self._by_peer: dict[tuple[str, str], list[_Row]] = {}
        self._wide: dict[str, list[_Row]] = {}
        for order, binding in enumerate(self.all):
            row = _Row(order, binding)
            if binding.peer_id in ("", EVERY):
                self._wide.setdefault(binding.channel, []).append(row)
            else:
                self._by_peer.setdefault((binding.channel, binding.peer_id), []).append(row)

    def agent(self, message: Inbound) -> tuple[str, Level]:
        """Who answers an event, and which level decided."""
        found: tuple[int, int, str] | None = None
        for row in self._candidates(message):
            rank = self._rank(row.binding, message)
            if rank is not None and (found is None or (rank, row.order) < found[:2]):
                found = rank, row.order, row.binding.agent_id
        if found is None:
            return self._default_agent, "default"
        return found[2], _RANKS[found[0]]

    def channel(
        self, agent_id: str, to: str, channels: Collection[str], known: Collection[str] = ()
    ) -> str | None:
        """By which channel an agent speaks to somebody; ``None`` if that is not clear.

        Asked in turn: bindings of the agent that name the person or group, those of others, where
        it was spoken with before, channels or accounts that are bound to the agent, the only
        channel that there is.

        :param channels: the configured ones.
        :param known: channels on which a session with this chat exists.
        """
        named = [
            one for one in self.all if one.peer_id == to and to != EVERY and one.channel in channels
        ]
        wide = [one for one in self.all if _is_wide(one) and one.channel in channels]
        for choice in (
            {one.channel for one in named if one.agent_id == agent_id},
            {one.channel for one in named},
            {one for one in known if one in channels},
            {one.channel for one in wide if one.agent_id == agent_id},
            set(channels),
        ):
            if choice:
                return choice.pop() if len(choice) == 1 else None
        return None

    def of(self, user: str) -> Sequence[Binding]:
        """Every binding that can decide about a person's direct messages, most specific first."""
        found = [
            (_direct_rank(binding), order, binding)
            for order, binding in enumerate(self.all)
            if binding.peer_kind in ("", "direct") and binding.peer_id in ("", EVERY, user)
        ]
        return [binding for _, _, binding in sorted(found, key=lambda one: one[:2])]

    # -- inside --------------------------------------------------------------------------------

    def _candidates(self, message: Inbound) -> Iterator[_Row]:
        for peer_id in _peer_ids(message):
            yield from self._by_peer.get((message.channel, peer_id), ())
        yield from self._wide.get(message.channel, ())

    def _rank(self, binding: Binding, message: Inbound) -> int | None:
        """How specific a binding is for an event; ``None`` if it does not match."""
        space = message.space_id
        missed = (
            not self._has_account(binding, message)
            or (binding.guild_id and binding.guild_id != space)
            or (binding.team_id and binding.team_id != space)
            or (binding.roles and binding.roles.isdisjoint(message.sender.roles))
        )
        if missed:
            return None
        if binding.peer_id:
            return _peer_rank(binding, message)
        return _wide_rank(binding)

    def _has_account(self, binding: Binding, message: Inbound) -> bool:
        if binding.account in (EVERY, message.account):
            return True
        return not binding.account and message.account == self._default_account(message.channel)


def _peer_ids(message: Inbound) -> Sequence[str]:
    """What a binding may call the event's peer: thread, chat, what is above; by their rank."""
    if message.chat_type == "dm":
        return ("", message.sender.id, "")
    thread = f"{message.chat_id}:{marker(message.channel)}:{message.thread_id}"
    return (thread if message.thread_id else "", message.chat_id, message.parent_id)


def _peer_rank(binding: Binding, message: Inbound) -> int | None:
    if (binding.peer_kind == "direct") != (message.chat_type == "dm"):
        return None
    if binding.peer_id == EVERY:
        return _WILDCARD
    ids = _peer_ids(message)
    return ids.index(binding.peer_id) if binding.peer_id in ids else None


def _wide_rank(binding: Binding) -> int:
    if binding.guild_id:
        return _ROLES if binding.roles else _GUILD
    if binding.team_id:
        return _TEAM
    if not binding.account:
        return _DEFAULT
    return _ALL if binding.account == EVERY else _ACCOUNT


def _direct_rank(binding: Binding) -> int:
    if binding.peer_id:
        return _WILDCARD if binding.peer_id == EVERY else _PEER
    return _wide_rank(binding)


def _is_wide(binding: Binding) -> bool:
    """Whether it is about whole accounts: about nobody and nothing in particular."""
    return not (binding.peer_id or binding.guild_id or binding.team_id)
