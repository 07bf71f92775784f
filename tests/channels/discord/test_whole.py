"""Discord inside a whole gateway."""

from typing import Any, ClassVar

from openclaw.channels.counterpart import Counterpart
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.world import GENERAL_ID
from tests.channels.whole import WholeCase, WholeContract
from tests.integration.running import reactor

ALICE = "700000000000000042"


class DiscordTests(WholeContract, WholeCase):
    channel = "discord"
    person = (ALICE, ALICE)
    group = GENERAL_ID
    account_keys: ClassVar[dict[str, Any]] = {
        "allowFrom": ["*"],
        "dmPolicy": "open",
        "groupPolicy": "open",
    }

    def make_counterpart(self) -> Counterpart:
        self.discord = FakeDiscord(reactor)
        self.discord.start()
        return self.discord

    async def stop_counterpart(self) -> None:
        await self.discord.stop()
