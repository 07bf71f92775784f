"""The life of a connection: greeting, heartbeats, every way it ends, and what comes after."""

from itertools import pairwise

from openclaw.channels.platforms.discord.gateway import Patience
from openclaw.channels.platforms.discord.session import STATE
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.queue import QueueFull
from tests.channels.discord import sockets
from tests.channels.discord.rig import ALICE, QUICK, Rig, outgoing
from tests.channels.discord.world import BOT_ID, GENERAL_ID


class ConnectTests(Rig):
    async def test_identifies_with_the_token_and_only_the_intents_it_needs(self) -> None:
        await self.connect()
        [frame] = [frame for frame in self.discord.gateway.frames if frame["op"] == 2]
        self.assertEqual(frame["d"]["token"], self.discord.token)
        expected = sum(1 << bit for bit in (0, 9, 10, 12, 13, 15))
        self.assertEqual(frame["d"]["intents"], expected)
        self.assertEqual(set(frame["d"]["properties"]), {"os", "browser", "device"})

    async def test_a_message_arrives_and_an_answer_goes_back(self) -> None:
        await self.connect()
        self.discord.say("hi there", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.link.received)
        self.assertEqual(self.link.received[0].text, "hi there")
        sent = await self.channel.send(outgoing("hello yourself"))
        [shown] = self.discord.shown()
        self.assertEqual((shown.text, shown.message_id), ("hello yourself", sent.message_id))

    async def test_own_messages_do_not_come_back(self) -> None:
        await self.connect()
        await self.channel.send(outgoing("to myself"))
        self.discord.say("after", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.link.received)
        self.assertEqual([one.text for one in self.link.received], ["after"])

    async def test_every_frame_counts_as_a_sign_of_life(self) -> None:
        await self.connect()
        before = self.link.heard_times
        await self.until(lambda: self.link.heard_times > before + 1)

    async def test_stopping_leaves_the_session_for_the_next_process(self) -> None:
        running = await self.connect()
        await self.stop_channel(running)
        await self.until(lambda: self.discord.open_sockets == 0)
        self.assertEqual(self.discord.gateway.closes, [4000])
        self.discord.say("while away", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        self.remake()
        await self.connect()
        await self.until(lambda: self.link.received)
        self.assertEqual([one.text for one in self.link.received], ["while away"])
        self.assertEqual(len(self.discord.gateway.sessions), 1)

    async def test_other_intents_need_another_session(self) -> None:
        await self.stop_channel(await self.connect())
        self.remake(intents=["guilds", "guildMessages"])
        await self.connect()
        self.assertEqual(len(self.discord.gateway.sessions), 2)

    async def test_stop_while_connecting_ends_at_once(self) -> None:
        self.discord.gateway.silent = True
        running = self.run_channel()
        await self.until(lambda: self.discord.gateway.sockets)
        await self.stop_channel(running)
        await self.until(lambda: not self.discord.gateway.sockets)

    async def test_stop_while_the_api_is_silent_ends_at_once(self) -> None:
        self.discord.freeze(True)
        running = self.run_channel()
        await self.until(lambda: self.discord.rest._held)
        await self.stop_channel(running)

    async def test_probe_says_who_we_are(self) -> None:
        self.assertEqual(await self.channel.probe(), f"assistant ({BOT_ID})")


class EndTests(Rig):
    async def test_a_broken_connection_is_resumed_without_loss(self) -> None:
        running = await self.connect()
        self.discord.drop()
        error = await self.ended(running)
        self.assertIsInstance(error, ChannelDown)
        self.assertTrue(getattr(error, "at_once", False))
        self.discord.say("in between", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.connect()
        await self.until(lambda: self.link.received)
        self.assertEqual([one.text for one in self.link.received], ["in between"])
        self.assertEqual(len(self.calls("GET", "/gateway/bot")), 1)

    async def test_op_7_asks_for_a_resume_at_once(self) -> None:
        running = await self.connect()
        self.discord.gateway.sockets[0].tell(7, None)
        error = await self.ended(running)
        self.assertTrue(getattr(error, "at_once", False))
        self.assertEqual(self.discord.gateway.closes, [4000])
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 1)

    async def test_a_server_that_always_sends_us_away_is_left_in_peace(self) -> None:
        pauses = []
        for _ in range(7):
            running = await self.connect()
            self.discord.gateway.sockets[0].tell(7, None)
            error = await self.ended(running)
            pauses.append(getattr(error, "at_once", None))
        self.assertEqual(pauses, [True] * 5 + [False] * 2)

    async def test_op_9_true_keeps_the_session(self) -> None:
        running = await self.connect()
        self.discord.gateway.sockets[0].tell(9, True)
        self.assertIsInstance(await self.ended(running), ChannelDown)
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 1)

    async def test_op_9_true_for_ever_opens_a_new_session(self) -> None:
        await self.stop_channel(await self.connect())
        self.discord.gateway.putting_off_resumes = True
        for _ in range(3):
            self.assertEqual(len(self.discord.gateway.identified), 1)
            self.assertIsInstance(await self.ended(self.run_channel()), ChannelDown)
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 2)

    async def test_op_9_false_forgets_the_session_and_waits_1_to_5_seconds(self) -> None:
        running = await self.connect()
        self.discord.gateway.sockets[0].tell(9, False)
        error = await self.ended(running)
        self.assertTrue(1.0 <= getattr(error, "after_seconds", 0.0) <= 5.0)
        self.assertEqual(self.state.get(STATE), "")
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 2)

    async def test_a_session_that_is_gone_is_replaced(self) -> None:
        await self.stop_channel(await self.connect())
        self.discord.gateway.sessions.clear()
        self.assertIsInstance(await self.ended(self.run_channel()), ChannelDown)
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 2)

    async def test_a_zombie_is_closed_with_4000_and_resumed(self) -> None:
        running = await self.connect()
        self.discord.gateway.acking = False
        error = await self.ended(running)
        self.assertIn("heartbeat", str(error))
        self.assertFalse(getattr(error, "at_once", True))
        self.assertEqual(self.discord.gateway.closes[-1], 4000)
        self.discord.gateway.acking = True
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 1)

    async def test_a_frozen_connection_is_noticed(self) -> None:
        running = await self.connect()
        self.discord.freeze(True)
        self.assertIsInstance(await self.ended(running), ChannelDown)

    def test_the_worst_freeze_is_noticed_within_a_minute(self) -> None:
        patience = Patience()
        closing_handshake = 3.0
        self.assertLess(patience.beat + patience.ack + closing_handshake, 60)

    async def test_no_greeting_is_the_end(self) -> None:
        self.discord.gateway.silent = True
        self.assertIn("greet", str(await self.ended(self.run_channel())))

    async def test_no_ready_is_the_end(self) -> None:
        self.discord.gateway.withholding_ready = True
        self.assertIn("READY", str(await self.ended(self.run_channel())))

    async def test_a_frame_that_is_none_is_the_end(self) -> None:
        running = await self.connect()
        self.discord.gateway.sockets[0].sendMessage(b"[not json")
        self.assertIn("no frame", str(await self.ended(running)))

    async def test_every_close_code_means_what_discord_says(self) -> None:
        resumed = (1000, 1001, 4000, 4001, 4002, 4003, 4005, 4008)
        for code in resumed:
            running = await self.connect()
            self.discord.gateway.sockets[0].shut(code)
            self.assertIsInstance(await self.ended(running), ChannelDown, code)
            self.assertTrue(self.state.get(STATE), code)
        for code in (4007, 4009):
            running = await self.connect()
            self.discord.gateway.sockets[0].shut(code)
            self.assertIsInstance(await self.ended(running), ChannelDown, code)
            self.assertEqual(self.state.get(STATE), "", code)
        for code in (4004, 4010, 4012, 4013, 4014):
            running = await self.connect()
            self.discord.gateway.sockets[0].shut(code)
            self.assertIsInstance(await self.ended(running), ChannelFailed, code)

    async def test_a_resume_address_that_is_dead_is_tried_once(self) -> None:
        running = await self.connect()
        session = self.state.values[STATE]
        await self.stop_channel(running)
        self.state.values[STATE] = session.replace(self.discord.world.base, "ws://127.0.0.1:9")
        self.remake()
        self.assertIsInstance(await self.ended(self.run_channel()), ChannelDown)
        await self.connect()
        self.assertEqual(len(self.discord.gateway.identified), 1)

    async def test_the_token_never_goes_to_a_foreign_resume_address(self) -> None:
        running = await self.connect()
        session = self.state.values[STATE]
        await self.stop_channel(running)
        self.state.values[STATE] = session.replace(self.discord.world.base, "wss://gateway.example")
        self.remake()
        await self.connect()
        self.assertEqual(len(self.calls("GET", "/gateway/bot")), 2)

    async def test_at_most_one_socket_over_many_flaps(self) -> None:
        for _ in range(30):
            running = await self.connect()
            self.discord.drop()
            await self.ended(running)
        self.assertEqual(self.discord.most_sockets, 1)


