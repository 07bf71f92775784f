"""Tests of Socket Mode against the stand-in, over real sockets."""

from twisted.internet.defer import Deferred

from openclaw.channels.platforms.slack import socket_mode
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.queue import QueueFull
from tests.channels.slack.rig import SlackCase


class ReceivingTests(SlackCase):
    """What is heard, and when Slack is told that it was."""

    async def test_what_is_said_arrives_and_is_acknowledged(self) -> None:
        await self.start()
        name = self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: self.slack.acknowledged(name))
        [heard] = self.told.received
        self.assertEqual((heard.text, heard.chat_id, heard.chat_type), ("hello", "D1", "dm"))
        self.assertEqual((heard.message_id, heard.sender.name), (name, "Name-U1"))

    async def test_nothing_is_acknowledged_before_it_is_durable(self) -> None:
        await self.start()
        self.told.durable = Deferred()
        name = self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: bool(self.slack.called("users.info")))
        await self.pause()
        self.assertFalse(self.slack.acknowledged(name))
        self.told.durable.callback(None)
        await self.until(lambda: self.slack.acknowledged(name))

    async def test_what_is_not_taken_is_not_acknowledged_and_comes_again(self) -> None:
        await self.start()
        for why in (QueueFull("full"), StoreError("disk")):
            self.told.refusing = why
            name = self.slack.say("again", chat_id="D1", sender_id="U1")
            await self.pause()
            self.assertFalse(self.slack.acknowledged(name))
            self.told.refusing = None
            self.slack.repeat(name)
            await self.until(lambda: self.slack.acknowledged(name))  # noqa: B023  # Awaited here.
            self.assertEqual(self.told.received[-1].message_id, name)

    async def test_a_mention_and_its_message_are_one(self) -> None:
        await self.start()
        name = self.slack.say("hello", chat_id="C1", sender_id="U1", group=True)
        await self.until(lambda: len(self.told.received) == 2)
        one, two = self.told.received
        self.assertEqual(one.dedupe_id, two.dedupe_id)
        self.assertEqual(one.dedupe_id, f"T0TEAM:C1:{name}")
        self.assertEqual((one.mention, two.mention), ("native", "native"))

    async def test_a_redelivery_has_the_same_name(self) -> None:
        await self.start()
        name = self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: self.slack.acknowledged(name))
        self.slack.repeat(name)
        await self.until(lambda: len(self.told.received) == 2)
        self.assertEqual(len({message.dedupe_id for message in self.told.received}), 1)

    async def test_what_nobody_knows_is_acknowledged(self) -> None:
        await self.start()
        for event in (
            {"type": "pin_added", "event_ts": "1.000001"},
            {"type": "message", "subtype": "channel_join", "channel": "C1", "ts": "1.000001"},
            {"type": "message"},
            {"type": "message", "channel": 7, "ts": None, "files": "none"},
        ):
            self.slack.tell(event, "odd")
        self.slack.sockets.deliver("function_executed", {"a": 1}, "odd")
        await self.until(lambda: self.slack.acknowledged("odd"))
        self.assertEqual(self.told.received, [])

    async def test_order_is_kept_while_names_are_asked_for(self) -> None:
        await self.start()
        for number in range(10):
            self.slack.say(f"{number}", chat_id="D1", sender_id=f"U{number % 3}")
        await self.until(lambda: len(self.told.received) == 10)
        self.assertEqual([m.text for m in self.told.received], [f"{n}" for n in range(10)])

    async def test_a_name_that_cannot_be_had_delays_nothing_for_long(self) -> None:
        await self.start()
        self.slack.error("users.info", "missing_scope", times=9, needed="users:read")
        self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: len(self.told.received) == 1)
        self.assertEqual(self.told.received[0].sender.name, "")
        self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: len(self.told.received) == 2)
        self.assertEqual(len(self.slack.called("users.info")), 1)

    async def test_names_are_asked_for_once(self) -> None:
        await self.start()
        for _ in range(3):
            self.slack.say("<@U7> look", chat_id="D1", sender_id="U1")
        self.slack.workspace.add_user("U7", "zoe")
        await self.until(lambda: len(self.told.received) == 3)
        self.assertEqual(self.told.received[2].text, "@Zoe look")
        self.assertEqual(len(self.slack.called("users.info")), 2)

    async def test_commands_are_off_until_they_are_wanted(self) -> None:
        await self.start()
        command = {"command": "/openclaw", "text": "hi", "user_id": "U1", "channel_id": "C1"}
        envelope = self.slack.sockets.deliver("slash_commands", command, "command")
        await self.until(lambda: self.slack.acknowledged("command"))
        said = self.slack.sockets.acks[envelope][1]["payload"]
        self.assertEqual(said["response_type"], "ephemeral")
        self.assertIn("channels.slack.slashCommand.enabled", said["text"])
        self.assertEqual(self.told.received, [])

    async def test_a_command_is_taken(self) -> None:
        await self.start(slashCommand={"enabled": True})
        command = {
            "command": "/openclaw",
            "text": "what now",
            "user_id": "U1",
            "channel_id": "C1",
            "trigger_id": "13.4",
        }
        envelope = self.slack.sockets.deliver("slash_commands", command, "command")
        await self.until(lambda: self.slack.acknowledged("command"))
        [heard] = self.told.received
        self.assertEqual(
            (heard.kind, heard.command, heard.text), ("command", "openclaw", "what now")
        )
        self.assertNotIn("payload", self.slack.sockets.acks[envelope][1])


