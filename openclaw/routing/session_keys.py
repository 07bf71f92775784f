"""Which session a conversation on a platform has, written as a key and read back."""

from collections.abc import Callable
from typing import Literal

from attrs import frozen

from openclaw.errors import InvalidRequest
from openclaw.interfaces.messages import Inbound
from openclaw.routing.key_parts import decode, encode

DmScope = Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]
Kind = Literal["direct", "group", "channel"]

_KINDS: dict[str, Kind] = {"dm": "direct", "group": "group", "channel": "channel"}
# What the original calls the parts of a chat; all other channels have threads.
_TOPICS = frozenset({"telegram"})
_MARKERS = ("thread", "topic")


@frozen(kw_only=True)
class Conversation:
    """What a key of ours tells; ids that were too long for it are ``None``.

    :ivar channel: empty where direct messages of all channels share a session.
    :ivar account: empty where the key names none: the default account, or any.
    :ivar thread_id: empty for none.
    """

    agent_id: str
    channel: str
    account: str | None
    kind: Kind
    peer_id: str | None
    thread_id: str | None = ""


@frozen(kw_only=True)
class KeyMaker:
    """Writes the keys of conversations.

    An account that is not its channel's default one is always part of the key: two networks may
    know different people, and different rooms, by the same id.

    :ivar main_key: the name of an agent's main session.
    :ivar default_account: tells a channel's default account.
    """

    dm_scope: DmScope = "per-channel-peer"
    main_key: str = "main"
    default_account: Callable[[str], str] = lambda channel: "default"

    def key(self, agent_id: str, message: Inbound) -> str:
        """The key of the session that an event belongs to.

        :raises InvalidRequest: an id is empty, or the kind of chat unknown.
        """
        kind = _KINDS.get(message.chat_type)
        if kind is None:
            raise InvalidRequest("a session key cannot be made for this kind of chat")
        if kind == "direct" and self.dm_scope == "main":
            return f"agent:{agent_id}:{self.main_key}"
        peer = message.sender.id if kind == "direct" else message.chat_id
        parts = ["agent", agent_id, *self._where(kind, message), kind, encode(peer)]
        if message.thread_id:
            parts += [marker(message.channel), encode(message.thread_id)]
        return ":".join(parts)

    def _where(self, kind: Kind, message: Inbound) -> list[str]:
        if kind == "direct" and self.dm_scope == "per-peer":
            return []
        channel, account = encode(message.channel), encode(message.account)
        named = kind == "direct" and self.dm_scope == "per-account-channel-peer"
        if named or message.account != self.default_account(message.channel):
            return [channel, account]
        return [channel]


def marker(channel: str) -> str:
    """What a part of a chat is called in the keys of a channel: ``topic`` or ``thread``."""
    return "topic" if channel in _TOPICS else "thread"


def read_key(key: str) -> Conversation | None:
    """Read a key; ``None`` for one that :class:`KeyMaker` does not write.

    The main session's key is such a one too: it tells of no conversation.
    """
    parts = key.split(":")
    if len(parts) < 4 or parts[0] != "agent":
        return None
    head, thread = _split_thread(parts[2:])
    kind = next((one for one in _KINDS.values() if one == head[-2]), None)
    if len(head) > 4 or kind is None:
        return None
    try:
        where = [decode(part) for part in head[:-2]]
        return Conversation(
            agent_id=parts[1],
            channel=(where[0] if where else "") or "",
            account=where[1] if len(where) == 2 else "",
            kind=kind,
            peer_id=decode(head[-1]),
            thread_id=decode(thread) if thread else "",
        )
    except InvalidRequest:
        return None


def _split_thread(parts: list[str]) -> tuple[list[str], str]:
    # No encoded id is a marker, so a marker stands for itself alone.
    if len(parts) > 3 and parts[-2] in _MARKERS:
        return parts[:-2], parts[-1]
    return parts, ""