class FatalTests(Rig):
    async def test_a_wrong_token_is_told_with_its_remedy(self) -> None:
        self.remake(token="wrong")
        error = await self.ended(self.run_channel())
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("Reset Token", str(error))
        self.assertNotIn("wrong", str(error))

    async def test_no_token_is_told_with_its_remedy(self) -> None:
        self.remake(token=None)
        error = await self.ended(self.run_channel())
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("channels.discord.token", str(error))

    async def test_4014_names_the_intent(self) -> None:
        self.discord.gateway.allowed &= ~sockets.CONTENT
        error = await self.ended(self.run_channel())
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("MESSAGE CONTENT INTENT", str(error))
        self.assertNotIn("SERVER MEMBERS", str(error))

    async def test_4014_names_only_the_intent_that_is_off(self) -> None:
        self.remake(intents={"guildMembers": True})
        self.discord.gateway.allowed &= ~sockets.MEMBERS
        self.discord.rest.flags = 1 << 19
        error = await self.ended(self.run_channel())
        self.assertIn("SERVER MEMBERS INTENT", str(error))
        self.assertNotIn("MESSAGE CONTENT", str(error))

    async def test_plain_http_beyond_this_machine_is_refused(self) -> None:
        self.remake(apiUrl="http://discord.example/api")
        error = await self.ended(self.run_channel())
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("allowInsecure", str(error))

    async def test_a_used_up_session_limit_is_waited_for(self) -> None:
        self.discord.rest.session_limit |= {"remaining": 0, "reset_after": 90_000}
        error = await self.ended(self.run_channel())
        self.assertEqual(getattr(error, "after_seconds", 0), 90.0)
        self.assertEqual(self.discord.gateway.identified, [])

    async def test_a_used_up_session_limit_does_not_stop_a_resume(self) -> None:
        await self.stop_channel(await self.connect())
        self.discord.rest.session_limit |= {"remaining": 0, "reset_after": 90_000}
        self.remake()
        await self.connect()

    async def test_identifies_keep_their_distance(self) -> None:
        patience = Patience(hello=2, ready=2, ack=1, beat=1, identify=0.5)
        self.remake(patience)
        for _ in range(3):
            running = await self.connect()
            self.discord.gateway.sockets[0].shut(4009)
            await self.ended(running)
        times = self.discord.gateway.identified
        gaps = [later - earlier for earlier, later in pairwise(times)]
        self.assertTrue(all(gap >= 0.45 for gap in gaps), gaps)

    async def test_a_revoked_token_ends_the_account(self) -> None:
        running = await self.connect()
        self.discord.revoke()
        self.assertIsInstance(await self.ended(running), ChannelFailed)

    async def test_three_unauthorized_calls_stop_all_traffic(self) -> None:
        running = await self.connect()
        self.discord.token = "another"
        for number in range(5):
            await self.ended(self.channel.send(outgoing(f"call {number}")))
        self.assertIsInstance(await self.ended(running), ChannelFailed)
        self.assertEqual(self.discord.rest.unauthorized, 3)