class EndTests(SlackCase):
    """How connections follow one another, and how they end."""

    async def test_a_drop_is_told(self) -> None:
        await self.start()
        self.slack.drop()
        self.assertIsInstance(await self.end(), ChannelDown)
        await self.until(lambda: self.slack.open_sockets == 0)

    async def test_a_cancelled_account_leaves_no_socket(self) -> None:
        await self.start()
        self.assertEqual(self.slack.open_sockets, 1)
        await self.stop()
        self.assertEqual(len(self.sockets), 0)
        await self.until(lambda: self.slack.open_sockets == 0)

    async def test_it_can_be_cancelled_while_it_connects(self) -> None:
        self.slack.sockets.greets = False
        self.make()
        self.run_channel()
        await self.until(lambda: self.slack.open_sockets == 1)
        await self.stop()
        # A socket that is given up while it opens is cut at once, and gone a moment later.
        await self.until(lambda: self.slack.open_sockets == len(self.sockets) == 0)

    async def test_it_can_be_cancelled_while_slack_says_nothing(self) -> None:
        self.slack.freeze(True)
        self.make()
        self.run_channel()
        await self.pause()
        await self.stop()
        self.assertEqual(self.told.events, [])

    async def test_a_refresh_opens_the_new_connection_before_it_closes_the_old(self) -> None:
        for reason in ("warning", "refresh_requested"):
            await self.start()
            self.slack.sockets.most = 0
            total = self.slack.sockets.total
            self.slack.sockets.disconnect(reason)
            await self.until(lambda: self.slack.sockets.total == total + 1)  # noqa: B023  # Awaited here.
            await self.until(lambda: self.slack.open_sockets == 1)
            self.assertEqual(self.slack.most_sockets, 2)
            self.assertEqual((self.ended, self.told.events), ([], ["connected"]))
            name = self.slack.say("after", chat_id="D1", sender_id="U1")
            await self.until(lambda: self.slack.acknowledged(name))  # noqa: B023  # Awaited here.
            await self.stop()
            self.ended.clear()

    async def test_what_is_being_taken_is_acknowledged_on_the_connection_it_came_on(self) -> None:
        await self.start()
        self.told.durable = Deferred()
        name = self.slack.say("hello", chat_id="D1", sender_id="U1")
        await self.until(lambda: bool(self.slack.called("users.info")))
        self.slack.sockets.disconnect("refresh_requested")
        await self.until(lambda: self.slack.sockets.total == 2)
        await self.pause()
        self.assertEqual(self.slack.open_sockets, 2)
        self.told.durable.callback(None)
        await self.until(lambda: self.slack.open_sockets == 1)
        self.assertTrue(self.slack.acknowledged(name))

    async def test_where_one_connection_is_allowed_the_old_one_goes_first(self) -> None:
        await self.start(maxConnections=1)
        self.slack.sockets.disconnect("refresh_requested")
        end = await self.end()
        self.assertIsInstance(end, ChannelDown)
        self.assertTrue(end.at_once)
        self.assertEqual((self.slack.most_sockets, len(self.sockets)), (1, 0))

    async def test_a_failed_refresh_keeps_the_old_connection_while_it_lasts(self) -> None:
        await self.start()
        self.slack.fail("apps.connections.open", 1, 500)
        self.slack.sockets.disconnect("warning")
        await self.until(lambda: len(self.slack.called("apps.connections.open")) == 2)
        name = self.slack.say("still here", chat_id="D1", sender_id="U1")
        await self.until(lambda: self.slack.acknowledged(name))
        self.slack.drop()
        self.assertIsInstance(await self.end(), ChannelDown)

    async def test_socket_mode_switched_off_is_final(self) -> None:
        await self.start()
        self.slack.sockets.disconnect("link_disabled")
        end = await self.end()
        self.assertIsInstance(end, ChannelFailed)
        self.assertIn("Socket Mode is off", end.message)
        await self.until(lambda: self.slack.open_sockets == 0)

    async def test_too_many_connections_make_it_wait_long(self) -> None:
        await self.start()
        self.slack.sockets.disconnect("too_many_websockets")
        end = await self.end()
        self.assertIsInstance(end, ChannelDown)
        self.assertGreaterEqual(end.after_seconds, 60)

    async def test_no_greeting_is_no_connection(self) -> None:
        self.patch_seconds("HELLO_SECONDS", 0.1)
        self.slack.sockets.greets = False
        self.make()
        self.run_channel()
        end = await self.end()
        self.assertIsInstance(end, ChannelDown)
        self.assertIn("did not greet", end.message)
        await self.until(lambda: self.slack.open_sockets == 0)

    async def test_silence_is_noticed(self) -> None:
        self.assertLessEqual(socket_mode.PING_SECONDS + socket_mode.PONG_SECONDS, 60)
        self.patch_seconds("PING_SECONDS", 0.1)
        self.patch_seconds("PONG_SECONDS", 0.1)
        await self.start()
        self.slack.freeze(True)
        self.assertIsInstance(await self.end(), ChannelDown)
        self.slack.freeze(False)
        await self.until(lambda: self.slack.open_sockets == 0)

    def patch_seconds(self, name: str, seconds: float) -> None:
        self.patch(socket_mode, name, seconds)

    async def test_an_answering_connection_is_kept(self) -> None:
        self.patch_seconds("PING_SECONDS", 0.02)
        self.patch_seconds("PONG_SECONDS", 1.0)
        await self.start()
        await self.pause(0.3)
        self.assertEqual((self.ended, self.slack.sockets.total), ([], 1))


