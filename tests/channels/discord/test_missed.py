"""What was said while no session could be resumed, and what is asked for afterwards."""

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from openclaw.channels.platforms.discord.missed import DIRECTS, LONGEST_MS, PAGE
from openclaw.channels.platforms.discord.session import MISSED, STATE
from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown, Taken
from openclaw.interfaces.messages import Inbound
from tests.channels.discord.rig import ALICE, BOB, Rig
from tests.channels.discord.world import GENERAL_ID, MODERATORS_ID

ROOM = "600000000000000077"


class MissedCase(Rig):
    async def leave(self) -> None:
        """Stop the channel; Discord forgets the session, and people go on writing."""
        await self.stop_channel()
        await self.until(lambda: self.discord.open_sockets == 0)
        self.discord.gateway.sessions.clear()

    async def come_back(self) -> None:
        """Start another process, whose session is refused and replaced."""
        self.remake()
        if self.state.get(STATE):
            error = await self.ended(self.run_channel())
            self.assertIsInstance(error, ChannelDown)
        await self.connect()
        await self.until(lambda: not self.state.get(MISSED))

    def write(self, text: str, channel_id: str = GENERAL_ID, person: str = ALICE) -> str:
        author = self.discord.world.person(person)
        self.discord.world.place(channel_id)
        return str(self.discord.world.write(channel_id, author, text)["id"])

    def texts(self) -> list[str]:
        return [one.text for one in self.link.received]

    def looked(self) -> list[str]:
        """Channels that were looked through."""
        return [call.path for call in self.calls("GET", "/messages") if "after" in call.query]


class CatchUpTests(MissedCase):
    async def test_everything_is_caught_up_with_in_order_and_as_it_would_have_come(self) -> None:
        self.discord.world.roles_of[ALICE] = (MODERATORS_ID,)
        await self.connect()
        self.discord.say("before", chat_id=ALICE, sender_id=ALICE)
        await self.until(lambda: self.texts() == ["before"])
        await self.leave()
        missed = [self.write(f"m{number}") for number in range(3)]
        self.write("elsewhere", ROOM, BOB)
        direct = self.discord.say("direct", chat_id=ALICE, sender_id=ALICE)
        await self.come_back()
        here = [one for one in self.link.received if one.chat_id == GENERAL_ID]
        self.assertEqual([one.message_id for one in here], missed)
        self.assertEqual([one.text for one in here], ["m0", "m1", "m2"])
        self.assertEqual(here[0].sender.roles, (MODERATORS_ID,))
        (private,) = [one for one in self.link.received if one.text == "direct"]
        self.assertEqual((private.chat_type, private.dedupe_id), ("dm", direct))
        self.assertIn("elsewhere", self.texts())

    async def test_what_is_known_has_the_same_key(self) -> None:
        await self.connect()
        known = self.write("known")
        await self.until(lambda: self.texts() == ["known"])
        await self.leave()
        await self.come_back()
        self.assertEqual({one.dedupe_id for one in self.link.received}, {known})

    async def test_a_session_that_is_resumed_asks_for_nothing(self) -> None:
        await self.connect()
        self.write("before")
        await self.stop_channel()
        self.write("while away")
        self.remake()
        await self.connect()
        await self.until(lambda: "while away" in self.texts())
        self.assertEqual(self.looked(), [])

    async def test_the_first_session_asks_for_nothing(self) -> None:
        self.write("long before")
        await self.connect()
        self.write("now")
        await self.until(lambda: self.texts() == ["now"])
        self.assertEqual(self.looked(), [])

    async def test_channels_without_news_are_not_asked(self) -> None:
        self.discord.world.place(ROOM)
        await self.connect()
        self.write("hello")
        await self.until(lambda: self.texts())
        await self.leave()
        self.write("news")
        await self.come_back()
        self.assertEqual(self.looked(), [f"/channels/{GENERAL_ID}/messages"])

    async def test_what_comes_live_meanwhile_waits_for_what_was_missed(self) -> None:
        await self.connect()
        self.write("before")
        await self.until(lambda: self.texts())
        await self.leave()
        self.write("missed")
        self.remake()
        waiting: list[Deferred[Taken]] = []
        told: list[str] = []

        def receive(message: Inbound) -> Deferred[Taken]:
            told.append(message.text)
            answer: Deferred[Taken] = Deferred()
            waiting.append(answer)
            return answer

        self.link.receiver = receive
        await self.ended(self.run_channel())
        await self.connect()
        await self.until(lambda: told)
        self.write("live")
        self.write("not held up", ROOM)
        await self.until(lambda: "not held up" in told)
        while "live" not in told:
            before = len(told)
            for one in waiting:
                if not one.called:
                    one.callback("queued")
            await self.until(lambda before=before: len(told) > before)  # type: ignore[misc]
        self.assertLess(told.index("missed"), told.index("live"))
        for one in waiting:
            if not one.called:
                one.callback("queued")

    async def test_long_absences_are_read_page_by_page(self) -> None:
        await self.connect()
        self.write("before")
        await self.until(lambda: self.texts())
        await self.leave()
        for number in range(PAGE + 20):
            self.write(f"m{number}")
        await self.come_back()
        missed = [text for text in self.texts() if text.startswith("m")]
        self.assertEqual(missed, [f"m{number}" for number in range(PAGE + 20)])

    async def test_nothing_older_than_a_day_is_asked_for(self) -> None:
        await self.connect()
        self.write("before")
        await self.until(lambda: self.texts())
        await self.leave()
        self.write("missed")
        now = self.discord.world.now_ms
        self.discord.world.now_ms = lambda: now() + LONGEST_MS + 3_600_000
        await self.come_back()
        self.assertEqual(self.texts(), [])


