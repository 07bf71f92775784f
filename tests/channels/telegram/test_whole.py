"""Telegram inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from tests.channels.telegram.counterpart import Telegram
from tests.channels.whole import WholeCase, WholeContract


class TelegramTests(WholeContract, WholeCase):
    channel = "telegram"
    person = ("42", "42")
    group = "-100200300"

    def make_counterpart(self) -> Counterpart:
        self.telegram = Telegram()
        return self.telegram

    async def stop_counterpart(self) -> None:
        await self.telegram.stop()
