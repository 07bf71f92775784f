"""Our channel against a Web API that nobody here wrote: the npm package ``emulate``."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest, TestCase

from openclaw.channels.platforms.slack.api import WebApi
from openclaw.channels.platforms.slack.fields import part, parts
from openclaw.channels.platforms.slack.manifest import MANIFEST
from openclaw.channels.platforms.slack.service import SlackChannel, make
from openclaw.channels.platforms.slack.settings import SlackSettings
from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.messages import Attachment, Target
from openclaw.interfaces.queue import Undelivered
from tests.channels.link import RecordingLink
from tests.channels.slack.process import Process
from tests.channels.slack.rig import SECONDS, outgoing
from tests.conformance import packages

TOKEN, CHAT, ADMIN = "xoxb-emulated", "C000000001", "U000000001"
SEED = {"slack": {"users": [{"name": "ann"}], "tokens": [{"token": TOKEN, "user": "admin"}]}}
PORTS = range(24100, 24200)


class EmulateTests(TestCase):
    """An account in HTTP mode, for the emulator has no Socket Mode."""

    timeout = 120

    def setUp(self) -> Any:
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        try:
            program = packages.package("emulate") / "dist" / "index.js"
            node = packages.node()
        except packages.Missing as missing:
            raise SkipTest(str(missing)) from None
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "seed.json").write_text(json.dumps(SEED))
        port = PORTS[os.getpid() % len(PORTS)]
        command = [str(node), str(program), "start", "-s", "slack", "-p", str(port)]
        self.emulate = Process([*command, "--seed", "seed.json"], os.environ, str(folder))
        self.addCleanup(lambda: Deferred.fromCoroutine(self.emulate.kill()))
        self.link = self.linked(f"http://127.0.0.1:{port}/api/")
        self.api = WebApi(self.link.http, SECONDS, f"http://127.0.0.1:{port}/api/", TOKEN)
        self.channel: SlackChannel = make(self.link)
        await self.connect()

    def linked(self, root: str) -> RecordingLink:
        settings = {"mode": "http", "botToken": TOKEN, "signingSecret": "s", "apiUrl": root}
        link = RecordingLink(
            manifest=MANIFEST,
            settings=msgspec.convert(settings, SlackSettings),
            reactor=reactor,
            sockets=OutboundSockets(reactor),
        )
        link.now_ms = lambda: int(SECONDS.seconds() * 1000)
        http: Any = link.http
        self.addCleanup(http.stopService)
        return link

    async def connect(self) -> None:
        """Run until the emulator answers; it takes a second to start."""
        while not self.link.events:
            self.assertFalse(self.emulate.ended.called, self.emulate.err.decode())
            await deferLater(SECONDS, 0.1)
            running = self.channel.run()
            running.addErrback(lambda failure: None)
            while not self.link.events and not running.called:
                await deferLater(SECONDS, 0.01)
        self.running = running

        async def stop() -> None:
            running.cancel()
            await running

        self.addCleanup(
            lambda: Deferred.fromCoroutine(stop()).addErrback(
                lambda failure: failure.trap(CancelledError)
            )
        )

    async def messages(self) -> list[Any]:
        return list(parts(await self.api.read("conversations.history", channel=CHAT), "messages"))

    async def test_a_message_is_sent_changed_marked_and_deleted(self) -> None:
        where = Target(channel="slack", account="default", chat_id=CHAT)
        sent = await self.channel.send(outgoing("**hello** & <!here>", chat_id=CHAT))
        [first, *_] = await self.messages()
        self.assertEqual(first["ts"], sent.message_id)
        self.assertEqual(first["text"], "*hello* &amp; &lt;!here&gt;")
        await self.channel.edit(outgoing("changed", chat_id=CHAT, message_id=sent.message_id))
        for emoji in ("👀", "👀", "+1"):
            await self.channel.react(where, sent.message_id, emoji)
        [first, *_] = await self.messages()
        self.assertEqual(first["text"], "changed")
        self.assertEqual([mark["name"] for mark in first["reactions"]], ["eyes", "+1"])
        await self.channel.react(where, sent.message_id, "")
        [first, *_] = await self.messages()
        self.assertNotIn("reactions", first)
        await self.channel.delete(where, sent.message_id)
        await self.channel.delete(where, sent.message_id)
        self.assertNotIn(sent.message_id, [each["ts"] for each in await self.messages()])

    async def test_threads_and_direct_chats(self) -> None:
        root = await self.channel.send(outgoing("root", chat_id=CHAT, id="a"))
        reply = outgoing("reply", chat_id=CHAT, id="b", thread_id=root.message_id)
        sent = await self.channel.send(reply)
        thread = await self.api.read("conversations.replies", channel=CHAT, ts=root.message_id)
        self.assertEqual(
            [each["ts"] for each in parts(thread, "messages")],
            [root.message_id, sent.message_id],
        )
        users = parts(await self.api.read("users.list"), "members")
        [ann] = [each["id"] for each in users if each["name"] == "ann"]
        direct = await self.channel.send(outgoing("psst", chat_id=ann, id="c"))
        self.assertTrue(direct.chat_id.startswith("D"))

    async def test_what_was_sent_is_found_by_its_mark(self) -> None:
        sent = await self.channel.send(outgoing("one", chat_id=CHAT, id="found"))
        await self.channel.send(outgoing("two", chat_id=CHAT, id="other"))
        self.assertEqual(await self.channel.find(outgoing(chat_id=CHAT, id="found")), sent)
        self.assertIsNone(await self.channel.find(outgoing(chat_id=CHAT, id="never")))
        root = sent.message_id
        reply = outgoing("three", chat_id=CHAT, id="threaded", thread_id=root)
        self.assertEqual(await self.channel.send(reply), await self.channel.find(reply))

    async def test_a_file_goes_and_comes(self) -> None:
        path = Path(self.mktemp())
        path.write_bytes(b"\x00bytes")
        file = Attachment(kind="document", name="a.bin", path=str(path))
        sent = await self.channel.send(outgoing("look", chat_id=CHAT, attachment=file))
        [first, *_] = await self.messages()
        self.assertEqual(first["ts"], sent.message_id)
        [shared] = parts(first, "files")
        ref = f"{shared['id']} {shared['url_private_download']}"
        response = await self.channel.fetch(Attachment(kind="document", ref=ref))
        self.assertEqual(await response.read(100), b"\x00bytes")

    async def test_a_chat_that_is_not_there_is_never_written_to(self) -> None:
        try:
            await self.channel.send(outgoing(chat_id="C404"))
        except Undelivered as error:
            self.assertEqual(error.kind, "never")
            self.assertIn("channel_not_found", error.message)
        else:
            self.fail("it was sent")

    async def test_it_says_who_we_are(self) -> None:
        self.assertEqual(await self.channel.probe(), "admin (U000000001) in Emulate")
        user = await self.api.read("users.info", user=ADMIN)
        self.assertEqual(part(user, "user")["name"], "admin")