class TroubleTests(MissedCase):
    async def missed_one(self) -> None:
        await self.connect()
        self.write("before")
        await self.until(lambda: self.texts())
        await self.leave()
        self.write("missed")

    async def test_what_cannot_be_stored_is_asked_for_again(self) -> None:
        await self.missed_one()
        self.remake()
        failing: list[Any] = [StoreError("disk full")]

        def receive(message: Inbound) -> Deferred[Taken]:
            if failing and message.text == "missed":
                return fail(failing.pop())
            self.link.received.append(message)
            return succeed("queued")

        self.link.receiver = receive
        await self.ended(self.run_channel())
        running = self.run_channel()
        error = await self.ended(running)
        self.assertIn("could not be taken in", str(error))
        self.assertTrue(self.state.get(MISSED))
        await self.connect()
        await self.until(lambda: not self.state.get(MISSED))
        self.assertEqual(self.texts().count("missed"), 1)

    async def test_a_channel_that_may_not_be_read_holds_up_nothing(self) -> None:
        await self.missed_one()
        self.discord.fail(f"GET /channels/{GENERAL_ID}/messages", 403, 50001)
        self.write("elsewhere", ROOM)
        await self.come_back()
        self.assertEqual(self.texts(), ["elsewhere"])
        self.write("live")
        await self.until(lambda: self.texts()[-1:] == ["live"])

    async def test_a_process_that_dies_in_the_middle_leaves_it_to_the_next(self) -> None:
        await self.missed_one()
        self.remake()
        held: list[Deferred[Taken]] = []

        def receive(message: Inbound) -> Deferred[Taken]:
            held.append(Deferred())
            return held[-1]

        self.link.receiver = receive
        await self.ended(self.run_channel())
        await self.connect()
        await self.until(lambda: held)
        await self.stop_channel()
        self.assertTrue(self.state.get(MISSED))
        self.remake()
        await self.connect()
        await self.until(lambda: not self.state.get(MISSED))
        self.assertIn("missed", self.texts())

    async def test_few_direct_channels_are_kept_and_each_once(self) -> None:
        await self.connect()
        for number in range(3):
            for person in range(60):
                self.discord.say(
                    f"{number}", chat_id="x", sender_id=str(700000000000001000 + person)
                )
        await self.until(lambda: len(self.link.received) == 180)
        kept = self.state.get(DIRECTS)
        self.assertEqual(kept.count('"') // 2, 50)
