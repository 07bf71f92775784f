"""Tests of an account's life: connecting, receiving, offsets, faults, its end."""

from typing import Any

from twisted.internet import reactor as real
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider
from zope.interface.verify import verifyObject

from openclaw.channels.platforms.telegram.polling import GRACE_SECONDS
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed, IChannel
from openclaw.interfaces.queue import QueueFull
from tests.channels.channel_case import until
from tests.channels.loopback import Fault, gone
from tests.channels.telegram.bot_server import BotError
from tests.channels.telegram.counterpart import TOKEN
from tests.channels.telegram.rig import CHAT, GROUP, ServiceCase, text

reactor: Any = real
OFFSET = "offset:110201543"


def is_poll(method: str) -> bool:
    return method == "getUpdates"


class StartTests(ServiceCase):
    async def test_it_is_a_channel(self) -> None:
        verifyObject(IChannel, self.make())

    async def test_it_says_who_it_is_forgets_a_webhook_tells_its_commands_and_polls(self) -> None:
        self.telegram.webhook = {"url": "http://elsewhere"}
        await self.connect(customCommands=[{"command": "/Backup", "description": "Save it"}])
        asked = [method for method, _ in self.telegram.calls]
        self.assertEqual(asked[:4], ["getMe", "deleteWebhook", "setMyCommands", "getUpdates"])
        words = [one["command"] for one in self.telegram.commands]
        self.assertEqual(
            words, ["help", "status", "sessions", "model", "reset", "stop", "approve", "backup"]
        )
        poll = self.telegram.named("getUpdates")[-1]
        self.assertEqual(
            poll["allowed_updates"],
            [
                "message",
                "edited_message",
                "channel_post",
                "callback_query",
                "message_reaction",
                "my_chat_member",
            ],
        )
        self.assertEqual((poll["limit"], poll["timeout"]), (100, 30))
        self.assertEqual(self.link.names, ["@tia_bot"])

    async def test_wrong_token_is_fatal_and_nothing_else_is_asked(self) -> None:
        self.make(botToken="1:wrong")
        self.start()
        await until(lambda: self.ends)
        error = self.end(ChannelFailed)
        self.assertIn("@BotFather", error.message)
        self.assertIn("channels.telegram.botToken", error.message)
        self.assertNotIn("1:wrong", error.message)
        self.assertEqual((self.telegram.calls, self.telegram.refused_tokens), ([], 1))

    async def test_unknown_token_answered_with_404_is_fatal(self) -> None:
        self.telegram.faults.append(
            Fault(lambda name: name == "getMe", 1, "answer", BotError(404, "Not Found"))
        )
        self.make()
        self.start()
        await until(lambda: self.ends)
        self.end(ChannelFailed)

    async def test_server_that_has_no_such_method_is_polled_all_the_same(self) -> None:
        for method in ("deleteWebhook", "setMyCommands"):
            unknown = BotError(404, "Not Found")
            self.telegram.faults.append(
                Fault(lambda name, wanted=method: name == wanted, 9, "answer", unknown)
            )
        await self.connect()

    async def test_token_that_is_revoked_before_the_first_poll_is_fatal(self) -> None:
        revoked = BotError(401, "Unauthorized")
        self.telegram.faults.append(
            Fault(lambda name: name == "deleteWebhook", 1, "answer", revoked)
        )
        self.make()
        self.start()
        await until(lambda: self.ends)
        self.end(ChannelFailed)

    async def test_missing_token_or_odd_root_is_fatal_without_a_request(self) -> None:
        for changes in (
            {"botToken": ""},
            {"botToken": "with a space"},
            {"apiRoot": "nonsense"},
            {"apiRoot": "http://bots.example"},
        ):
            self.make(**changes)
            self.start()
            await until(lambda: len(self.ends) == len(self.runs))
            self.assertIn("channels.telegram", self.end(ChannelFailed).message)
        self.assertEqual(self.telegram.calls, [])

    async def test_token_comes_from_a_file(self) -> None:
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{TOKEN}\n")
        await self.connect(botToken="", tokenFile=path)

    async def test_token_file_that_is_not_there_is_named(self) -> None:
        self.make(botToken="", tokenFile="/nowhere/token")
        self.start()
        await until(lambda: self.ends)
        self.assertIn("/nowhere/token", self.end(ChannelFailed).message)

    async def test_root_with_a_pasted_token_works(self) -> None:
        await self.connect(apiRoot=f"{self.telegram.root}/bot{TOKEN}/")

    async def test_too_many_commands_are_cut_and_a_refusal_of_them_is_no_fault(self) -> None:
        self.telegram.most_commands = 3
        await self.connect()
        self.assertEqual(len(self.telegram.commands), 3)
        await self.stop()
        self.telegram.faults.append(Fault(lambda name: name == "setMyCommands", 9))
        await self.connect()

    async def test_commands_are_told_once_for_all_reconnections(self) -> None:
        await self.connect()
        await self.stop()
        self.start()
        await until(lambda: self.telegram.open_sockets)
        self.assertEqual(len(self.telegram.named("setMyCommands")), 1)

    async def test_privacy_mode_is_shown_where_groups_are_meant_to_be_heard(self) -> None:
        self.telegram.me["can_read_all_group_messages"] = False
        await self.connect(groups={GROUP: {"requireMention": False}})
        self.assertIn("/setprivacy", self.link.names[0])
        self.assertIn("/setprivacy", await self.channel.probe())

    async def test_probe_tells_who_it_is_or_what_is_wrong(self) -> None:
        self.assertEqual(await self.make().probe(), "@tia_bot (110201543)")
        await self.assertFailure(self.make(botToken="1:wrong").probe(), ChannelFailed)

    async def test_nothing_listens_means_down(self) -> None:
        self.make(apiRoot="http://127.0.0.1:1")
        self.start()
        await until(lambda: self.ends)
        self.assertIn("127.0.0.1:1", self.end(ChannelDown).message)


