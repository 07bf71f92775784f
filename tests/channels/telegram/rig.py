"""What the tests of the service stand on: an account, its link, the counterpart, a clock."""

from collections.abc import Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openclaw.channels.platforms.telegram.manifest import MANIFEST
from openclaw.channels.platforms.telegram.service import Telegram, make
from openclaw.channels.platforms.telegram.settings import TelegramSettings
from openclaw.interfaces.messages import Outgoing, Target
from tests.channels.channel_case import ChannelCase, until
from tests.channels.telegram import counterpart

CHAT = "42"
GROUP = "-1001234567890"


def settings(given: Mapping[str, Any]) -> TelegramSettings:
    """Settings as the configuration would have them."""
    return msgspec.convert(dict(given), TelegramSettings)


class ServiceCase(ChannelCase):
    """One account against the counterpart."""

    channel: Telegram
    clock: Clock

    def setUp(self) -> None:
        self.telegram = counterpart.Telegram()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.telegram.stop()))
        self.telegram.chat(CHAT)
        self.telegram.chat(GROUP)
        super().setUp()

    def make(self, **changes: Any) -> Telegram:
        """Make an account's channel; it is the newest."""
        given = {**self.telegram.settings(), "pollTimeoutSeconds": 30, **changes}
        self.channel = make(self.linked(MANIFEST, settings(given)))
        return self.channel

    async def connect(self, **changes: Any) -> Telegram:
        """Make and run a channel, and wait until its long poll is out."""
        self.make(**changes)
        self.start()
        await until(lambda: self.link.events and self.telegram.open_sockets)
        self.assertEqual(self.link.events, ["connected"])
        return self.channel


def to(chat_id: str = CHAT, **more: Any) -> Target:
    """A place to send to."""
    return Target(channel="telegram", account="default", chat_id=chat_id, **more)


def text(words: str, chat_id: str = CHAT, **more: Any) -> Outgoing:
    """A message to send."""
    target = more.pop("target", None) or to(chat_id)
    return Outgoing(id="o1", target=target, text=words, **more)
