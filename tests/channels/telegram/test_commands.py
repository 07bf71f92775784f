"""The command line against a whole gateway with a Telegram account."""

import json
import sys
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue

from openclaw.channels.counterpart import Counterpart
from tests.channels.telegram.counterpart import Telegram
from tests.channels.whole import WholeCase
from tests.cli.running import Ran, child_environment
from tests.integration.running import TOKEN


class CommandTests(WholeCase):
    """What people type."""

    channel = "telegram"
    group = "-100200300"

    def make_counterpart(self) -> Counterpart:
        self.telegram = Telegram()
        self.telegram.chat("42")
        return self.telegram

    async def stop_counterpart(self) -> None:
        await self.telegram.stop()

    async def type(self, *words: str) -> Ran:
        """Run a command."""
        url = f"ws://127.0.0.1:{self.place.port}"
        out, err, status = await getProcessOutputAndValue(
            sys.executable,
            (
                "-m",
                "openclaw.cli",
                *words,
                "--state-dir",
                str(self.place.state),
                "--url",
                url,
                "--token",
                TOKEN,
            ),
            env={**child_environment(self.place.home), "COLUMNS": "400"},
        )
        return Ran(status, out.decode(), err.decode())

    async def document(self, *words: str) -> Any:
        """Run a command that succeeds, and read its JSON."""
        ran = await self.type(*words, "--json")
        self.assertEqual(ran.status, 0, ran)
        return ran.document

    async def test_sending_and_changing_messages(self) -> None:
        await self.start()
        where = ("--channel", "telegram", "--to", "42")
        sent = await self.document("message", "send", *where, "-m", "**hello** from here")
        (shown,) = self.counterpart.shown()
        self.assertEqual((shown.text, shown.message_id), ("hello from here", sent["messageId"]))
        message = ("--message-id", sent["messageId"])
        await self.document("message", "edit", *where, *message, "-m", "changed")
        self.assertEqual(self.texts(), ["changed"])
        await self.document("message", "react", *where, *message, "--emoji", "👍")
        self.assertEqual(self.counterpart.shown()[0].reactions, ("👍",))
        await self.document("message", "delete", *where, *message)
        self.assertEqual(self.texts(), [])

    async def test_without_a_channel_it_leaves_by_the_only_one(self) -> None:
        await self.start()
        sent = await self.document("message", "send", "--to", "42", "-m", "hello")
        self.assertEqual(sent["channel"], "telegram")

    async def test_the_same_key_says_it_once(self) -> None:
        await self.start()
        words = ("message", "send", "--channel", "telegram", "--to", "42", "-m", "x", "--key", "k1")
        first = await self.document(*words)
        await self.running.stop("KILL")
        await self.run_it()
        await self.reaches("connected")
        again = await self.document(*words)
        self.assertEqual(first["messageId"], again["messageId"])
        self.assertEqual(self.texts(), ["x"])

    async def test_a_broadcast_tells_each_result(self) -> None:
        await self.start()
        ran = await self.type(
            "message",
            "broadcast",
            "--channel",
            "telegram",
            "--targets",
            "42",
            "--targets",
            "777",
            "-m",
            "to all",
            "--json",
        )
        self.assertEqual(ran.status, 1, ran)
        good, bad = json.loads(ran.out)["results"]
        self.assertEqual((good["ok"], bad["ok"]), (True, False))
        self.assertIn("chat not found", bad["error"])

    async def test_status_ping_trace_and_reload(self) -> None:
        await self.start()
        ran = await self.type("channels", "status", "--probe")
        self.assertEqual(ran.status, 0, ran)
        self.assertIn("connected", ran.out)
        self.assertIn("tia_bot", (await self.type("gateway", "ping", "--channel", "telegram")).out)
        self.say("where am I")
        await self.answered("where am I")
        key = next(
            one["lastRunId"]
            for one in (await self.call("sessions.list"))["sessions"]
            if one.get("lastRunId")
        )
        traced = await self.type("gateway", "trace", "--message-id", key)
        for step in ("received", "queued", "sent"):
            self.assertIn(step, traced.out)
        reloaded = await self.document("channels", "reload", "telegram")
        self.assertEqual(reloaded["accounts"], ["telegram/default"])
        await self.reaches("connected")
        self.say("still there")
        await self.answered("still there")

    async def test_an_account_is_added_and_removed(self) -> None:
        await self.start()
        second = Telegram(token="220201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
        self.addCleanup(second.stop)
        settings = second.settings()
        ran = await self.type(
            "channels",
            "add",
            "telegram",
            "--account",
            "work",
            "--bot-token",
            settings["botToken"],
            "--set",
            f"apiRoot={settings['apiRoot']}",
        )
        self.assertEqual(ran.status, 0, ran)
        await self.until(lambda: second.open_sockets, "connection of the new account")
        self.assertEqual(self.counterpart.open_sockets, 1)
        written = json.loads((self.place.state / "openclaw.json").read_text())
        self.assertIn("work", written["channels"]["telegram"]["accounts"])
        ran = await self.type("channels", "remove", "telegram", "--account", "work")
        self.assertEqual(ran.status, 0, ran)
        await self.until(lambda: not second.open_sockets, "end of that connection")

    async def test_a_failed_account_says_what_to_do(self) -> None:
        await self.start(reconnectInterval="500ms")
        self.counterpart.revoke()
        self.counterpart.drop()
        await self.reaches("failed")
        ran = await self.type("channels", "status")
        self.assertEqual(ran.status, 1)
        self.assertIn("failed", ran.out)
        self.assertNotIn(str(self.counterpart.settings()["botToken"]), ran.out + ran.err)
