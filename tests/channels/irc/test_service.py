"""Tests of one account against the stand-in, over real sockets."""

from typing import Any

from openclaw.deferreds import deferred
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.messages import Outgoing, Sent
from openclaw.interfaces.queue import QueueFull, Undelivered
from tests.channels.irc.counterpart import NICK, ROOM
from tests.channels.irc.rig import ServerCase, outgoing
from tests.channels.irc.server import Client


class ComingInTests(ServerCase):
    """Registration: nick, passwords, accounts, channels."""

    async def test_it_signs_in_joins_and_leaves(self) -> None:
        await self.start()
        [client] = self.server.clients
        self.assertEqual((client.nick, client.account), (NICK, NICK))
        self.assertIn(client, self.server.channels[ROOM])
        self.assertIn(f"MODE {NICK} +B".encode(), self.server.heard)
        await self.down()
        await self.until(lambda: not self.server.clients)
        self.assertTrue(self.server.heard[-1].startswith(b"QUIT"))

    async def test_a_taken_nick_gets_a_tail_until_it_is_free(self) -> None:
        await self.start()
        first, self.links = self.link, []
        await self.start()
        self.assertEqual(sorted(c.nick for c in self.server.clients), ["tia", "tia_"])
        self.links.append(first)
        self.server.find("tia").transport.abortConnection()  # type: ignore[union-attr]
        await self.until(lambda: [c.nick for c in self.server.clients] == ["tia"])
        self.assertIsInstance(await self.end(), ChannelDown)

    async def test_what_cannot_work_says_what_to_do(self) -> None:
        self.server.password = "pass"
        for changes, key in (
            ({"saslPassword": "wrong"}, "saslPassword"),
            ({"password": "wrong"}, "channels.irc.password"),
            ({"password": "pass", "nick": "ti!a"}, "channels.irc.nick"),
            ({"password": "pass", "nick": "t|a"}, "channels.irc.nick"),
            ({"username": "my bot"}, "channels.irc.username"),
            ({"host": ""}, "channels.irc.host"),
            ({"host": "irc.example.org"}, "channels.irc.tls"),
            ({"port": 70000}, "channels.irc.port"),
            ({"channels": ["#a,#b"]}, "channels.irc.channels"),
        ):
            self.make(self.irc.settings(), **changes)
            self.run_channel()
            error = await self.end()
            self.assertIsInstance(error, ChannelFailed, changes)
            self.assertIn(key, error.message)
            self.assertNotIn("wrong", error.message)

    async def test_a_server_without_sasl_is_no_reason_to_stay_unknown(self) -> None:
        self.server.offered = "server-time"
        self.make(self.irc.settings())
        self.run_channel()
        error = await self.end()
        self.assertIn("nickservPassword", error.message)

    async def test_services_are_told_before_channels_are_joined(self) -> None:
        password = self.server.accounts[NICK]
        await self.start(saslPassword=None, nickservPassword=password)
        heard = self.server.heard
        told = heard.index(f"PRIVMSG NickServ :IDENTIFY {password}".encode())
        self.assertLess(told, heard.index(b"JOIN #friends"))

    async def test_services_that_refuse_are_the_end(self) -> None:
        self.make(self.irc.settings(), saslPassword=None, nickservPassword="wrong")
        self.run_channel()
        self.assertIn("nickservPassword", (await self.end()).message)

    async def test_offers_that_are_taken_back_leave_the_account(self) -> None:
        self.server.takes_back = {"echo-message"}
        await self.start()
        self.assertEqual(self.server.clients[0].caps, {"sasl"})
        self.irc.say("hello", chat_id="ada", sender_id="account:ada")
        await self.until(lambda: self.texts() == ["hello"])

    async def test_a_channel_that_is_shut_is_said(self) -> None:
        self.server.bans.add("#shut")
        self.server.keys["#locked"] = "sesame"
        await self.start(channels=["#shut", "#locked sesame"], groups={"#Open": {}})
        self.assertEqual(sorted(self.server.channels), ["#locked", "#open"])
        self.assertEqual(self.link.events[-1], "degraded: not in #shut (Cannot join channel (+b))")

    async def test_nobody_there_is_down(self) -> None:
        self.make(self.irc.settings())
        await self.irc.stop()
        self.run_channel()
        self.assertIsInstance(await self.end(), ChannelDown)