class FlapTests(SlackCase):
    """Connections that come and go, a thousand times."""

    timeout = 600
    patience = 500.0

    async def test_a_thousand_drops_leave_one_socket_at_most(self) -> None:
        self.make()
        for number in range(1000):
            self.run_channel()
            await self.until(lambda: len(self.told.events) == number + 1)  # noqa: B023  # Awaited here.
            self.slack.drop()
            self.assertIsInstance(await self.end(), ChannelDown)
            self.ended.clear()
            await self.until(lambda: self.slack.open_sockets == 0)
        self.assertEqual((self.slack.most_sockets, len(self.sockets)), (1, 0))

    async def test_a_thousand_refreshes_leave_two_sockets_at_most(self) -> None:
        self.patch(socket_mode, "OLD_ENOUGH_SECONDS", 0.0)
        left = 1000

        def again(_: object) -> None:
            nonlocal left
            if left:
                left -= 1
                self.slack.sockets.disconnect("refresh_requested")

        self.slack.sockets.greeted = again
        await self.start()
        slack = self.slack
        await self.until(lambda: slack.sockets.total > 1000 and slack.open_sockets == 1)
        self.assertEqual((self.slack.sockets.total, self.slack.most_sockets), (1001, 2))
        self.assertEqual(self.ended, [])
        name = self.slack.say("after", chat_id="D1", sender_id="U1")
        await self.until(lambda: self.slack.acknowledged(name))


