"""What every channel has to do inside a whole gateway: one contract, any platform's counterpart.

A real gateway process, a model stand-in, and the counterpart on loopback; people write, and get
answers where they asked, whatever befalls the gateway or the platform.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from openclaw.channels.counterpart import Counterpart, Shown
from openclaw.testing.running import (
    Place,
    Running,
    fetch,
    model_configuration,
    model_stand_in,
    reactor,
)

SECONDS = 60.0
CODE = re.compile(r"\b[A-HJ-NP-Z2-9]{8}\b")
EVERYTHING = ("operator.admin", "operator.read", "operator.write", "operator.pairing")


class WholeCase(TestCase):
    """One gateway with one account.

    :cvar channel: the channel's id.
    :cvar person: chat and sender of a direct message.
    :cvar group: a group's chat.
    :cvar account_keys: what the account's configuration says besides.
    """

    timeout = 180.0
    channel = ""
    person = ("42", "42")
    group = "-100"
    account_keys: ClassVar[Mapping[str, Any]] = {}

    def make_counterpart(self) -> Counterpart:
        """The platform's stand-in, listening."""
        raise NotImplementedError

    async def stop_counterpart(self) -> None:
        """Close it."""
        raise NotImplementedError

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.counterpart = self.make_counterpart()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.stop_counterpart()))
        self.place = Place(self.mktemp())
        self.model, self.model_port = await model_stand_in(self.place.directory)
        self.addCleanup(self.model.stop, "KILL")

    def configure(self, **more: Any) -> None:
        """Write the configuration: the account as its counterpart wants it, and changes of it."""
        account = {**self.account_keys, **self.counterpart.settings(), **more}
        self.place.configure(
            {**model_configuration(self.model_port), "channels": {self.channel: account}}
        )

    async def start(self, **more: Any) -> Running:
        """Start the gateway, and wait until the account is connected."""
        self.configure(**more)
        running = await self.run_it()
        await self.until(lambda: self.counterpart.open_sockets > 0, "a connection")
        return running

    async def run_it(self) -> Running:
        """Start the gateway with the configuration as it is."""
        running = await self.place.started()
        self.addCleanup(running.stop, "KILL")
        self.running = running
        return running

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait for something.

        :raises AssertionError: it did not come about.
        """
        deadline = reactor.seconds() + SECONDS
        while not holds():
            if reactor.seconds() > deadline:
                self.fail(f"no {what}\n{self.counterpart.shown()}\n{self.running.printed[-3000:]}")
            await deferLater(reactor, 0.02)

    def texts(self) -> list[str]:
        """What people see of the assistant."""
        return [one.text.strip() for one in self.counterpart.shown()]

    def say(self, text: str, group: bool = False) -> str:
        """Let Ada write."""
        chat, sender = self.person
        return self.counterpart.say(
            f"[echo]{text}", chat_id=self.group if group else chat, sender_id=sender, group=group
        )

    async def answered(self, text: str) -> Shown:
        """Wait for one message that says exactly this; fails if there are two."""
        await self.until(lambda: text in self.texts(), f"answer {text!r}")
        found = [one for one in self.counterpart.shown() if one.text.strip() == text]
        self.assertEqual(len(found), 1, found)
        return found[0]

    async def call(self, method: str, **params: Any) -> Any:
        """Ask the gateway, with every right."""
        client = self.place.client(scopes=EVERYTHING)
        await client.connect()
        try:
            return await client.request(method, params)
        finally:
            await client.close()

    async def account(self) -> dict[str, Any]:
        """The account as ``channels.status`` has it."""
        status = await self.call("channels.status")
        found: dict[str, Any] = status["channelAccounts"][self.channel][0]
        return found

    async def reaches(self, *states: str) -> dict[str, Any]:
        """Wait for the account to be in one of some states."""
        deadline = reactor.seconds() + SECONDS
        while True:
            account = await self.account()
            if account["state"] in states:
                return account
            if reactor.seconds() > deadline:
                self.fail(f"never {states}: {account}\n{self.running.printed[-3000:]}")
            await deferLater(reactor, 0.1)


class WholeContract:
    """What has to hold; mixed into a :class:`WholeCase` of a platform."""

    async def test_people_are_answered_where_they_asked(self: Any) -> None:
        await self.start()
        self.say("hello")
        shown = await self.answered("hello")
        self.assertEqual(shown.chat_id, self.person[0])
        self.say("all of you", group=True)
        shown = await self.answered("all of you")
        self.assertEqual(shown.chat_id, self.group)
        await self.running.stop()
        self.assertEqual(self.counterpart.open_sockets, 0)

    async def test_a_stranger_shows_a_code_and_is_let_in(self: Any) -> None:
        await self.start(dmPolicy="pairing", allowFrom=[])
        self.say("let me in")
        await self.until(lambda: CODE.search(" ".join(self.texts())), "pairing code")
        pending = (await self.call("pairing.list", channel=self.channel))["senders"]
        self.assertEqual([one["senderId"] for one in pending], [self.person[1]])
        (code,) = set(CODE.findall(" ".join(self.texts())))
        await self.call("pairing.approve", channel=self.channel, code=code)
        self.say("thank you")
        await self.answered("thank you")
        self.assertNotIn("let me in", self.texts(), "what a stranger said is never stored")

    async def test_what_comes_again_is_answered_once(self: Any) -> None:
        await self.start()
        first = self.say("once")
        await self.answered("once")
        await self.until(lambda: self.counterpart.acknowledged(first), "acknowledgement")
        self.counterpart.repeat(first)
        self.say("then")
        await self.answered("then")
        await self.running.stop("KILL")
        await self.run_it()
        self.counterpart.repeat(first)
        self.say("after a restart")
        await self.answered("after a restart")
        await self.answered("once")

    async def test_kills_lose_and_double_nothing(self: Any) -> None:
        await self.start()
        wanted = []
        for life in range(4):
            for number in range(3):
                wanted.append(f"life {life} number {number}")
                self.say(wanted[-1])
                await deferLater(reactor, 0.03)
            await self.running.stop("KILL")
            await self.run_it()
        for text in wanted:
            await self.until(lambda text=text: self.told(text), f"word of {text!r}")
        self.assertEqual([text for text in wanted if self.texts().count(text) > 1], [])

    async def test_a_platform_in_trouble_gets_the_answer_later_and_once(self: Any) -> None:
        await self.start(streaming="off")
        self.counterpart.refuse(1, 429, 1.0)
        self.say("slow down")
        await self.answered("slow down")

    async def test_an_answer_that_was_lost_is_not_told_twice(self: Any) -> None:
        await self.start(streaming="off")
        self.counterpart.lose_answers(1)
        self.say("did you hear")
        await self.until(lambda: "did you hear" in self.texts(), "answer")
        self.say("next")
        await self.answered("next")
        await self.answered("did you hear")

    async def test_a_connection_that_breaks_is_made_again(self: Any) -> None:
        await self.start(reconnectInterval="500ms")
        self.say("before")
        await self.answered("before")
        for _ in range(3):
            self.counterpart.drop()
            await self.until(lambda: self.counterpart.open_sockets > 0, "connection")
        self.say("after")
        await self.answered("after")
        self.assertLessEqual(self.counterpart.most_sockets, self.most_sockets)

    async def test_wrong_credentials_are_said_and_harm_nobody(self: Any) -> None:
        await self.start(reconnectInterval="500ms")
        self.counterpart.revoke()
        self.counterpart.drop()
        account = await self.reaches("failed")
        self.assertIn(self.channel, account["lastError"].lower())
        ready = await fetch(self.place.port, "/readyz")
        self.assertEqual(ready.status, 503)
        self.assertIn(f"{self.channel}/default", ready.document["failing"])
        health = await self.call("health")
        self.assertEqual(health["channels"][self.channel]["connected"], False)
        self.assertEqual((await fetch(self.place.port, "/health")).status, 200)

    async def test_a_long_answer_arrives_whole_and_in_order(self: Any) -> None:
        await self.start(textChunkLimit=100)
        chat, sender = self.person
        self.counterpart.say("[chunks=200]", chat_id=chat, sender_id=sender)
        words = [f"w{number}" for number in range(1, 201)]
        await self.until(lambda: " ".join(self.texts()).split()[-1:] == words[-1:], "whole answer")
        self.assertEqual(" ".join(self.texts()).split(), words)
        self.assertGreater(len(self.texts()), 5)

    async def test_the_trace_tells_the_whole_story(self: Any) -> None:
        await self.start()
        self.say("trace me")
        await self.answered("trace me")
        runs = (await self.call("sessions.list"))["sessions"]
        key = next(one["lastRunId"] for one in runs if one.get("lastRunId"))
        steps: list[str] = []
        while "sent" not in steps:  # People see it a moment before the gateway knows.
            self.assertIsNone(self.running.gone, steps)
            found = (await self.call("messages.trace", messageId=key))["steps"]
            steps = [one["step"] for one in found]
        for step in ("received", "queued", "run", "outbox", "sending", "sent"):
            self.assertIn(step, steps)

    most_sockets = 1

    def told(self: Any, text: str) -> bool:
        """Whether somebody was answered, or told that the gateway had stopped."""
        shown = self.texts()
        interrupted = sum("The gateway stopped" in one for one in shown)
        missing = [one for one in shown if one == text]
        return bool(missing) or interrupted > 0
