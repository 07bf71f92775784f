"""Platforms whose every change is watched, with people in several chats: who saw what, and when."""

from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from openclaw.channels.counterpart import Shown
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.world import BOT_ID
from tests.channels.telegram.counterpart import Said, Telegram
from tests.integration.running import reactor

Saw = Callable[[str, Shown], None]
PEOPLE = 8


class Watched(Protocol):
    """One account's platform.

    :ivar name: of the account, in lower-case letters.
    :ivar channel: the channel's id.
    :ivar rooms: where people write.
    """

    name: str
    channel: str
    rooms: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """The account's configuration."""

    def say(self, chat: str, text: str) -> str:
        """Let somebody write; returns the message's id."""

    def has(self, message_id: str) -> bool:
        """Whether the platform was told that the message arrived."""

    def repeat(self, message_id: str) -> None:
        """Deliver a message again."""

    def disturb(self) -> None:
        """Refuse a send, in a way that says that it was not done."""

    async def stop(self) -> None:
        """Close it."""


class WatchedTelegram(Telegram):
    """Telegram: no key tells a repeated send from a new one."""

    channel = "telegram"

    def __init__(self, name: str, number: int, saw: Saw) -> None:
        self._senders = count(1000)
        super().__init__(f"{number}:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
        self.me["id"] = number
        self.name = name
        self.rooms = (*(str(number * 10 + one) for one in range(PEOPLE)), f"-{number}77")
        self._saw = saw

    def say(self, chat: str, text: str, **_: Any) -> str:  # type: ignore[override]
        group = chat.startswith("-")
        sender = str(next(self._senders)) if group else chat
        return super().say(text, chat_id=chat, sender_id=sender, group=group)

    def has(self, message_id: str) -> bool:
        return self.acknowledged(message_id)

    def disturb(self) -> None:
        self.refuse(1, 429, 0.3)

    def settings(self) -> dict[str, Any]:
        return {**super().settings()}

    def _message(self, one: Said) -> dict[str, Any]:
        shown = Shown(
            chat_id=one.chat_id,
            message_id=str(one.message_id),
            text=one.text,
            reply_to=one.reply_to,
        )
        self._saw(self.name, shown)
        return super()._message(one)


class WatchedDiscord(FakeDiscord):
    """Discord: a send that is repeated has the nonce of the first."""

    channel = "discord"

    def __init__(self, name: str, number: int, saw: Saw) -> None:
        super().__init__(reactor)
        self.name = name
        self.gateway.spaced_identifies = False
        people = tuple(f"70000000000000{number}{one}" for one in range(PEOPLE))
        self.rooms = (*people, f"60000000000000{number}9")
        self._group = self.rooms[-1]
        self._senders = count(800000000000000000 + number * 1_000_000)
        tell = self.world.tell

        def told(name: str, message: Any) -> None:
            if message["author"]["id"] == BOT_ID:
                saw(self.name, self._shown(message))
            tell(name, message)

        self.world.tell = told  # type: ignore[method-assign]
        self.start()

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "dmPolicy": "open", "groupPolicy": "open", "allowFrom": ["*"]}

    def say(self, chat: str, text: str, **_: Any) -> str:  # type: ignore[override]
        group = chat == self._group
        sender = str(next(self._senders)) if group else chat
        return super().say(text, chat_id=chat, sender_id=sender, group=group)

    def has(self, message_id: str) -> bool:
        """A session that was never written down ends with its process, as does what it was told."""
        return any(session.safe >= seq for session, seq in self.gateway.seq_of(message_id))

    def disturb(self) -> None:
        self.refuse(1, 429, 0.3)