class CredentialTests(SlackCase):
    """What cannot work says so, with the remedy."""

    async def fails(self, **settings: object) -> str:
        self.make(**settings)
        self.run_channel()
        end = await self.end()
        self.assertIsInstance(end, ChannelFailed)
        return str(end.message)

    async def test_missing_secrets_are_named(self) -> None:
        for key in ("botToken", "appToken"):
            self.assertIn(key, await self.fails(**{key: None}))
            self.ended.clear()

    async def test_wrong_tokens_are_named(self) -> None:
        self.assertIn("botToken (invalid_auth)", await self.fails(botToken="xoxb-wrong"))
        self.ended.clear()
        why = await self.fails(appToken="xapp-1-A0APP-1-wrong")
        self.assertIn("appToken (invalid_auth)", why)
        self.assertNotIn("wrong", why)

    async def test_swapped_tokens_are_understood(self) -> None:
        settings = self.slack.settings()
        why = await self.fails(botToken=settings["appToken"], appToken=settings["botToken"])
        self.assertIn("botToken is the xoxb- token", why)

    async def test_a_missing_scope_is_named(self) -> None:
        self.slack.missing_scopes["apps.connections.open"] = "connections:write"
        self.assertIn("connections:write", await self.fails())

    async def test_tokens_of_different_apps_are_told(self) -> None:
        self.slack.fail("bots.info", 1, 200, {"ok": True, "bot": {"app_id": "A0OTHER"}})
        self.assertIn("different apps", await self.fails())

    async def test_events_of_another_app_are_told(self) -> None:
        self.slack.error("bots.info", "missing_scope")
        await self.start()
        payload = {"api_app_id": "A0OTHER", "event": {"type": "message"}}
        self.slack.sockets.deliver("events_api", payload, "other")
        end = await self.end()
        self.assertIsInstance(end, ChannelFailed)
        self.assertIn("A0OTHER", end.message)

    async def test_revoked_tokens_end_it(self) -> None:
        await self.start()
        self.slack.revoke()
        end = await self.end()
        self.assertIsInstance(end, ChannelFailed)
        await self.until(lambda: self.slack.open_sockets == 0)

    async def test_revoked_tokens_of_people_are_their_matter(self) -> None:
        await self.start()
        self.slack.tell({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}, "revoked")
        await self.until(lambda: self.slack.acknowledged("revoked"))
        self.assertEqual(self.ended, [])

    async def test_loopback_is_no_part_of_a_name(self) -> None:
        for host in ("127.0.0.1.example", "localhost.example", "127.example"):
            self.assertIn("allowInsecure", await self.fails(apiUrl=f"http://{host}/api/"))
            self.ended.clear()

    async def test_plain_http_to_others_is_refused(self) -> None:
        why = await self.fails(apiUrl="http://slack.example/api/")
        self.assertIn("allowInsecure", why)
        self.assertEqual(self.slack.calls, [])

    async def test_slack_out_of_order_is_no_fault_of_the_account(self) -> None:
        self.make()
        for method in ("auth.test", "apps.connections.open"):
            self.slack.fail(method, 1, 500)
            self.run_channel()
            self.assertIsInstance(await self.end(), ChannelDown)
            self.ended.clear()

    async def test_a_limited_start_waits_as_long_as_slack_says(self) -> None:
        self.make()
        self.slack.fail("apps.connections.open", 1, 429, None, {"retry-after": "7"})
        self.run_channel()
        self.assertEqual((await self.end()).after_seconds, 7)