class SafetyTests(Rig):
    async def test_heartbeats_tell_only_what_is_safe(self) -> None:
        await self.connect()
        message_id = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.discord.acknowledged(message_id))
        self.assertEqual(len(self.link.received), 1)

    async def test_a_full_inbox_makes_discord_send_it_again(self) -> None:
        running = await self.connect()
        self.link.refusing = QueueFull()
        message_id = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        self.assertIsInstance(await self.ended(running), ChannelDown)
        self.assertFalse(self.discord.acknowledged(message_id))
        self.link.refusing = None
        await self.connect()
        await self.until(lambda: self.discord.acknowledged(message_id))
        self.assertEqual([one.message_id for one in self.link.received], [message_id])

    async def test_a_repeated_message_has_the_same_key(self) -> None:
        await self.connect()
        message_id = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        self.discord.repeat(message_id)
        await self.until(lambda: len(self.link.received) == 2)
        self.assertEqual({one.dedupe_id for one in self.link.received}, {message_id})

    async def test_an_event_that_cannot_be_read_harms_no_other(self) -> None:
        await self.connect()
        self.discord.gateway.dispatch(
            "MESSAGE_CREATE", {"id": "1", "author": {"id": "2"}, "content": "x"}
        )
        self.discord.gateway.dispatch("MESSAGE_CREATE", "nonsense")
        self.discord.gateway.dispatch("GUILD_CREATE", {"id": "3", "channels": ["no"]})
        self.discord.gateway.dispatch("SOMETHING_NEW", {"a": 1})
        self.discord.say("fine", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.link.received)
        self.assertEqual(self.link.received[0].text, "fine")

    async def test_the_place_kept_on_disk_never_passes_what_is_safe(self) -> None:
        running = await self.connect()
        self.discord.say("one", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.link.received)
        self.link.refusing = QueueFull()
        self.discord.say("two", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.ended(running)
        self.remake(QUICK)
        await self.connect()
        await self.until(lambda: self.link.received)
        self.assertEqual([one.text for one in self.link.received], ["two"])
