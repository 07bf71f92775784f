"""What the tests of the service stand on: an account, its link, the counterpart, a clock."""

from collections.abc import Mapping
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from openclaw.channels.platforms.matrix.manifest import MANIFEST
from openclaw.channels.platforms.matrix.service import Matrix, make
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.interfaces.messages import Inbound, Outgoing, Target
from tests.channels.channel_case import ChannelCase, until
from tests.channels.matrix.counterpart import ADA, SERVER, Homeserver

DM = "!dm"
GROUP = f"!group:{SERVER}"
BOB = f"@bob:{SERVER}"


def settings(given: Mapping[str, Any]) -> MatrixSettings:
    """Settings as the configuration would have them."""
    return msgspec.convert(dict(given), MatrixSettings)


class AccountCase(ChannelCase):
    """One account, at whatever homeserver."""

    channel: Matrix

    def account(self, given: Mapping[str, Any]) -> Matrix:
        """Make an account's channel; it is the newest."""
        self.channel = make(self.linked(MANIFEST, settings(given)))
        return self.channel

    async def came(self, *texts: str) -> list[Inbound]:
        """Wait for messages; fails if others came."""
        await until(lambda: len(self.link.received) >= len(texts))
        self.assertEqual([one.text for one in self.link.received], list(texts))
        return self.link.received


class ServiceCase(AccountCase):
    """One account against our own counterpart: Ada in a direct room, Ada and Bob in a group."""

    def setUp(self) -> Any:
        super().setUp()
        self.homeserver = Homeserver()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.homeserver.stop()))
        self.addCleanup(lambda: self.assertEqual(self.homeserver.unencoded, []))
        self.homeserver.room(DM, ADA)
        self.homeserver.room(GROUP, ADA, BOB, name="Friends")

    def make(self, **changes: Any) -> Matrix:
        """An account that this homeserver knows."""
        given = {**self.homeserver.settings(), **changes}
        return self.account({key: value for key, value in given.items() if value is not None})

    async def connect(self, **changes: Any) -> Matrix:
        """Make and run a channel, and wait until its long sync is out."""
        self.make(**changes)
        self.start()
        await until(
            lambda: (
                len(self.ends) == len(self.runs)
                or (self.link.events and self.homeserver.open_sockets)
            )
        )
        self.assertEqual((self.link.events, self.ends[len(self.runs) - 1 :]), (["connected"], []))
        return self.channel

    def say(self, text: str, **more: Any) -> str:
        """Let Ada write directly."""
        return self.homeserver.say(text, chat_id=DM, sender_id=ADA, **more)


def to(chat_id: str = DM, **more: Any) -> Target:
    """A place to send to."""
    return Target(channel="matrix", account="default", chat_id=chat_id, **more)


def text(words: str, chat_id: str = DM, **more: Any) -> Outgoing:
    """A message to send."""
    target = more.pop("target", None) or to(chat_id)
    return Outgoing(**{"id": "o1", "target": target, "text": words, **more})
