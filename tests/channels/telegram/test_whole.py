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


class TelegramWebhookTests(WholeCase):
    """The same account, called by Telegram instead of asking it."""

    channel = "telegram"

    def make_counterpart(self) -> Counterpart:
        self.telegram = Telegram()
        return self.telegram

    async def stop_counterpart(self) -> None:
        await self.telegram.stop()

    async def test_people_are_answered_and_strangers_to_the_secret_are_not_heard(self) -> None:
        url = f"http://127.0.0.1:{self.place.port}/webhook/telegram/default"
        self.configure(webhookUrl=url, webhookSecret="a-secret_of-some-length")
        await self.run_it()
        await self.until(lambda: self.telegram.webhook, "registration")
        first = self.say("by webhook")
        await self.answered("by webhook")
        await self.until(lambda: self.telegram.acknowledged(first), "acknowledgement")
        self.telegram.webhook["secret_token"] = "another"
        second = self.say("by somebody else")
        await self.until(lambda: 401 in self.telegram.webhook_statuses, "refusal")
        self.assertFalse(self.telegram.acknowledged(second))
        self.assertNotIn("by somebody else", self.texts())
        self.assertEqual(self.telegram.named("getUpdates"), [])

    async def test_updates_are_taken_where_telegram_was_told_to_bring_them(self) -> None:
        url = f"http://127.0.0.1:{self.place.port}/telegram-webhook"
        self.configure(webhookUrl=url, webhookSecret="a-secret_of-some-length")
        await self.run_it()
        await self.until(lambda: self.telegram.webhook, "registration")
        first = self.say("at the address itself")
        await self.answered("at the address itself")
        await self.until(lambda: self.telegram.acknowledged(first), "acknowledgement")
