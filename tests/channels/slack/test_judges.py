"""The official client libraries against the stand-in: it must be Slack to them."""

import json
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from openclaw.channels.platforms.slack.webhook import signature
from tests.channels.slack import judges
from tests.channels.slack.process import Process
from tests.channels.slack.rig import SlackCase
from tests.channels.slack.workspace import APP_TOKEN, BOT_TOKEN, BOT_USER, SIGNING_SECRET

MISSING = find_spec("slack_bolt") is None
FOLDER = Path(judges.__file__).parent


class Judge(Process):
    """A judge's process."""

    def lines(self) -> list[dict[str, Any]]:
        """What it wrote, line by line."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith(b"{")]


class JudgeTests(SlackCase):
    """Programs on slack_bolt and slack_sdk."""

    timeout = 120
    skip = "slack_bolt is not installed" if MISSING else None
    patience = 50.0

    def judge(self, name: str, **more: str) -> Judge:
        """Start one; it is gone after the test."""
        environment: Mapping[str, str] = {
            **os.environ,
            "BOT_TOKEN": BOT_TOKEN,
            "APP_TOKEN": APP_TOKEN,
            "API_URL": f"{self.slack.url}/api/",
            **more,
        }
        judge = Judge([sys.executable, str(FOLDER / name)], environment, str(FOLDER))
        self.addCleanup(lambda: Deferred.fromCoroutine(judge.kill()))
        return judge

    async def test_an_app_on_bolt_lives_with_it(self) -> None:
        self.slack.workspace.add_user("U1", "ann")
        judge = self.judge("bolt.py")
        await self.until(lambda: bool(self.slack.sockets.live) or judge.code is not None)
        self.assertIsNone(judge.code, judge.err.decode())
        mention = self.slack.say("hello", chat_id="C1", sender_id="U1", group=True)
        direct = self.slack.say("psst", chat_id="D1", sender_id="U1")
        command = {"command": "/ask", "text": "why", "user_id": "U1", "channel_id": "C1"}
        envelope = self.slack.sockets.deliver("slash_commands", command, "command")
        await self.until(
            lambda: {each["what"] for each in judge.lines()} >= {"mention", "message", "command"}
        )
        await self.until(lambda: all(map(self.slack.acknowledged, (mention, direct, "command"))))
        said = {each["what"]: each for each in judge.lines()}
        self.assertEqual(said["mention"]["bot"], BOT_USER)
        self.assertEqual(said["message"]["user"], "ann")
        self.assertEqual(self.slack.sockets.acks[envelope][1]["payload"]["text"], "asked why")
        [shown] = self.slack.shown()
        self.assertEqual((shown.message_id, shown.thread_id), (said["mention"]["ts"], mention))
        asked = self.slack.workspace.find("C1", mention) or {}
        self.assertEqual(asked["reactions"], {"eyes": [BOT_USER]})

    async def test_bolt_follows_to_a_new_connection(self) -> None:
        judge = self.judge("bolt.py")
        await self.until(lambda: bool(self.slack.sockets.live) or judge.code is not None)
        self.slack.sockets.disconnect("refresh_requested")
        await self.until(lambda: self.slack.sockets.total >= 2)
        self.slack.say("hello", chat_id="C1", sender_id="U1", group=True)
        await self.until(lambda: bool(self.slack.shown()))

    async def test_the_sdk_gets_what_it_expects_of_the_web_api(self) -> None:
        self.slack.workspace.add_user("U1", "ann")
        self.slack.workspace.channel("C1", "channel")
        judge = self.judge("web_api.py", CHAT="C1")
        await judge.ended
        self.assertEqual(judge.code, 0, judge.err.decode())
        found = judge.lines()[0]
        self.assertEqual(found["me"], BOT_USER)
        self.assertEqual(found["marks"], ["thumbsup"])
        self.assertEqual(found["metadata"]["event_payload"], {"id": "1"})
        self.assertEqual(found["replies"], ["root", "changed"])
        self.assertEqual((found["direct"], found["name"]), ("D1", "Ann"))
        self.assertEqual([each.text for each in self.slack.shown()], ["root", ""])
        self.assertEqual(self.slack.shown()[1].files, (b"bytes",))
        self.assertEqual(found["shared"], self.slack.shown()[1].message_id)
        self.assertEqual(
            found["errors"],
            ["channel_not_found", "message_not_found", "no_reaction", "invalid_auth"],
        )

    async def test_the_sdk_finds_our_signatures_right(self) -> None:
        from slack_sdk.signature import SignatureVerifier

        verifier = SignatureVerifier(SIGNING_SECRET)
        stamp = str(self.now_seconds())
        for body in (b"{}", '{"é":1}'.encode(), b"a=1&b=2"):
            ours = signature(SIGNING_SECRET, stamp, body)
            self.assertTrue(verifier.is_valid(body, stamp, ours))
            self.assertEqual(verifier.generate_signature(timestamp=stamp, body=body), ours)

    def now_seconds(self) -> int:
        clock: Any = reactor
        return int(clock.seconds())