class HearingTests(ServerCase):
    """What comes in, in order, and only once it is taken."""

    async def test_people_and_channels(self) -> None:
        await self.start()
        self.irc.say("one", chat_id="ada", sender_id="account:ada")
        self.irc.say("two", chat_id=ROOM, sender_id="account:ada", group=True)
        await self.until(lambda: self.texts() == ["one", "two"])
        one, two = self.link.received
        self.assertEqual((one.chat_id, one.sender.id), ("ada", "account:ada"))
        self.assertEqual((two.chat_id, two.mention), (ROOM, "native"))

    async def test_what_is_not_taken_waits_and_keeps_its_place(self) -> None:
        await self.start()
        for why in (QueueFull("full"), StoreError("disk")):
            self.link.received.clear()
            self.link.refusing = why
            self.irc.say("one", chat_id="ada", sender_id="account:ada")
            self.irc.say("two", chat_id="ada", sender_id="account:ada")
            await self.pause()
            moment = self.state.get("heard")
            self.link.refusing = None
            await self.until(lambda: self.texts() == ["one", "two"])
            self.assertNotEqual(self.state.get("heard"), moment)

    async def test_what_was_said_while_away_comes_in_order(self) -> None:
        await self.start()
        await self.until(lambda: self.state.get("heard"))
        await self.down()
        for number in range(12):
            group = number % 3 == 0
            chat = ROOM if group else "ada"
            self.irc.say(f"{number}", chat_id=chat, sender_id="account:ada", group=group)
        await self.start()
        await self.until(lambda: len(self.texts()) == 12)
        self.assertEqual(self.texts(), [str(number) for number in range(12)])

    async def test_it_comes_also_while_our_dead_self_has_the_nick(self) -> None:
        await self.start()
        await self.until(lambda: self.state.get("heard"))
        self.irc.say("first", chat_id="ada", sender_id="account:ada")
        await self.until(lambda: self.texts() == ["first"])
        await self.down()
        await self.until(lambda: not self.server.clients)
        dead = Client()
        dead.nick = "tia"
        dead.say = lambda line: None  # type: ignore[method-assign]  # It has no connection.
        self.server.clients.append(dead)
        self.irc.say("to the dead", chat_id="ada", sender_id="account:ada")
        await self.start()
        self.server.clients.remove(dead)
        await self.until(lambda: len(self.texts()) == 2)
        self.assertIn(b"NICK tia_", self.server.heard)
        self.assertEqual(self.texts(), ["first", "to the dead"])

    async def test_what_is_said_meanwhile_comes_after_it(self) -> None:
        await self.start()
        await self.until(lambda: self.state.get("heard"))
        await self.down()
        self.irc.say("before", chat_id="ada", sender_id="account:ada")
        self.make(self.irc.settings())
        self.run_channel()
        await self.until(lambda: self.irc.open_sockets)
        self.irc.say("after", chat_id="ada", sender_id="account:ada")
        await self.until(lambda: set(self.texts()) == {"before", "after"})
        self.assertEqual(self.texts()[0], "before")

    async def test_a_first_visit_asks_for_no_past(self) -> None:
        self.irc.say("long ago", chat_id="ada", sender_id="account:ada")
        await self.start()
        self.irc.say("now", chat_id="ada", sender_id="account:ada")
        await self.until(lambda: self.texts())
        self.assertEqual(self.texts(), ["now"])

    async def test_ctcp_and_notices_are_not_answered(self) -> None:
        await self.start()
        [client] = self.server.clients
        before = len(self.server.heard)
        for line in (
            f":eve!e@e PRIVMSG {NICK} :\x01VERSION\x01",
            f":eve!e@e PRIVMSG {NICK} :\x01PING 1\x01",
            f":eve!e@e PRIVMSG {ROOM} :\x01CLIENTINFO\x01",
            f":eve!e@e NOTICE {NICK} :hello?",
        ):
            client.say(line)
        client.say("PING :x y")
        await self.until(lambda: self.server.heard[before:])
        self.assertEqual(self.server.heard[before:], [b"PONG :x y"])
        self.assertEqual(self.link.received, [])

    async def test_a_kick_is_said_and_mended_if_wanted(self) -> None:
        await self.start()
        self.server.clients[0].say(f":op!o@o KICK {ROOM} {NICK} :enough")
        await self.until(lambda: self.link.events[-1] == f"degraded: not in {ROOM} (op: enough)")
        await self.down()
        await self.start(rejoinAfterKick=True)
        self.server.clients[0].say(f":op!o@o KICK {ROOM} {NICK} :enough")
        await self.until(lambda: self.link.events[-3:] == ["connected", self.degraded, "connected"])

    async def test_a_channel_with_a_key_is_joined_again_with_it(self) -> None:
        self.server.keys["#locked"] = "sesame"
        await self.start(channels=["#Locked sesame"], rejoinAfterKick=True)
        self.server.clients[0].say(f":op!o@o KICK #locked {NICK} :enough")
        await self.until(lambda: self.server.heard.count(b"JOIN #Locked sesame") == 2)
        await self.until(lambda: self.link.events[-1] == "connected")

    degraded = f"degraded: not in {ROOM} (op: enough)"