class PollTests(ServiceCase):
    async def test_message_arrives_and_is_confirmed_after_it_is_durable(self) -> None:
        await self.connect()
        told: list[Any] = []
        durable = self.hold(told)
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: told)
        polls = len(self.telegram.named("getUpdates"))
        self.assertFalse(self.telegram.acknowledged(number))
        self.assertEqual(self.state.values, {})
        durable.callback("queued")
        await until(lambda: self.telegram.acknowledged(number))
        self.assertEqual(len(self.telegram.named("getUpdates")), polls + 1)
        self.assertEqual(self.state.values, {OFFSET: "1001"})
        self.assertEqual((told[0].text, told[0].chat_id, told[0].chat_type), ("hello", CHAT, "dm"))

    def hold(self, told: list[Any]) -> Any:
        from twisted.internet.defer import Deferred

        durable: Deferred[Any] = Deferred()

        def receive(message: Any) -> Deferred[Any]:
            told.append(message)
            return durable

        link: Any = self.link
        link.receive = receive
        return durable

    async def test_restart_goes_on_where_it_was(self) -> None:
        await self.connect()
        self.telegram.say("one", chat_id=CHAT, sender_id="42")
        await until(lambda: OFFSET in self.state.values)
        await self.stop()
        self.telegram.say("two", chat_id=CHAT, sender_id="42")
        await self.connect()
        await until(lambda: self.link.received)
        self.assertEqual([one.text for one in self.link.received], ["two"])
        first = self.telegram.named("getUpdates")[-2:]
        self.assertEqual(first[0]["offset"], 1001)

    async def test_another_bots_token_begins_with_an_offset_of_its_own(self) -> None:
        self.state.values[OFFSET] = "5000"
        self.telegram.me["id"] = 7
        await self.connect()
        self.assertNotIn("offset", self.telegram.named("getUpdates")[0])

    async def test_ids_that_begin_lower_again_are_followed(self) -> None:
        self.state.values[OFFSET] = "900000"
        await self.connect()
        numbers = [self.telegram.say(word, chat_id=CHAT, sender_id="42") for word in ("one", "two")]
        await until(lambda: all(map(self.telegram.acknowledged, numbers)))
        self.assertEqual(self.state.values, {OFFSET: "1002"})
        self.assertEqual([one.text for one in self.link.received], ["one", "two"])

    async def test_unknown_kinds_and_shapes_are_confirmed_and_come_to_nothing(self) -> None:
        await self.connect()
        self.telegram.update("quantum_message", {"message_id": 5, "chat": {"id": 42}})
        self.telegram.update("message", {"message_id": "no number", "chat": []})
        self.telegram.update("message", "not even an object")
        self.telegram.update("my_chat_member", {"chat": {"id": 42}, "date": 1})
        number = self.telegram.say("after it", chat_id=CHAT, sender_id="42")
        await until(lambda: self.telegram.acknowledged(number))
        self.assertEqual([one.text for one in self.link.received], ["after it"])

    async def test_what_cannot_be_stored_comes_again_and_nothing_overtakes_it(self) -> None:
        await self.connect()
        self.link.refusing = QueueFull("full")
        first = self.telegram.say("one", chat_id=CHAT, sender_id="42")
        second = self.telegram.say("two", chat_id=CHAT, sender_id="42")
        await until(lambda: len(self.link.events) > 1)
        self.assertIn("degraded", self.link.events[-1])
        self.assertFalse(self.telegram.acknowledged(first))
        self.link.refusing = None
        await self.advance(1.0, lambda: self.telegram.acknowledged(second))
        self.assertEqual([one.text for one in self.link.received], ["one", "two"])
        self.assertEqual(self.link.events[-1], "connected")

    async def test_one_full_chat_confirms_only_what_lies_before_it(self) -> None:
        link = self.links
        await self.connect()
        await self.stop()
        numbers = [
            self.telegram.say(word, chat_id=chat, sender_id=chat)
            for word, chat in (("a", "42"), ("b", "43"), ("c", "44"))
        ]
        self.make()
        taken: list[str] = []
        kept = link[-1].receive

        def receive(message: Any) -> Any:
            taken.append(message.text)
            link[-1].refusing = StoreError("disk") if message.chat_id == "43" else None
            return kept(message)

        holder: Any = link[-1]
        holder.receive = receive
        self.start()
        await until(lambda: len(self.link.events) >= 1)
        self.assertEqual(self.state.values, {OFFSET: "1001"})
        self.assertEqual(sorted(taken), ["a", "b", "c"])
        self.assertFalse(self.telegram.acknowledged(numbers[2]))

    async def test_offset_that_cannot_be_stored_is_not_confirmed(self) -> None:
        await self.connect()
        from twisted.internet.defer import fail

        state: Any = self.state
        state.put = lambda name, value: fail(StoreError("disk"))
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await until(lambda: len(self.link.events) > 1)
        self.assertFalse(self.telegram.acknowledged(number))
        del state.put
        await self.advance(1.0, lambda: self.telegram.acknowledged(number))

    async def test_second_poller_is_reported_and_waited_out_with_growing_pauses(self) -> None:
        conflict = BotError(409, "Conflict: terminated by other getUpdates request")
        self.telegram.faults.append(Fault(is_poll, 6, "answer", conflict))
        self.make()
        self.start()
        for count, pause in enumerate((5.0, 10.0, 20.0, 40.0, 60.0, 60.0), 1):
            await self.asked(count)
            self.assertEqual(len(self.link.events), count)
            self.assertIn("another program polls", self.link.events[-1])
            (waiting,) = self.clock.getDelayedCalls()
            self.assertEqual(waiting.getTime() - self.clock.seconds(), pause)
            self.clock.advance(pause)
        await until(lambda: self.telegram.open_sockets)
        self.telegram.say("x", chat_id=CHAT, sender_id="42")
        await until(lambda: self.link.events[-1] == "connected")
        self.assertEqual(self.ends, [])

    async def asked(self, polls: int) -> None:
        """Wait until so many polls have been answered, and the next is only waited for."""
        await until(lambda: len(self.telegram.named("getUpdates")) == polls)
        await until(lambda: self.clock.getDelayedCalls() and not self.telegram.open_sockets)
        await until(lambda: len(self.link.events) == polls)

    async def test_webhook_that_somebody_set_is_removed(self) -> None:
        await self.connect()
        self.telegram.do("setWebhook", {"url": "http://127.0.0.1:1"}, None)  # type: ignore[arg-type]
        # The poll that was out hears of it, and the next one too.
        await until(lambda: not self.telegram.webhook and not self.telegram.open_sockets)
        await until(self.clock.getDelayedCalls)
        self.clock.advance(0.5)
        await until(lambda: self.telegram.open_sockets)
        self.assertEqual(len(self.telegram.named("deleteWebhook")), 2)
        self.assertEqual(self.ends, [])

    async def test_revoked_token_is_fatal_while_polling(self) -> None:
        await self.connect()
        self.telegram.revoke()
        await until(lambda: self.ends)
        self.assertIn("@BotFather", self.end(ChannelFailed).message)

    async def test_pause_and_errors_of_the_platform_mean_down(self) -> None:
        for error, seconds in (
            (BotError(429, "Too Many Requests", retry_after=7), 7),
            (BotError(500, "Internal Server Error"), 0),
            (BotError(502, "Bad Gateway"), 0),
        ):
            self.telegram.faults.append(Fault(is_poll, 1, "answer", error))
            self.make()
            self.start()
            await until(lambda: len(self.ends) == len(self.runs))
            self.assertEqual(self.end(ChannelDown).after_seconds, seconds)

    async def test_answers_that_are_none_of_telegrams_mean_down(self) -> None:
        for status, body in ((200, b"<html>"), (502, b"<html>"), (200, b"[]"), (200, b"")):
            fault = Fault(is_poll, 1, "raw", BotError(status, ""), body)
            self.telegram.faults.append(fault)
            self.make()
            self.start()
            await until(lambda: len(self.ends) == len(self.runs))
            self.assertNotIn(TOKEN, self.end(ChannelDown).message)

    async def test_server_that_never_waits_is_not_asked_in_a_circle(self) -> None:
        self.telegram._get_updates = lambda given, request: []  # type: ignore[method-assign]
        self.make()
        self.start()
        await until(lambda: len(self.telegram.named("getUpdates")) == 2)
        await until(lambda: self.clock.getDelayedCalls())
        for count in (3, 4, 5):
            self.clock.advance(0.5)
            await until(lambda count=count: len(self.telegram.named("getUpdates")) == count)
            await until(lambda: self.clock.getDelayedCalls())


