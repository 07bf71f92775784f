"""Official clients as judges of our stand-in; our channel on an emulator that others wrote."""

import json
import time
from importlib.util import find_spec
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from openclaw.channels.platforms.telegram.manifest import MANIFEST
from openclaw.channels.platforms.telegram.service import make
from openclaw.cli.tunnel import find_free_port
from openclaw.http.outbound import TreqOutbound
from openclaw.interfaces.channels import ChannelDown
from tests.channels.channel_case import Link, Unconnectable, until
from tests.channels.loopback import Fault
from tests.channels.telegram import counterpart
from tests.channels.telegram.bot_server import BotError
from tests.channels.telegram.judges.program import Program, python, script
from tests.channels.telegram.rig import CHAT, settings, text, to
from tests.conformance import packages
from tests.conformance.cases import require


class JudgeCase(TestCase):
    """A bot of an official library on our stand-in."""

    timeout = 120

    def setUp(self) -> None:
        self.telegram = counterpart.Telegram()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.telegram.stop()))
        self.telegram.chat(CHAT)
        self.telegram.chat("43")
        self.telegram.blocked.add("43")

    def run_judge(self, program: Program) -> Program:
        self.addCleanup(program.stop)
        return program

    async def judged(self, bot: Program) -> None:
        """Let a bot do everything that both libraries can."""
        await until(lambda: bot.has(step="ready", name="tia_bot", id=110201543))
        number = self.telegram.say("work", chat_id=CHAT, sender_id="42")
        await until(lambda: bot.has(step="heard", text="work", chat=42, sender=42))
        await until(lambda: bot.has(step="worked", text="changed", caption="file"))
        changed, file = self.telegram.shown()
        self.assertEqual((changed.text, changed.reply_to), ("changed", number))
        self.assertEqual((file.text, file.files), ("file", (b"%PDF",)))
        self.assertEqual(self.telegram.said[0].reactions, ["👍"])
        self.assertEqual(len(self.telegram.named("sendChatAction")), 1)
        await self.events(bot)
        await until(lambda: self.telegram.acknowledged(number))

    async def events(self, bot: Program) -> None:
        """Edits, buttons, reactions; a repeated update is none of ours to drop."""
        chat, now = self.telegram.chat(CHAT), int(time.time())
        ada = {"id": 42, "is_bot": False, "first_name": "Ada"}
        message = {"message_id": 1, "from": ada, "chat": chat, "date": now}
        self.telegram.update("edited_message", {**message, "edit_date": now, "text": "better"})
        await until(lambda: bot.has(step="edited", text="better"))
        asked = {**message, "from": counterpart.BOT, "text": "sure?"}
        query = {"id": "q1", "from": ada, "message": asked, "chat_instance": "c", "data": "yes"}
        self.telegram.update("callback_query", query)
        await until(lambda: bot.has(step="pressed", data="yes"))
        self.assertEqual(self.telegram.answered_buttons, ["q1"])
        change = {
            "chat": chat,
            "message_id": 1,
            "user": ada,
            "date": now,
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": "🔥"}],
        }
        self.telegram.update("message_reaction", change)
        await until(lambda: bot.has(step="reacted", emoji="🔥"))


class PythonTelegramBotTests(JudgeCase):
    def setUp(self) -> None:
        require(_python_telegram_bot)
        super().setUp()

    def bot(self) -> Program:
        """Run one."""
        return self.run_judge(python("ptb_bot.py", self.telegram.root, self.telegram.token))

    async def test_it_connects_hears_and_does_everything(self) -> None:
        bot = self.bot()
        await self.judged(bot)
        self.assertEqual(self.telegram.commands, [{"command": "help", "description": "Help"}])
        self.telegram.add_file("f1", b"12345")
        document = {"file_id": "f1", "file_unique_id": "u"}
        self.telegram.write(CHAT, "42", document=document)
        await until(lambda: bot.has(step="fetched", size=5))

    async def test_it_knows_our_refusals_as_telegrams(self) -> None:
        bot = self.bot()
        await until(lambda: bot.has(step="ready"))
        slow = BotError(429, "Too Many Requests: retry after 3", retry_after=3)
        self.telegram.faults.append(Fault(lambda name: name == "sendLocation", 1, "answer", slow))
        self.telegram.say("errors", chat_id=CHAT, sender_id="42")
        await until(lambda: any(line["step"] == "errors" for line in bot.lines))
        found = next(line["found"] for line in bot.lines if line["step"] == "errors")
        self.assertEqual(
            found,
            [
                "BadRequest: Chat not found",
                "BadRequest: Can't parse entities: can't find end tag corresponding to start tag "
                '"b"',
                "BadRequest: Message is too long",
                "BadRequest: Message to edit not found",
                "Forbidden: Forbidden: bot was blocked by the user",
                "RetryAfter: Flood control exceeded. Retry in 3 seconds",
            ],
        )


