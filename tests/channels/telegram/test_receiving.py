"""Tests of what comes in by a poll: every kind of event, through real sockets."""

import time
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed

from openclaw.channels.bursts import Bursts
from openclaw.interfaces.messages import Inbound
from tests.channels.channel_case import until
from tests.channels.loopback import Fault
from tests.channels.telegram.counterpart import BOT
from tests.channels.telegram.rig import CHAT, GROUP, ServiceCase

ADA = {"id": 42, "is_bot": False, "first_name": "Ada"}


class ReceivingTests(ServiceCase):
    async def next(self) -> Any:
        """What the gateway was told last."""
        count = getattr(self, "count", 0) + 1
        await until(lambda: len(self.link.received) >= count)
        self.count = count
        return self.link.received[count - 1]

    async def test_group_message_that_addresses_the_bot(self) -> None:
        await self.connect()
        self.telegram.say("hello", chat_id=GROUP, sender_id="42", group=True)
        heard = await self.next()
        self.assertEqual(
            (heard.chat_type, heard.mention, heard.chat_name), ("group", "native", "Friends")
        )

    async def test_album_comes_as_messages_of_one_batch_in_order(self) -> None:
        await self.connect()
        for name in ("a", "b", "c"):
            photo = [{"file_id": name, "width": 1, "height": 1}]
            self.telegram.write(CHAT, "42", photo=photo, media_group_id="g")
        heard = [await self.next() for _ in range(3)]
        self.assertEqual([one.attachments[0].ref for one in heard], ["a", "b", "c"])
        self.assertEqual({one.batch for one in heard}, {"g"})

    async def test_album_is_put_together_though_each_picture_comes_by_a_poll_of_its_own(
        self,
    ) -> None:
        await self.connect()
        whole: list[list[str]] = []

        def flush(messages: Sequence[Inbound]) -> Deferred[Any]:
            whole.append([one.attachments[0].ref for one in messages])
            return succeed("queued")

        bursts = Bursts(self.clock, flush)
        told: list[str] = []

        def receive(message: Inbound) -> Deferred[Any]:
            told.append(message.attachments[0].ref)
            return bursts.take(message, 0)

        link: Any = self.link
        link.receive = receive
        numbers = []
        for name in ("a", "b", "c"):
            photo = [{"file_id": name, "width": 1, "height": 1}]
            numbers.append(self.telegram.write(CHAT, "42", photo=photo, media_group_id="g"))
            if told:
                self.clock.advance(0.46)
            # What was told is told again, for it is not confirmed; it is not handed in again.
            await until(lambda name=name: told[-1:] == [name])
        await until(lambda: len(self.clock.getDelayedCalls()) == 2)
        self.assertEqual(told, ["a", "b", "c"])
        self.assertEqual(self.telegram.named("getUpdates")[-1]["timeout"], 0)
        self.assertEqual((whole, self.state.values), ([], {}))
        self.assertFalse(any(map(self.telegram.acknowledged, numbers)))
        self.clock.advance(0.8)
        await until(lambda: all(map(self.telegram.acknowledged, numbers)))
        self.assertEqual(whole, [["a", "b", "c"]])

    async def test_next_message_of_a_chat_waits_until_the_one_before_is_stored(self) -> None:
        await self.connect()
        await self.stop()
        self.telegram.say("one", chat_id=CHAT, sender_id="42")
        self.telegram.say("two", chat_id=CHAT, sender_id="42")
        self.telegram.say("elsewhere", chat_id="43", sender_id="43")
        told: list[str] = []
        first: Deferred[Any] = Deferred()
        self.make()
        link: Any = self.link

        def receive(message: Inbound) -> Deferred[Any]:
            told.append(message.text)
            return first if message.text == "one" else succeed("queued")

        link.receive = receive
        self.start()
        await until(lambda: "elsewhere" in told)
        self.assertEqual(told, ["one", "elsewhere"])
        first.callback("queued")
        await until(lambda: not self.telegram.pending)
        self.assertEqual(told, ["one", "elsewhere", "two"])

    async def test_end_of_the_connection_ends_what_is_being_stored(self) -> None:
        await self.connect()
        link: Any = self.link
        cancelled: list[Any] = []
        told: list[Any] = []

        def receive(message: Inbound) -> Deferred[Any]:
            told.append(message)
            return Deferred(cancelled.append)

        link.receive = receive
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: told)
        await self.stop()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual((self.clock.getDelayedCalls(), self.state.values), ([], {}))
        self.assertFalse(self.telegram.acknowledged(number))

    async def test_button_is_answered_at_once_though_storing_takes_long(self) -> None:
        await self.connect()
        link: Any = self.link
        told: list[Any] = []

        def receive(message: Any) -> Deferred[Any]:
            told.append(message)
            return Deferred()

        link.receive = receive
        message = {"message_id": 3, "chat": self.telegram.chat(CHAT), "from": BOT, "text": "sure?"}
        self.telegram.update(
            "callback_query", {"id": "q1", "from": ADA, "message": message, "data": "yes"}
        )
        await until(lambda: self.telegram.answered_buttons)
        self.assertEqual(self.telegram.answered_buttons, ["q1"])
        self.assertEqual(
            [(one.kind, one.text, one.chat_id) for one in told], [("button", "yes", CHAT)]
        )

    async def test_button_that_cannot_be_answered_is_heard_all_the_same(self) -> None:
        await self.connect()
        self.telegram.faults.append(Fault(lambda name: name == "answerCallbackQuery", 9))
        message = {"message_id": 3, "chat": self.telegram.chat(CHAT)}
        self.telegram.update("callback_query", {"id": "q1", "from": ADA, "message": message})
        self.assertEqual((await self.next()).kind, "button")

    async def test_reaction_edit_and_channel_post(self) -> None:
        await self.connect()
        now = int(time.time())
        chat = self.telegram.chat(CHAT)
        self.telegram.update(
            "message_reaction",
            {
                "chat": chat,
                "message_id": 3,
                "user": ADA,
                "date": now,
                "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": "👍"}],
            },
        )
        self.telegram.update(
            "edited_message",
            {
                "message_id": 3,
                "from": ADA,
                "chat": chat,
                "date": now,
                "edit_date": now,
                "text": "n",
            },
        )
        channel = {"id": -1009, "type": "channel", "title": "News"}
        self.telegram.update(
            "channel_post",
            {"message_id": 1, "sender_chat": channel, "chat": channel, "date": now, "text": "p"},
        )
        heard = [await self.next() for _ in range(3)]
        kinds = [(one.kind, one.chat_type) for one in heard]
        self.assertEqual(
            sorted(kinds), [("edit", "dm"), ("message", "channel"), ("reaction", "dm")]
        )

    async def test_group_that_moves_is_reported_and_confirmed(self) -> None:
        await self.connect()
        number = self.telegram.write("-5", "42", migrate_to_chat_id=-1005)
        await until(lambda: self.telegram.acknowledged(number))
        self.assertIn("moved: -5 -1005", self.link.events)
        self.assertEqual(self.link.received, [])

    async def test_redelivered_message_has_the_same_name(self) -> None:
        await self.connect()
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: self.telegram.acknowledged(number))
        self.telegram.repeat(number)
        first, again = await self.next(), await self.next()
        self.assertEqual(first.dedupe_id, again.dedupe_id)

    async def test_burst_of_several_polls_keeps_its_order(self) -> None:
        await self.connect()
        await self.stop()
        words = [str(n) for n in range(250)]
        numbers = [
            self.telegram.say(word, chat_id=str(42 + n % 3), sender_id="42")
            for n, word in enumerate(words)
        ]
        self.start()
        await until(lambda: all(map(self.telegram.acknowledged, numbers)))
        for chat_id in ("42", "43", "44"):
            heard = [int(one.text) for one in self.link.received if one.chat_id == chat_id]
            self.assertEqual(heard, sorted(heard))
        self.assertEqual(len(self.link.received), 250)
