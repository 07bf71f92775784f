"""Discord inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from openclaw.testing.model import REPLY
from tests.channels.discord.counterpart import FakeDiscord
from tests.channels.discord.rig import ALICE, BOB, reactor
from tests.channels.discord.world import GUILD_ID, MODERATORS_ID
from tests.channels.whole import WholeCase, WholeContract


class DiscordTests(WholeContract, WholeCase):
    channel = "discord"
    person = (ALICE, ALICE)
    group = "600000000000000077"

    def make_counterpart(self) -> Counterpart:
        self.discord = FakeDiscord(reactor)
        self.discord.start()
        return self.discord

    async def stop_counterpart(self) -> None:
        await self.discord.stop()

    async def test_what_was_said_after_the_session_was_lost_is_answered(self) -> None:
        await self.start()
        self.say("before")
        await self.answered("before")
        await self.running.stop("KILL")
        self.discord.gateway.sessions.clear()
        self.say("directly, meanwhile")
        self.say("to all, meanwhile", group=True)
        await self.run_it()
        await self.answered("directly, meanwhile")
        await self.answered("to all, meanwhile")
        await self.answered("before")

    async def test_a_slash_command_is_answered_in_place(self) -> None:
        await self.start()
        await self.until(lambda: self.discord.rest.commands, "registration")
        chosen = self.discord.choose("ask", chat_id=self.group, sender_id=ALICE, group=True, q="x")
        await self.until(lambda: chosen in self.discord.rest.answers, "answer in place")
        self.assertEqual(self.discord.rest.callbacks[chosen], {"type": 5})
        answer = self.discord.world.messages[self.discord.rest.answers[chosen]]
        await self.until(lambda: REPLY in answer["content"], "whole answer")
        self.assertEqual(len(self.discord.shown()), 1)

    async def test_a_guild_in_the_original_s_spelling_says_who_may_speak(self) -> None:
        guilds = {GUILD_ID: {"requireMention": False, "roles": [MODERATORS_ID]}}
        await self.start(guilds=guilds, groupPolicy="allowlist")
        self.discord.world.roles_of[BOB] = (MODERATORS_ID,)
        for person, text in ((ALICE, "let me"), (BOB, "me")):
            author = self.discord.world.person(person)
            self.discord.world.place(self.group)
            self.discord.world.write(self.group, author, f"[echo]{text}")
        await self.answered("me")
        self.assertEqual(self.texts(), ["me"])
