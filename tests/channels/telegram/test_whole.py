"""Telegram inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from tests.channels.telegram.counterpart import PNG, Telegram
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


class TelegramAlbumTests(WholeCase):
    """Pictures that are sent as one."""

    channel = "telegram"

    def make_counterpart(self) -> Counterpart:
        self.telegram = Telegram()
        return self.telegram

    async def stop_counterpart(self) -> None:
        await self.telegram.stop()

    def show(self, name: str, caption: str = "") -> str:
        """Let Ada send one picture of the album."""
        self.telegram.add_file(name, PNG + name.encode())
        photo = [{"file_id": name, "width": 1, "height": 1}]
        more = {"caption": caption} if caption else {}
        return self.telegram.write("42", "42", photo=photo, media_group_id="album", **more)

    async def heard(self) -> list[str]:
        """What the session was told by Ada."""
        (session,) = (await self.call("sessions.list"))["sessions"]
        history = await self.call("chat.history", sessionKey=session["key"])
        return [
            said if isinstance(said := one["content"], str) else said[0]["text"]
            for one in history["messages"]
            if one["role"] == "user"
        ]

    def kept(self) -> list[bytes]:
        """The pictures that were stored."""
        media = self.place.own / "media"
        return sorted(one.read_bytes() for one in media.rglob("*") if one.is_file())

    async def test_an_album_is_one_message_with_all_its_pictures(self) -> None:
        await self.start()
        for name in ("one", "two", "three"):
            self.show(name, "[echo]look" if name == "one" else "")
        await self.answered("look")
        (text,) = await self.heard()
        self.assertEqual(text.split(), ["[echo]look", "<media:image>", "<media:image>"])
        self.assertEqual(self.kept(), sorted(PNG + name for name in (b"one", b"two", b"three")))

    async def test_an_album_that_a_kill_cut_loses_nothing(self) -> None:
        await self.start()
        names = [self.show("one", "[echo]first"), self.show("two", "second")]
        before = len(self.telegram.named("getUpdates"))
        await self.until(
            lambda: len(self.telegram.named("getUpdates")) > before + 1, "pictures in hand"
        )
        await self.running.stop("KILL")
        names.append(self.show("three", "third"))
        await self.run_it()
        await self.until(lambda: all(map(self.telegram.acknowledged, names)), "acknowledgements")
        await self.until(lambda: "first" in " ".join(self.texts()), "answer")
        while len(" ".join(await self.heard()).split()) < 3:
            self.assertIsNone(self.running.gone)
        said = " ".join(await self.heard()).split()
        self.assertEqual(said, ["[echo]first", "second", "third"])


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