class SpeakingTests(ServerCase):
    """What goes out, and what the server says to it."""

    @deferred
    async def say(self, message: Outgoing) -> Sent:
        """Send as the queue does: again when there is room."""
        while True:
            try:
                return await self.channel.send(message)
            except Undelivered as error:
                if error.kind != "later":
                    raise
                await self.pause((error.after_ms or 1) / 1000)

    async def test_what_is_said_is_confirmed_with_its_id(self) -> None:
        await self.start()
        number = self.irc.say("hi", chat_id="ada", sender_id="account:ada")
        sent = await self.channel.send(outgoing("**hello** there", reply_to=number))
        [shown] = self.irc.shown()
        self.assertEqual((shown.text, shown.chat_id), ("hello there", "ada"))
        self.assertEqual((shown.message_id, shown.reply_to), (sent.message_id, number))

    async def test_a_server_without_extensions_confirms_too(self) -> None:
        self.server.offered = "sasl"
        await self.start()
        self.irc.say("hi", chat_id="ada", sender_id="account:ada")
        sent = await self.channel.send(outgoing("hello", id="x"))
        self.assertEqual(sent.message_id, "~x")

    async def test_long_and_hostile_texts_break_no_line(self) -> None:
        await self.start()
        text = "ünïcödé " * 60 + "\n\nQUIT :x\r\nJOIN 0\n\x01DCC SEND x\x01 \0end"
        await self.channel.send(outgoing(text, ROOM))
        said = " ".join(one.text for one in self.irc.shown())
        self.assertEqual(said.count("ünïcödé"), 60)
        self.assertIn("QUIT :x", said)
        self.assertNotIn("\x01", said)
        self.assertFalse([raw for raw in self.server.heard if raw.startswith((b"QUIT", b"JOIN 0"))])

    async def test_codes_are_there_for_whoever_wants_them(self) -> None:
        await self.start(formatting="codes")
        await self.channel.send(outgoing("**hello**", ROOM))
        self.assertEqual(self.irc.shown()[0].text, "\x02hello\x02")

    async def test_what_the_server_refuses(self) -> None:
        await self.start()
        for chat, text, status, kind in (
            ("nobody", "x", 0, "never"),
            ("#elsewhere", "x", 0, "never"),
            (ROOM, "x", 400, "never"),
            (ROOM, "x", 429, "retry"),
            (ROOM, "x", 500, "retry"),
            ("a,b", "x", 0, "never"),
            (ROOM, "\n \n", 0, "never"),
        ):
            if status:
                self.irc.refuse(1, status, 7)
            error = await self.refused(self.say(outgoing(text, chat)))
            self.assertEqual((error.kind, chat), (kind, chat))
            if status == 429:
                self.assertEqual(error.after_ms, 7000)
        self.assertEqual(self.irc.shown(), [])

    async def test_without_a_connection_it_comes_later(self) -> None:
        self.make(self.irc.settings())
        self.assertEqual((await self.refused(self.channel.send(outgoing()))).kind, "later")
        await self.up()
        await self.down()
        self.assertEqual((await self.refused(self.channel.send(outgoing()))).kind, "later")

    async def test_an_answer_that_is_lost_leaves_it_unknown(self) -> None:
        await self.start()
        self.irc.lose_answers(1)
        error = await self.refused(self.channel.send(outgoing("x", ROOM)))
        self.assertEqual((error.kind, len(self.irc.shown())), ("unknown", 1))
        self.assertIsInstance(await self.end(), ChannelDown)

    async def test_what_waits_for_its_turn_was_not_said(self) -> None:
        """It waits in the queue, where a stop of the gateway leaves no doubt about it."""
        await self.start(floodMs=10_000, floodBurst=2)
        first: Any = self.channel.send(outgoing("0", ROOM, id="0"))
        error = await self.refused(self.channel.send(outgoing("1", ROOM, id="1")))
        self.assertEqual(error.kind, "later")
        await first
        error = await self.refused(self.channel.send(outgoing("2", ROOM, id="2")))
        self.assertEqual(error.kind, "later")
        assert error.after_ms is not None
        self.assertGreater(error.after_ms, 5000)
        self.assertEqual([one.text for one in self.irc.shown()], ["0"])

    async def test_answers_follow_a_person_who_changes_the_nick(self) -> None:
        await self.start()
        self.irc.say("hi", chat_id="ada", sender_id="account:ada")
        await self.until(self.texts)
        self.server.people.add("countess")
        self.server.tell_all(":ada!~ada@home.example NICK countess")
        await self.channel.probe()
        await self.channel.send(outgoing("hello", "ada"))
        self.assertEqual(self.irc.shown()[0].chat_id, "countess")

    async def test_a_sign_of_life(self) -> None:
        await self.start()
        self.assertEqual(await self.channel.probe(), "tia on irc.example")

    async def test_floods_are_spread(self) -> None:
        """The stand-in throws out whoever is faster than it allows."""
        await self.start()
        for number in range(15):
            await self.say(outgoing(f"{number}", ROOM, id=f"{number}"))
        self.assertEqual([one.text for one in self.irc.shown()], [str(n) for n in range(15)])


