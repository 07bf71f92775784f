"""What was said in groups to others: kept for a while, told with the next message to us."""

from collections import OrderedDict, deque

from openclaw.interfaces.messages import Inbound

MOST_CHATS = 1_000


class GroupContext:
    """The latest messages of each group, in memory; the chat that was silent longest goes first."""

    def __init__(self, most_chats: int = MOST_CHATS) -> None:
        self._most_chats = most_chats
        self._chats: OrderedDict[tuple[str, ...], deque[Inbound]] = OrderedDict()

    def note(self, message: Inbound, limit: int) -> None:
        """Keep a message, and with it at most ``limit`` of its chat."""
        if limit <= 0:
            return
        key = _chat(message)
        kept = self._chats.pop(key, deque())
        kept = deque(kept, maxlen=limit) if kept.maxlen != limit else kept
        kept.append(message)
        self._chats[key] = kept
        if len(self._chats) > self._most_chats:
            self._chats.popitem(last=False)

    def take(self, message: Inbound) -> tuple[Inbound, ...]:
        """What was kept of a message's chat; it is told once."""
        return tuple(self._chats.pop(_chat(message), ()))


def _chat(message: Inbound) -> tuple[str, ...]:
    return (message.channel, message.account, message.chat_id, message.thread_id)