class LivenessTests(ServiceCase):
    DEADLINE = 30 + GRACE_SECONDS

    async def test_frozen_poll_is_given_up_at_its_deadline_whatever_else_works(self) -> None:
        await self.connect()
        self.telegram._poll = None  # Forgotten by the server, as behind a dead router.
        heard = self.link.heard_times
        for _ in range(4):
            # Sends that work say nothing about what comes in.
            self.clock.advance(self.DEADLINE / 4 - 0.1)
            await self.channel.send(text("still here"))
        self.assertEqual((self.ends, self.link.heard_times), ([], heard))
        await self.advance(0.5, lambda: self.ends)
        self.assertLessEqual(self.clock.seconds(), 60)
        self.end(ChannelDown)
        await until(lambda: not self.telegram.open_sockets)

    async def test_dripping_answer_is_given_up_at_the_same_deadline(self) -> None:
        self.telegram.faults.append(Fault(is_poll, 1, "drip"))
        self.make()
        self.start()
        await until(lambda: self.telegram.named("getUpdates"))
        await self.advance(GRACE_SECONDS, lambda: self.ends)
        self.end(ChannelDown)

    async def test_hundred_stalls_of_every_kind_are_found_and_healed_without_loss(self) -> None:
        self.make()
        wanted, slowest = [], 0.0
        for number in range(100):
            self.start()
            await until(self.polls)
            slowest = max(slowest, await self.stall(("freeze", "hold", "drip", "cut")[number % 4]))
            wanted.append(f"m{number}")
            self.telegram.say(wanted[-1], chat_id=CHAT, sender_id="42")
        self.start()
        await until(lambda: not self.telegram.pending)
        self.assertEqual([one.text for one in self.link.received], wanted)
        self.assertEqual(self.state.values, {OFFSET: "1100"})
        self.assertEqual(self.telegram.most_sockets, 1)
        self.assertLessEqual(slowest, 60)

    test_hundred_stalls_of_every_kind_are_found_and_healed_without_loss.timeout = 60  # type: ignore[attr-defined]

    def polls(self) -> bool:
        """Whether a long poll is out, the one that waits."""
        poll = self.telegram._poll
        return poll is not None and not gone(poll[0])

    async def stall(self, kind: str) -> float:
        """Let the running poll, or the next, go wrong; returns how long it took to be noticed."""
        began, ended = self.clock.seconds(), len(self.ends)
        if kind == "cut":
            self.telegram.drop()
        elif kind == "freeze":
            self.telegram.freeze(True)
        else:
            self.telegram.faults.append(Fault(is_poll, 1, kind))
            assert self.telegram._poll is not None
            self.telegram._end_poll(self.telegram._poll[0])
            await until(self.clock.getDelayedCalls)  # It came back at once: a short pause.
            self.clock.advance(1)
            await until(lambda: not self.telegram.faults[-1].times)
        while len(self.ends) == ended and kind != "cut":
            self.clock.advance(1)
            await deferLater(reactor, 0)
        await until(lambda: len(self.ends) > ended)
        self.end(ChannelDown)
        self.telegram.freeze(False)
        return self.clock.seconds() - began

    async def test_cut_connection_means_down_and_nothing_is_lost(self) -> None:
        await self.connect()
        for round_number in range(20):
            self.telegram.drop()
            await until(lambda count=round_number: len(self.ends) > count)
            self.end(ChannelDown)
            number = self.telegram.say(f"m{round_number}", chat_id=CHAT, sender_id="42")
            self.start()
            await until(lambda number=number: self.telegram.acknowledged(number))
            await until(lambda: self.telegram.open_sockets)
        self.assertEqual([one.text for one in self.link.received], [f"m{n}" for n in range(20)])
        self.assertEqual(self.telegram.most_sockets, 1)

    async def test_quiet_account_is_never_reconnected_in_24_hours(self) -> None:
        await self.connect(pollTimeoutSeconds=50)
        for count in range(24 * 3600 // 50):
            await until(lambda: self.telegram._poll)
            self.clock.advance(50)
            poll = self.telegram._poll
            assert poll is not None
            self.telegram._end_poll(poll[0])
            await until(lambda count=count: self.link.heard_times == count + 2)
        self.assertEqual((self.ends, self.link.events), ([], ["connected"]))
        self.assertEqual(len(self.telegram.named("getMe")), 1)
        self.assertEqual(self.telegram.most_sockets, 1)

    test_quiet_account_is_never_reconnected_in_24_hours.timeout = 60  # type: ignore[attr-defined]

    async def test_cancelling_closes_every_socket_and_leaves_no_timer(self) -> None:
        await self.connect()
        self.telegram.freeze(True)
        await self.stop()
        await until(lambda: not self.telegram.open_sockets)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        await self.undelivered(self.channel.send(text("too late")), "later")

    async def test_cancelling_while_it_connects_ends_at_once(self) -> None:
        self.telegram.freeze(True)
        self.make()
        self.start()
        await until(lambda: self.telegram.sockets)
        await self.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class SecretTests(ServiceCase):
    async def test_token_is_in_no_error_and_no_event(self) -> None:
        said: list[str] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            said.append(repr(event))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.make()
        for does in ("raw", "cut", "answer"):
            for method in ("getMe", "deleteWebhook", "getUpdates"):
                error = BotError(500, f"odd: /bot{TOKEN}/{method}")
                self.telegram.faults.append(
                    Fault(lambda name, wanted=method: name == wanted, 1, does, error)
                )
                self.start()
                await until(lambda: len(self.ends) == len(self.runs))
                said.append(repr(self.end(ChannelDown)))
        await self.connect()
        for does in ("raw", "cut", "answer"):
            self.telegram.faults.append(
                Fault(lambda name: name == "sendMessage", 1, does, BotError(500, f"bot{TOKEN}"))
            )
            error_of_send = await self.assertFailure(self.channel.send(text("x")), Exception)
            said.append(str(error_of_send))
        self.assertGreaterEqual(len(said), 12)
        self.assertNotIn(TOKEN, " ".join([*said, *self.link.events, repr(self.channel)]))
