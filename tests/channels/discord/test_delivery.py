"""What goes out, against the stand-in: bodies, fallbacks, and what each refusal means."""

import os

from openclaw.interfaces.messages import Attachment, Outgoing
from openclaw.interfaces.outbound import OutboundError
from openclaw.interfaces.queue import Undelivered
from tests.channels.discord.rig import ALICE, BOB, Rig, outgoing, target
from tests.channels.discord.world import BOT_ID, FORUM_ID, GENERAL_ID, GUILD_ID


class Connected(Rig):
    async def undelivered(self, message: Outgoing) -> Undelivered:
        """Send what cannot be sent."""
        error = await self.ended(self.channel.send(message))
        assert isinstance(error, Undelivered), error
        return error

    def body(self, number: int = -1) -> dict[str, object]:
        """What the stand-in was sent."""
        found: dict[str, object] = self.calls("POST", "/messages")[number].body
        return found


class BodyTests(Connected):
    async def test_nobody_is_alerted_unless_named_and_known(self) -> None:
        await self.connect()
        self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.until(lambda: self.link.received)
        await self.channel.send(outgoing(f"@everyone <@{ALICE}> and <@{BOB}>"))
        allowed = {"parse": [], "users": [ALICE], "replied_user": False}
        self.assertEqual(self.body()["allowed_mentions"], allowed)

    async def test_the_id_is_the_nonce_and_a_long_one_is_shortened(self) -> None:
        await self.connect()
        await self.channel.send(outgoing(id="short"))
        self.assertEqual((self.body()["nonce"], self.body()["enforce_nonce"]), ("short", True))
        await self.channel.send(outgoing(id="x" * 60))
        self.assertEqual(len(str(self.body()["nonce"])), 25)

    async def test_the_same_id_is_sent_once(self) -> None:
        await self.connect()
        first = await self.channel.send(outgoing(id="y" * 60))
        second = await self.channel.send(outgoing(id="y" * 60))
        self.assertEqual(first, second)
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_reply_points_to_its_message_and_survives_its_loss(self) -> None:
        await self.connect()
        asked = self.discord.say("q", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.channel.send(outgoing("a", target(reply_to=asked)))
        self.assertEqual(self.discord.shown()[-1].reply_to, asked)
        await self.channel.send(outgoing("b", target(reply_to="123")))
        self.assertEqual(self.discord.shown()[-1].text, "b")

    async def test_silent_and_suppressed_are_flags(self) -> None:
        self.remake(suppressEmbeds=True)
        await self.connect()
        await self.channel.send(outgoing("shh", silent=True))
        self.assertEqual(self.body()["flags"], 4096 | 4)

    async def test_markdown_tables_become_code(self) -> None:
        await self.connect()
        await self.channel.send(outgoing("| a | b |\n|---|---|\n| 1 | 2 |"))
        self.assertIn("```", self.discord.shown()[0].text)

    async def test_a_file_goes_along(self) -> None:
        await self.connect()
        path = self.mktemp()
        with open(path, "wb") as opened:
            opened.write(b"\x00\r\n--x\xff")
        attachment = Attachment(kind="document", path=path, name='a "b".bin', mime="a/b")
        await self.channel.send(outgoing("look", attachment=attachment))
        [shown] = self.discord.shown()
        self.assertEqual((shown.text, shown.files), ("look", (b"\x00\r\n--x\xff",)))
        self.assertEqual(self.body()["attachments"], [{"id": 0, "filename": 'a "b".bin'}])

    async def test_a_file_that_is_gone_is_never_sent(self) -> None:
        await self.connect()
        gone = Attachment(kind="document", path=os.path.join(self.mktemp(), "x"), name="x")
        self.assertEqual((await self.undelivered(outgoing("x", attachment=gone))).kind, "never")

    async def test_a_file_that_is_too_large_is_told_of(self) -> None:
        await self.connect()
        path = self.mktemp()
        with open(path, "wb") as opened:
            opened.truncate((10 << 20) + 1)
        attachment = Attachment(kind="document", path=path, name="big.bin")
        await self.channel.send(outgoing("here", attachment=attachment))
        [shown] = self.discord.shown()
        self.assertEqual(
            (shown.text, shown.files), ("here\n(big.bin: too large for Discord here)", ())
        )
        long = "😀" * 990
        await self.channel.send(outgoing(long, attachment=attachment, id="long"))
        self.assertEqual(self.discord.shown()[1].text, long)


class PlaceTests(Connected):
    async def test_a_person_who_wrote_is_answered_in_person(self) -> None:
        await self.connect()
        self.discord.say("psst", chat_id=ALICE, sender_id=ALICE)
        await self.until(lambda: self.link.received)
        [heard] = self.link.received
        self.assertEqual((heard.chat_type, heard.chat_id, heard.space_id), ("dm", ALICE, ""))
        await self.channel.send(outgoing("yes?", target(heard.chat_id, chat_type="dm")))
        self.assertEqual(self.discord.shown()[0].chat_id, ALICE)
        self.assertEqual(self.calls("POST", "/users/@me/channels"), [])

    async def test_a_direct_channel_is_opened_once(self) -> None:
        self.discord.world.person(BOB)
        await self.connect()
        for text in "ab":
            await self.channel.send(outgoing(text, target(BOB, chat_type="dm")))
        self.assertEqual(len(self.calls("POST", "/users/@me/channels")), 1)
        self.assertEqual([shown.chat_id for shown in self.discord.shown()], [BOB, BOB])

    async def test_every_spelling_of_a_place_is_understood(self) -> None:
        self.discord.world.person(BOB)
        await self.connect()
        spellings = (
            (f"user:{BOB}", BOB),
            (f"<@{BOB}>", BOB),
            (f"discord:user:{BOB}", BOB),
            (f"channel:{GENERAL_ID}", GENERAL_ID),
            (f"<#{GENERAL_ID}>", GENERAL_ID),
            (GENERAL_ID, GENERAL_ID),
        )
        for number, (written, meant) in enumerate(spellings):
            await self.channel.send(outgoing(str(number), target(written, chat_type="dm")))
            self.assertEqual(self.discord.shown()[-1].chat_id, meant, written)

    async def test_a_thread_is_written_in_and_taken_out_of_the_archive(self) -> None:
        await self.connect()
        thread = self.discord.world.thread("talk", GENERAL_ID, ALICE)
        thread["thread_metadata"]["archived"] = True
        await self.channel.send(outgoing("again", target(thread_id=thread["id"])))
        self.assertEqual(self.discord.shown()[0].thread_id, thread["id"])
        self.assertFalse(thread["thread_metadata"]["archived"])

    async def test_an_archived_thread_that_stays_so_is_never(self) -> None:
        await self.connect()
        thread = self.discord.world.thread("talk", GENERAL_ID, ALICE)
        thread["thread_metadata"]["archived"] = True
        self.discord.fail("PATCH /channels", 403, 50013)
        error = await self.undelivered(outgoing("x", target(thread_id=thread["id"])))
        self.assertEqual(error.kind, "never")

    async def test_a_forum_gets_a_new_post(self) -> None:
        await self.connect()
        sent = await self.channel.send(outgoing("# How to\n\nlike this", target(FORUM_ID)))
        [shown] = self.discord.shown()
        self.assertEqual((shown.chat_id, shown.thread_id), (FORUM_ID, sent.chat_id))
        self.assertEqual(self.discord.world.channels[shown.thread_id]["name"], "How to")

    async def test_a_forum_nobody_told_of_gets_a_new_post(self) -> None:
        await self.stop_channel(await self.connect())
        self.remake()  # A resumed session is told of no channels.
        await self.connect()
        await self.channel.send(outgoing("first line", target(FORUM_ID)))
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_an_answer_opens_a_thread_where_that_is_configured(self) -> None:
        guilds = {GUILD_ID: {"channels": {GENERAL_ID: {"autoThread": True}}}}
        self.remake(guilds=guilds)
        await self.connect()
        asked = self.discord.say("q", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        for text in ("a", "b"):
            await self.channel.send(outgoing(text, target(reply_to=asked)))
        self.assertEqual([shown.thread_id for shown in self.discord.shown()], [asked, asked])


class RefusalTests(Connected):
    async def test_without_a_connection_it_is_later(self) -> None:
        self.assertEqual((await self.undelivered(outgoing())).kind, "later")
        running = await self.connect()
        self.discord.drop()
        await self.ended(running)
        self.assertEqual((await self.undelivered(outgoing())).kind, "later")

    async def test_each_documented_code_says_what_to_do(self) -> None:
        await self.connect()
        codes = {
            (403, 50001): "View Channel",
            (403, 50013): "permission",
            (403, 50007): "direct messages",
            (404, 10003): "does not exist",
            (400, 50035): "malformed",
        }
        for (status, code), words in codes.items():
            self.discord.fail("POST /channels", status, code)
            error = await self.undelivered(outgoing(f"{code}"))
            self.assertEqual(error.kind, "never", code)
            self.assertIn(words, error.message)
        self.flushLoggedErrors()

    async def test_a_reply_that_is_impossible_becomes_a_message(self) -> None:
        await self.connect()
        for code in (160002, 50021):
            self.discord.fail("POST /channels", 400, code)
            await self.channel.send(outgoing(f"{code}", target(reply_to="55")))
            self.assertNotIn("message_reference", self.body())

    async def test_429_says_exactly_when(self) -> None:
        await self.connect()
        self.discord.refuse(1, 429, 0.3)
        error = await self.undelivered(outgoing())
        self.assertEqual((error.kind, error.after_ms), ("retry", 300))

    async def test_after_429_the_next_call_waits_by_itself(self) -> None:
        await self.connect()
        self.discord.refuse(1, 429, 0.3)
        await self.undelivered(outgoing("a"))
        before = self.discord.rest.clock.seconds()
        await self.channel.send(outgoing("a"))
        self.assertGreaterEqual(self.discord.rest.clock.seconds() - before, 0.28)

    async def test_5xx_may_be_repeated_because_of_the_nonce(self) -> None:
        await self.connect()
        self.discord.refuse(2, 502)
        for _ in range(2):
            self.assertEqual((await self.undelivered(outgoing("a"))).kind, "retry")
        await self.channel.send(outgoing("a"))
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_lost_answer_is_repeated_and_shown_once(self) -> None:
        await self.connect()
        self.discord.lose_answers(1)
        self.assertEqual((await self.undelivered(outgoing("a"))).kind, "retry")
        await self.channel.send(outgoing("a"))
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_lost_answer_is_looked_for_when_its_nonce_is_forgotten(self) -> None:
        await self.connect()
        self.discord.lose_answers(1)
        await self.undelivered(outgoing("a"))
        self.discord.rest._nonces.clear()
        self.link.now_ms = lambda: self.discord.world.now_ms() + 10 * 60_000
        await self.channel.send(outgoing("a"))
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_lost_new_post_is_unknown_for_forums_have_no_nonce(self) -> None:
        await self.connect()
        self.discord.rest.faults.raw.append(("POST /channels", 502, b"oops"))
        error = await self.undelivered(outgoing("x", target(FORUM_ID)))
        self.assertEqual(error.kind, "unknown")

    async def test_an_answer_that_is_no_json_is_trouble(self) -> None:
        await self.connect()
        self.discord.rest.faults.raw.append(("POST /channels", 200, b"<html>"))
        self.assertEqual((await self.undelivered(outgoing("x"))).kind, "retry")

    async def test_no_secret_is_in_what_is_said(self) -> None:
        await self.connect()
        self.discord.rest.faults.raw.append(("POST /channels", 403, b"no"))
        error = await self.undelivered(outgoing("x"))
        self.assertNotIn(self.discord.token, error.message)


class ChangeTests(Connected):
    async def test_a_message_is_changed(self) -> None:
        await self.connect()
        sent = await self.channel.send(outgoing("old"))
        changed = await self.channel.edit(outgoing("new", kind="edit", message_id=sent.message_id))
        self.assertEqual(changed.message_id, sent.message_id)
        self.assertEqual([shown.text for shown in self.discord.shown()], ["new"])

    async def test_a_message_that_is_gone_is_sent_anew(self) -> None:
        await self.connect()
        sent = await self.channel.edit(outgoing("new", kind="edit", message_id="1"))
        self.assertEqual([shown.message_id for shown in self.discord.shown()], [sent.message_id])

    async def test_somebody_elses_message_cannot_be_changed(self) -> None:
        await self.connect()
        theirs = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        error = await self.ended(self.channel.edit(outgoing("new", message_id=theirs)))
        self.assertEqual(getattr(error, "kind", ""), "never")

    async def test_deleting_twice_is_a_success(self) -> None:
        await self.connect()
        sent = await self.channel.send(outgoing("old"))
        for _ in range(2):
            await self.channel.delete(target(), sent.message_id)
        self.assertEqual(self.discord.shown(), [])

    async def test_reactions_come_and_go(self) -> None:
        await self.connect()
        theirs = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        for emoji in ("👍", "<:party:42>"):
            await self.channel.react(target(), theirs, emoji)
        names = [one["emoji"] for one in self.discord.world.messages[theirs]["reactions"]]
        self.assertEqual(names, [{"id": None, "name": "👍"}, {"id": "42", "name": "party"}])
        await self.channel.react(target(), theirs, "")
        self.assertEqual(self.discord.world.messages[theirs]["reactions"], [])

    async def test_an_unknown_emoji_is_never(self) -> None:
        await self.connect()
        theirs = self.discord.say("x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        error = await self.ended(self.channel.react(target(), theirs, "nope"))
        self.assertEqual(getattr(error, "kind", ""), "never")

    async def test_typing_shows_and_needs_no_end(self) -> None:
        await self.connect()
        await self.channel.typing(target(), True)
        await self.channel.typing(target(), False)
        self.assertEqual(self.discord.rest.typing, [GENERAL_ID])


class FileTests(Connected):
    async def test_a_file_that_came_is_fetched(self) -> None:
        await self.connect()
        author = self.discord.world.person(ALICE)
        file = self.discord.world.attachment("cat.png", b"meow", "image/png")
        more = {"attachments": [file]}
        self.discord.world.write(GENERAL_ID, author, "", more)
        await self.until(lambda: self.link.received)
        [heard] = self.link.received
        self.assertEqual(heard.text, "<media:image>")
        [attachment] = heard.attachments
        self.assertEqual((attachment.kind, attachment.size), ("image", 4))
        answer = await self.channel.fetch(attachment)
        self.assertEqual((answer.status, await answer.read(100)), (200, b"meow"))

    async def test_nothing_is_fetched_from_anywhere_else(self) -> None:
        for ref in ("http://169.254.169.254/x", "https://evil.example/x", "file:///etc/passwd"):
            error = await self.ended(self.channel.fetch(Attachment(kind="image", ref=ref)))
            self.assertIsInstance(error, OutboundError, ref)
            self.assertEqual(getattr(error, "kind", ""), "refused", ref)

    async def test_the_bot_is_named_by_its_own_role(self) -> None:
        await self.connect()
        author = self.discord.world.person(ALICE)
        more = {"mention_roles": ["500000000000000009"]}
        self.discord.world.write(GENERAL_ID, author, "<@&500000000000000009> hey", more)
        await self.until(lambda: self.link.received)
        self.assertEqual(self.link.received[0].mention, "native")
        self.assertEqual(self.link.received[0].text, "@assistant hey")
        self.assertNotEqual(self.link.received[0].sender.id, BOT_ID)
