"""Several connections of one bot: each with its servers, one after the other at the start."""

from itertools import pairwise

from openclaw.channels.platforms.discord.shards import TOTAL
from openclaw.interfaces.channels import ChannelDown
from tests.channels.discord.rig import ALICE, QUICK, Rig, outgoing
from tests.channels.discord.world import GENERAL_ID, GUILD_ID


class ShardsTests(Rig):
    def shards(self) -> list[tuple[int, int]]:
        """Which are connected."""
        found = [one.session.shard for one in self.discord.gateway.sockets if one.session]
        return sorted(found)

    def hear_both(self) -> None:
        """Somebody writes in a server, and directly: two connections hear of it."""
        self.discord.say("to all", chat_id=GENERAL_ID, sender_id=ALICE, group=True)
        self.discord.say("to you", chat_id=ALICE, sender_id=ALICE)

    async def heard_both(self) -> None:
        await self.until(lambda: len(self.link.received) >= 2)
        self.assertEqual(sorted(one.text for one in self.link.received), ["to all", "to you"])

    async def test_as_many_as_recommended_and_each_hears_its_own(self) -> None:
        self.discord.rest.shards = 3
        await self.connect()
        self.assertEqual(self.shards(), [(0, 3), (1, 3), (2, 3)])
        self.hear_both()
        await self.heard_both()
        told = [one for one in self.discord.gateway.sessions.values()]
        hearing = [s.shard[0] for s in told if any(n == "GUILD_CREATE" for _, n, _ in s.events)]
        self.assertEqual(hearing, [(int(GUILD_ID) >> 22) % 3])
        await self.channel.send(outgoing("hello"))
        await self.stop_channel()
        await self.until(lambda: self.discord.open_sockets == 0)
        self.assertEqual(self.discord.gateway.closes, [4000] * 3)

    async def test_they_introduce_themselves_one_after_the_other(self) -> None:
        self.discord.rest.shards = 3
        await self.connect()
        times = self.discord.gateway.identified
        gaps = [later - earlier for earlier, later in pairwise(times)]
        self.assertEqual(len(gaps), 2)
        self.assertTrue(all(gap >= QUICK.identify * 0.9 for gap in gaps), gaps)

    async def test_it_is_connected_once_all_are(self) -> None:
        self.discord.rest.shards = 2
        self.run_channel()
        await self.until(lambda: len(self.discord.gateway.identified) == 1)
        self.assertNotIn("connected", self.link.events)
        await self.until(lambda: "connected" in self.link.events)
        self.assertEqual(self.shards(), [(0, 2), (1, 2)])
        self.assertEqual(self.link.events.count("connected"), 1)

    async def test_one_that_ends_takes_all_with_it_and_all_are_resumed(self) -> None:
        self.discord.rest.shards = 2
        running = await self.connect()
        self.discord.gateway.sockets[0].cut()
        self.assertIsInstance(await self.ended(running), ChannelDown)
        await self.until(lambda: self.discord.open_sockets == 0)
        self.hear_both()
        await self.connect()
        await self.heard_both()
        self.assertEqual(len(self.discord.gateway.identified), 2)
        self.assertEqual(self.shards(), [(0, 2), (1, 2)])

    async def test_the_next_process_resumes_them_all(self) -> None:
        self.discord.rest.shards = 2
        await self.stop_channel(await self.connect())
        await self.until(lambda: self.discord.open_sockets == 0)
        self.hear_both()
        self.remake()
        await self.connect()
        await self.heard_both()
        self.assertEqual(len(self.discord.gateway.identified), 2)

    async def test_other_numbers_wait_until_no_session_can_be_resumed(self) -> None:
        await self.connect()
        await self.stop_channel()
        self.discord.rest.shards = 2
        self.remake()
        await self.connect()
        self.assertEqual(self.shards(), [(0, 1)])
        await self.stop_channel()
        await self.until(lambda: self.discord.open_sockets == 0)
        self.discord.gateway.sessions.clear()
        self.hear_both()
        self.assertIsInstance(await self.ended(self.run_channel()), ChannelDown)
        await self.connect()
        self.assertEqual(self.shards(), [(0, 2), (1, 2)])
        await self.until(lambda: len(self.link.received) >= 1)
        self.assertEqual([one.text for one in self.link.received], ["to all"])

    async def test_a_bot_that_has_outgrown_its_connections_gets_more(self) -> None:
        await self.connect()
        await self.stop_channel()
        self.discord.gateway.sessions.clear()
        self.discord.gateway.fewest_shards = 2
        self.remake()
        for _ in range(2):  # The session is refused, and then so few shards are.
            self.assertIsInstance(await self.ended(self.run_channel()), ChannelDown)
        await self.connect()
        self.assertEqual(self.shards(), [(0, 2), (1, 2)])
        self.assertEqual(self.state.get(TOTAL), "2")
        self.hear_both()
        await self.heard_both()
