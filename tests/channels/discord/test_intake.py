"""What comes in, against the stand-in: every kind of event, looked up where it has to be."""

from openclaw.channels.platforms.discord.intake import DEAF
from openclaw.interfaces.messages import Inbound
from tests.channels.discord.rig import ALICE, BOB, Rig
from tests.channels.discord.world import FORUM_ID, GENERAL_ID, GUILD_ID, MODERATORS_ID


class IntakeTests(Rig):
    async def heard(self, count: int = 1) -> list[Inbound]:
        """What came, once so much has."""
        await self.until(lambda: len(self.link.received) >= count)
        return self.link.received

    async def test_a_guilds_message_brings_space_roles_and_mention(self) -> None:
        self.discord.world.roles_of[ALICE] = (MODERATORS_ID,)
        await self.connect()
        self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        [message] = await self.heard()
        self.assertEqual((message.space_id, message.chat_name), (GUILD_ID, "general"))
        self.assertEqual(message.sender.roles, (MODERATORS_ID,))
        self.assertEqual((message.chat_type, message.mention), ("channel", "native"))

    async def test_a_channel_is_known_by_its_name_too(self) -> None:
        await self.connect()
        author = self.discord.world.person(ALICE)
        self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        thread = self.discord.world.thread("aside", GENERAL_ID, ALICE)
        self.discord.world.write(thread["id"], author, "in a thread")
        self.discord.say("psst", chat_id=ALICE, sender_id=ALICE)
        names = [message.parent_id for message in await self.heard(3)]
        self.assertEqual(names, [f"{GUILD_ID}#general", f"{GUILD_ID}#general", ""])

    async def test_threads_and_posts_are_placed(self) -> None:
        await self.connect()
        author = self.discord.world.person(ALICE)
        thread = self.discord.world.thread("aside", GENERAL_ID, ALICE)
        self.discord.world.write(thread["id"], author, "in a thread")
        post = self.discord.world.thread("Why?", FORUM_ID, ALICE)
        self.discord.world.write(post["id"], author, "I wonder", {"id": post["id"]})
        first, second = await self.heard(2)
        self.assertEqual((first.chat_id, first.thread_id), (GENERAL_ID, thread["id"]))
        self.assertEqual((second.chat_id, second.thread_id), (FORUM_ID, post["id"]))
        self.assertEqual(second.text, "Why?\nI wonder")

    async def test_after_a_resume_in_another_process_places_are_looked_up(self) -> None:
        running = await self.connect()
        thread = self.discord.world.thread("aside", GENERAL_ID, ALICE)
        await self.until(lambda: '"seq":3' in self.state.get("session"))
        await self.stop_channel(running)
        self.remake()
        await self.connect()
        author = self.discord.world.person(ALICE)
        for text in ("one", "two", "three"):
            self.discord.world.write(thread["id"], author, text)
        messages = await self.heard(3)
        self.assertEqual([message.text for message in messages], ["one", "two", "three"])
        self.assertEqual({message.chat_id for message in messages}, {GENERAL_ID})
        self.assertEqual({message.thread_id for message in messages}, {thread["id"]})
        self.assertEqual(len(self.calls("GET", f"/channels/{thread['id']}")), 1)

    async def test_a_channel_we_may_not_look_at_is_a_channel(self) -> None:
        await self.stop_channel(await self.connect())
        self.remake()
        await self.connect()
        self.discord.world.hidden.add(GENERAL_ID)
        self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        [message] = await self.heard()
        self.assertEqual((message.chat_id, message.thread_id), (GENERAL_ID, ""))

    async def test_a_look_up_that_fails_loses_nothing(self) -> None:
        await self.stop_channel(await self.connect())
        self.remake()
        running = await self.connect()
        self.discord.rest.faults.raw.append(("GET /channels", 503, b""))
        self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        await self.ended(running)
        self.assertEqual(self.link.received, [])
        await self.connect()
        self.assertEqual([message.text for message in await self.heard()], ["hi"])

    async def test_edits_reactions_and_their_removal(self) -> None:
        await self.connect()
        written = self.discord.say("hi", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        self.discord.world.edit(written, "hello")
        self.discord.world.react(written, BOB, "👍")
        self.discord.world.react(written, BOB, "👍", added=False)
        self.discord.world.react(written, BOB, "👍")
        messages = await self.heard(5)
        kinds = [message.kind for message in messages]
        self.assertEqual(kinds, ["message", "edit", "reaction", "reaction", "reaction"])
        self.assertEqual(messages[1].edit_of, written)
        self.assertEqual([message.reaction for message in messages[2:]], ["👍", "", "👍"])
        self.assertEqual(len({message.dedupe_id for message in messages}), 5)

    async def test_an_embed_that_appears_is_no_edit(self) -> None:
        await self.connect()
        written = self.discord.say("https://x", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        message = self.discord.world.messages[written]
        self.discord.world.tell("MESSAGE_UPDATE", {**message, "embeds": [{"type": "link"}]})
        self.discord.say("after", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        kinds = [message.kind for message in await self.heard(2)]
        self.assertEqual(kinds, ["message", "message"])

    async def test_webhooks_and_system_messages_are_dropped_and_bots_marked(self) -> None:
        await self.connect()
        author = self.discord.world.person(ALICE)
        robot = {**self.discord.world.person("77"), "bot": True}
        self.discord.world.write(GENERAL_ID, author, "hook", {"webhook_id": "5"})
        self.discord.world.write(GENERAL_ID, author, "joined", {"type": 7})
        self.discord.world.write(GENERAL_ID, robot, "beep")
        [message] = await self.heard()
        self.assertEqual((message.text, message.sender.is_bot), ("beep", True))

    async def test_messages_without_content_are_warned_of_once(self) -> None:
        self.remake(intents={"messageContent": False})
        await self.connect()
        author = self.discord.world.person(ALICE)
        for _ in range(3):
            self.discord.world.write(GENERAL_ID, author, "you cannot read this")
        self.discord.say("but this", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        [message] = await self.heard()
        self.assertEqual(message.text, "but this")
        self.assertEqual(self.link.events.count(f"degraded: {DEAF}"), 1)
        self.assertIn("MESSAGE CONTENT INTENT", DEAF)

    async def test_many_messages_keep_their_order(self) -> None:
        await self.connect()
        for number in range(300):
            self.discord.say(str(number), chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        messages = await self.heard(300)
        self.assertEqual([message.text for message in messages], [str(n) for n in range(300)])