class EndingTests(ServerCase):
    """How connections end, and that it is noticed."""

    async def test_a_frozen_server_is_noticed(self) -> None:
        await self.start()
        self.irc.freeze(True)
        error = await self.end()
        self.assertIsInstance(error, ChannelDown)
        self.assertIn("said nothing", error.message)
        self.irc.freeze(False)

    async def test_a_quiet_server_is_left_alone(self) -> None:
        await self.start()
        await self.pause(1.0)
        self.assertEqual(self.ends, [])
        self.assertIn(b"PING are-you-there", self.server.heard)

    async def test_a_server_that_never_answers_is_given_up(self) -> None:
        self.irc.freeze(True)
        self.make(self.irc.settings())
        self.run_channel()
        self.assertIsInstance(await self.end(), ChannelDown)
        self.irc.freeze(False)

    async def test_what_the_server_says_at_the_end_is_told(self) -> None:
        await self.start()
        self.server.clients[0].say("ERROR :Closing Link: K-lined")
        self.server.clients[0].transport.loseConnection()
        self.assertIn("K-lined", (await self.end()).message)

    async def test_a_stop_while_coming_in_closes_everything(self) -> None:
        self.irc.freeze(True)
        self.make(self.irc.settings())
        self.run_channel()
        await self.until(lambda: self.server.clients)
        await self.down()
        self.irc.freeze(False)
        await self.until(lambda: not self.server.clients)

    async def test_flaps_leave_one_socket(self) -> None:
        await self.start()
        for _ in range(20):
            self.irc.drop()
            await self.end()
            await self.up()
        self.assertEqual((self.irc.most_sockets, self.irc.open_sockets), (1, 1))