class GrammyTests(JudgeCase):
    async def test_it_connects_hears_and_does_everything(self) -> None:
        require(packages.node)
        require(lambda: packages.package("grammy"))
        bot = self.run_judge(
            Program(
                str(packages.node()),
                script("grammy_bot.cjs"),
                str(packages.package("grammy")),
                self.telegram.root,
                self.telegram.token,
            )
        )
        await self.judged(bot)
        await until(lambda: bot.has(step="worked", refused="400 Bad Request: chat not found"))


class EmulatorTests(TestCase):
    """Our channel on the npm package telegram-test-api, people played by its client routes."""

    timeout = 120

    async def test_messages_edits_and_buttons_go_both_ways(self) -> None:
        link = await self.start()
        await self.tell("sendMessage", self.message(text="hello"))
        await until(lambda: link.received)
        heard = link.received[0]
        self.assertEqual(
            (heard.text, heard.chat_id, heard.sender.id, heard.chat_type), ("hello", "1", "1", "dm")
        )
        sent = await self.channel.send(text("**hi** 1 < 2", "1"))
        again = await self.channel.edit(
            text("changed", "1", kind="edit", message_id=sent.message_id)
        )
        self.assertEqual(again.message_id, sent.message_id)
        (shown,) = (await self.tell("getUpdates", {"token": "any", "chatId": 1}))["result"]
        self.assertEqual(shown["message"]["text"], "changed")
        self.assertEqual(shown["message"]["parse_mode"], "HTML")
        entities = [{"type": "bot_command", "offset": 0, "length": 5}]
        await self.tell("sendCommand", self.message(text="/help", entities=entities))
        await until(lambda: len(link.received) == 2)
        self.assertEqual((link.received[1].kind, link.received[1].command), ("command", "help"))
        await self.tell("sendCallback", self.message(message=self.message(), data="yes"))
        await until(lambda: len(link.received) == 3)
        self.assertEqual((link.received[2].kind, link.received[2].text), ("button", "yes"))
        await self.channel.delete(to("1"), sent.message_id)
        self.assertEqual(link.events, ["connected"])

    async def test_what_it_does_not_serve_harms_nothing(self) -> None:
        await self.start()
        await self.channel.typing(to("1"), True)
        self.assertIn("666", await self.channel.probe())

    async def test_its_end_means_down(self) -> None:
        await self.start()
        await self.emulator.stop()
        await until(lambda: self.ends)
        self.ends[0].trap(ChannelDown)

    async def start(self) -> Link:
        require(packages.node)
        require(lambda: packages.package("telegram-test-api"))
        self.port = find_free_port()
        self.emulator = Program(
            str(packages.node()),
            script("emulator.cjs"),
            str(packages.package("telegram-test-api")),
            str(self.port),
        )
        self.addCleanup(self.emulator.stop)
        await until(lambda: self.emulator.has(step="ready"))
        sockets: Any = Unconnectable()
        root = f"http://127.0.0.1:{self.port}"
        link = Link(
            manifest=MANIFEST,
            settings=settings({"botToken": "any", "apiRoot": root}),
            reactor=reactor,
            sockets=sockets,
        )
        http: Any = link.http
        self.http: TreqOutbound = http
        self.addCleanup(http.stopService)
        self.channel = make(link)
        running = self.channel.run()
        self.ends: list[Failure] = []
        running.addErrback(self.ends.append)
        self.addCleanup(running.cancel)
        await until(lambda: link.events)
        return link

    def message(self, **content: Any) -> dict[str, Any]:
        """What its own client would send."""
        person = {"id": 1, "first_name": "Ada", "username": "ada", "is_bot": False}
        chat = {"id": 1, "first_name": "Ada", "username": "ada", "title": "Ada", "type": "private"}
        return {
            "botToken": "any",
            "date": int(time.time()),
            "from": person,
            "chat": chat,
            **content,
        }

    async def tell(self, route: str, content: dict[str, Any]) -> Any:
        """Ask one of the routes that play people."""
        response = await self.http.request(
            "POST",
            f"http://127.0.0.1:{self.port}/{route}",
            {"content-type": "application/json"},
            json.dumps(content).encode(),
            trusted=True,
        )
        return json.loads(await response.read(1 << 20))


def _python_telegram_bot() -> None:
    if find_spec("telegram") is None:
        raise packages.Missing("python-telegram-bot is not installed (pip, the extra ``test``)")
