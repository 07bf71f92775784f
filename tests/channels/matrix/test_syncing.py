"""What comes in: once, in order, on disk before the homeserver may forget; never history."""

import json
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelDown
from openclaw.interfaces.messages import Inbound
from openclaw.interfaces.queue import QueueFull
from tests.channels.channel_case import until
from tests.channels.matrix.counterpart import ADA, BOT, SERVER
from tests.channels.matrix.rig import BOB, DM, GROUP, ServiceCase, text, to
from tests.channels.matrix.server import Json, MatrixError


def fields(given: Json) -> Json:
    """Fields of a content whose names are no Python names."""
    return given


class SyncCase(ServiceCase):
    def position(self) -> Json:
        """What is on disk."""
        found: Json = json.loads(self.state.values[f"sync:{BOT}"])
        return found

    def syncs(self) -> list[dict[str, str]]:
        """The queries of every sync so far."""
        return [call.query for call in self.homeserver.asked("sync")]

    def write(self, body: str, room: str = DM, sender: str = ADA, **more: Any) -> str:
        """Let somebody write with any content."""
        content = {"msgtype": "m.text", "body": body, **more}
        return self.homeserver.write(room, sender, content)


class FirstRunTests(SyncCase):
    async def test_history_is_not_answered(self) -> None:
        self.say("long ago")
        await self.connect()
        self.say("now")
        (inbound,) = await self.came("now")
        self.assertEqual((inbound.chat_type, inbound.sender.name), ("dm", "Ada"))
        first, second = self.syncs()[:2]
        self.assertEqual((first["timeout"], "since" in first), ("0", False))
        self.assertEqual(json.loads(first["filter"])["room"]["timeline"]["limit"], 1)
        self.assertEqual((second["timeout"], second["filter"]), ("0", "0"))
        asked = self.homeserver.filters["0"]
        self.assertEqual(asked["room"]["timeline"], {"limit": 50, "lazy_load_members": True})
        self.assertEqual(asked["presence"]["types"], [])

    async def test_two_first_syncs_are_never_the_same(self) -> None:
        for _ in range(2):
            self.state.values.clear()
            self.make()
            self.link.random = Random()
            self.start()
            await until(lambda: self.link.events)
            await self.stop()
        filters = {query["filter"] for query in self.syncs() if "since" not in query}
        self.assertEqual(len(filters), 2)

    async def test_a_restart_goes_on_where_it_was(self) -> None:
        await self.connect()
        self.say("one")
        await self.came("one")
        await self.stop()
        self.say("two")
        self.say("three")
        await self.connect()
        await self.came("two", "three")

    async def test_a_server_without_filters(self) -> None:
        self.homeserver.no_filters = True
        await self.connect()
        self.assertIn("timeline", json.loads(self.syncs()[-1]["filter"])["room"])

    async def test_a_token_that_the_server_does_not_know_begins_anew(self) -> None:
        self.say("history")
        kept = {"next_batch": "s99999", "last": {}}
        self.state.values[f"sync:{BOT}"] = json.dumps(kept)
        await self.connect()
        self.say("now")
        await self.came("now")

    async def test_a_position_that_cannot_be_read_is_none(self) -> None:
        self.state.values[f"sync:{BOT}"] = "{"
        self.state.values["invites"] = "["
        await self.connect()


class TakingTests(SyncCase):
    async def test_the_token_is_kept_after_the_batch_was_taken(self) -> None:
        await self.connect()
        before = self.position()["next_batch"]
        held: Deferred[Any] = Deferred()
        taking: list[Inbound] = []

        def receive(message: Inbound) -> Deferred[Any]:
            taking.append(message)
            return held

        self.link.receive = receive  # type: ignore[method-assign]
        sent = self.say("keep me")
        await until(lambda: taking)
        self.assertEqual(self.position()["next_batch"], before)
        self.assertFalse(self.homeserver.acknowledged(sent))
        held.callback("queued")
        await until(lambda: self.homeserver.acknowledged(sent))
        self.assertNotEqual(self.position()["next_batch"], before)

    async def test_what_cannot_be_stored_comes_again_in_order(self) -> None:
        for failure in (QueueFull("full"), StoreError("disk")):
            await self.connect()
            self.link.refusing = failure
            first, second = self.say("one"), self.say("two")
            await until(lambda: "degraded" in self.link.events[-1])
            self.assertFalse(self.homeserver.acknowledged(first))
            self.link.refusing = None
            await self.advance(1, lambda second=second: self.homeserver.acknowledged(second))
            await self.came("one", "two")
            self.assertEqual(self.link.events[-1], "connected")
            await self.stop()

    async def test_a_position_that_cannot_be_stored_is_not_told(self) -> None:
        await self.connect()
        put = self.state.put

        def failing(name: str, value: str) -> Any:
            self.state.put = put  # type: ignore[method-assign]
            raise StoreError("disk")

        self.state.put = failing  # type: ignore[method-assign]
        sent = self.say("one")
        await until(lambda: "degraded" in self.link.events[-1])
        self.assertFalse(self.homeserver.acknowledged(sent))
        await self.advance(1, lambda: self.homeserver.acknowledged(sent))

    async def test_one_odd_event_stops_nothing(self) -> None:
        await self.connect()
        for content in (
            {},
            {"msgtype": 5, "body": []},
            {"msgtype": "m.image", "url": 7, "info": 1},
        ):
            self.homeserver.write(DM, ADA, content)
        self.write("x", **fields({"m.relates_to": "no", "m.mentions": 3}))
        self.homeserver.put(DM, ADA, "m.room.member", {"membership": 4}, ADA)
        self.homeserver.write(DM, ADA, {"body": "?"}, "org.example.new")
        self.say("fine")
        await self.came("<media:image>", "x", "fine")

    async def test_our_own_words_are_not_heard(self) -> None:
        await self.connect()
        await self.channel.send(text("mine"))
        self.write("an answer of ours that others mirrored", sender=BOT)
        self.write("notice", msgtype="m.notice")
        self.say("yours")
        await self.came("yours")

    async def test_people_see_that_work_was_read(self) -> None:
        await self.connect()
        sent = self.say("hello")
        await until(lambda: self.homeserver.receipts)
        self.assertEqual(self.homeserver.receipts, [(DM, sent)])
        self.link.taken = "refused"
        self.say("stranger")
        await self.came("hello", "stranger")
        await self.stop()
        await self.connect(readReceipts=False)
        self.say("again")
        await self.came("again")
        self.assertEqual(len(self.homeserver.receipts), 1)

    async def test_what_an_answer_is_about(self) -> None:
        await self.connect()
        ours = await self.channel.send(text("our words", GROUP))
        reply: Json = {"m.relates_to": {"m.in_reply_to": {"event_id": ours.message_id}}}
        self.write("yes", GROUP, **reply)
        gone: Json = {"m.relates_to": {"m.in_reply_to": {"event_id": "$gone"}}}
        self.write("what", GROUP, **gone)
        yes, what = await self.came("yes", "what")
        assert yes.reply_to is not None and what.reply_to is not None
        self.assertEqual((yes.mention, yes.reply_to.text), ("reply", "our words"))
        self.assertEqual((what.mention, what.reply_to.text), ("none", ""))
        await self.stop()
        await self.connect()
        self.write("later", GROUP, **reply)
        (later,) = await self.came("later")
        self.assertEqual((later.mention, later.sender.name), ("reply", "Ada"))

    async def test_an_event_that_is_not_told_stops_nothing_twice(self) -> None:
        await self.connect()
        self.homeserver.fault("event", "$gone", does="cut", times=2)
        self.write("what", **fields({"m.relates_to": {"m.in_reply_to": {"event_id": "$gone"}}}))
        await self.ended(ChannelDown)
        self.start()
        await self.came("what")

    async def test_an_edit_of_somebody_elses_words_is_dropped(self) -> None:
        await self.connect()
        sent = self.write("mine", GROUP, BOB)
        change: Json = {
            "m.new_content": {"msgtype": "m.text", "body": "forged"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": sent},
        }
        self.write("* forged", GROUP, ADA, **change)
        self.write("* better", GROUP, BOB, **{**change, "m.new_content": {"body": "better"}})
        edited = (await self.came("mine", "better"))[1]
        self.assertEqual((edited.kind, edited.edit_of), ("edit", sent))


class GapTests(SyncCase):
    async def gap(self, count: int, old: int = 3) -> list[str]:
        """Say much while we are away."""
        for number in range(old):
            self.say(f"old {number}")
        await self.connect()
        self.say("last")
        await self.came("last")
        await self.stop()
        said = [f"new {number}" for number in range(count)]
        for words in said:
            self.say(words)
        return said

    async def test_a_gap_is_filled_up_to_where_we_were(self) -> None:
        said = await self.gap(230)
        await self.connect()
        await self.came(*said)

    async def test_a_server_that_looks_too_far_back_is_stopped_at_the_last_known_event(
        self,
    ) -> None:
        self.homeserver.ignores_to = True
        said = await self.gap(80)
        await self.connect()
        await self.came(*said)

    async def test_there_is_a_bound(self) -> None:
        said = await self.gap(800)
        await self.connect()
        await self.came(*said[-550:])

    async def test_a_gap_that_is_not_told_is_left(self) -> None:
        said = await self.gap(60)
        self.homeserver.fault("messages", error=MatrixError(403, "M_FORBIDDEN"))
        await self.connect()
        await self.came(*said[-50:])

    async def test_a_gap_that_is_not_told_now_is_told_later(self) -> None:
        said = await self.gap(60)
        self.homeserver.fault("messages", error=MatrixError(500, "M_UNKNOWN"))
        self.make()
        self.start()
        await self.ended(ChannelDown)
        self.assertEqual(self.link.received, [])
        await self.connect()
        await self.came(*said)


class RoomTests(SyncCase):
    async def types(self, *rooms: str) -> list[str]:
        """What kind of chats rooms are."""
        for room in rooms:
            self.write("x", room)
        received = await self.came(*["x"] * len(rooms))
        return [next(one.chat_type for one in received if one.chat_id == room) for room in rooms]

    async def test_what_is_direct(self) -> None:
        server = self.homeserver
        server.room("!named", ADA, name="Two of us")
        server.room("!three", ADA, BOB)
        server.room("!listed", ADA, BOB, name="Bridge")
        server.account_data["m.direct"] = (1, {ADA: ["!listed"]})
        await self.connect()
        self.assertEqual(
            await self.types(DM, GROUP, "!named", "!three", "!listed"),
            ["dm", "group", "group", "group", "dm"],
        )

    async def test_a_server_that_lists_no_members_has_shown_them(self) -> None:
        self.homeserver.fault("joined_members", times=99, error=MatrixError(404, "M_UNRECOGNIZED"))
        await self.connect()
        self.homeserver.room("!three", ADA, BOB)
        self.homeserver.room("!two", ADA)
        self.assertEqual(await self.types("!two", "!three"), ["dm", "group"])

    async def test_a_direct_room_that_a_third_one_enters_is_a_group(self) -> None:
        await self.connect()
        self.assertEqual(await self.types(DM), ["dm"])
        self.homeserver.enter(DM, BOB)
        self.say("with bob")
        self.homeserver.enter(DM, BOB, "leave")
        self.say("without")
        received = await self.came("x", "with bob", "without")
        self.assertEqual([one.chat_type for one in received], ["dm", "group", "dm"])

    async def test_names_change(self) -> None:
        await self.connect()
        self.write("x", GROUP)
        self.homeserver.put(GROUP, ADA, "m.room.name", {"name": "Foes"}, "")
        self.homeserver.names[ADA] = "Countess"
        self.homeserver.enter(GROUP, ADA)
        self.write("y", GROUP)
        received = await self.came("x", "y")
        self.assertEqual(
            [(one.chat_name, one.sender.name) for one in received],
            [("Friends", "Ada"), ("Foes", "Countess")],
        )

    async def test_direct_rooms_that_another_client_lists(self) -> None:
        await self.connect()
        self.write("x", GROUP)
        await self.came("x")
        self.homeserver._account_data("PUT", "m.direct", _put({ADA: [GROUP]}))
        self.write("y", GROUP)
        received = await self.came("x", "y")
        self.assertEqual([one.chat_type for one in received], ["group", "dm"])

    async def test_an_encrypted_room_gets_one_hint(self) -> None:
        await self.connect()
        self.homeserver.refuse(1, 500)
        for _ in range(3):
            before = len(self.homeserver.asked("send"))
            self.homeserver.write(DM, ADA, {"algorithm": "x"}, "m.room.encrypted")
            self.say("plain")
            await until(
                lambda before=before: (
                    len(self.homeserver.asked("send")) > before or self.homeserver.shown()
                )
            )
        await until(lambda: self.state.values.get(f"encrypted:{DM}"))
        last = self.say("plain")
        await until(lambda: self.homeserver.acknowledged(last))
        await self.stop()
        await self.connect()
        self.homeserver.write(DM, ADA, {"algorithm": "x"}, "m.room.encrypted")
        self.say("end")
        await self.came("end")
        (hint,) = self.homeserver.shown()
        self.assertIn("encrypt", hint.text)

    async def test_a_room_that_we_are_thrown_out_of_is_forgotten(self) -> None:
        self.homeserver.account_data["m.direct"] = (1, {ADA: [DM]})
        await self.connect()
        self.homeserver.enter(DM, BOT, "ban", sender=ADA)
        await until(lambda: self.homeserver.account_data["m.direct"][1] == {})
        self.assertEqual(self.homeserver.forgotten, [DM])

    async def test_a_room_may_be_called_by_its_alias(self) -> None:
        alias = f"#garden:{SERVER}"
        self.homeserver.aliases[alias] = GROUP
        await self.connect(groups={alias: {}, f"#none:{SERVER}": {}})
        self.homeserver.say("here", chat_id=GROUP, sender_id=ADA, group=True)
        self.say("there")
        await until(lambda: len(self.link.received) == 2)
        places = {one.chat_id: one.parent_id for one in self.link.received}
        self.assertEqual(places, {GROUP: alias, DM: ""})

    async def test_an_alias_that_is_not_told_now_is_asked_for_again(self) -> None:
        alias = f"#garden:{SERVER}"
        self.homeserver.aliases[alias] = GROUP
        self.homeserver.fault("directory", error=MatrixError(502, "M_UNKNOWN"))
        self.make(groups={alias: {}})
        self.start()
        await self.ended(ChannelDown)


class InviteTests(SyncCase):
    async def joined(self, room: str) -> None:
        """Wait until we are in a room."""
        await until(lambda: self.homeserver.rooms[room].member(BOT) == "join")

    async def test_a_direct_invitation_is_followed_and_noted(self) -> None:
        await self.connect(autoJoin="allowlist", allowFrom=[ADA])
        self.homeserver.invite("!new", ADA, direct=True)
        self.write("before you came", "!new")
        await until(lambda: "m.direct" in self.homeserver.account_data)
        self.write("hello", "!new")
        received = await self.came("before you came", "hello")
        self.assertEqual(received[1].chat_type, "dm")
        self.assertEqual(self.homeserver.account_data["m.direct"][1], {ADA: ["!new"]})
        (call,) = self.homeserver.asked("join")
        self.assertEqual(call.query, {"server_name": SERVER})

    async def test_history_of_a_room_that_we_come_into_stays_history(self) -> None:
        await self.connect()
        self.homeserver.room("!old", ADA)
        self.homeserver.enter("!old", BOT, "leave")
        for number in range(80):
            self.write(f"old {number}", "!old")
        self.homeserver.invite("!old", ADA)
        await self.joined("!old")
        for number in range(60):
            self.write(f"new {number}", "!old")
        await until(lambda: len(self.link.received) >= 60)
        self.assertFalse([one.text for one in self.link.received if "old" in one.text])

    async def test_who_is_followed(self) -> None:
        alias = f"#garden:{SERVER}"
        cases: list[tuple[dict[str, Any], bool]] = [
            ({"autoJoin": "off"}, False),
            ({"autoJoin": "always", "allowFrom": []}, True),
            ({"autoJoin": "allowlist", "allowFrom": ["*"]}, False),
            ({"autoJoin": "allowlist", "allowFrom": [BOB]}, False),
            ({"autoJoin": "allowlist", "allowFrom": [ADA]}, True),
            ({"autoJoin": "allowlist", "allowFrom": [], "groupAllowFrom": [ADA]}, True),
            ({"autoJoin": "allowlist", "allowFrom": [], "groups": {"!5": {}}}, False),
            ({"autoJoin": "allowlist", "allowFrom": [], "groups": {"!7": {}}}, True),
            ({"autoJoin": "allowlist", "groups": {"!8": {"enabled": False}}}, False),
            ({"autoJoin": "allowlist", "autoJoinAllowlist": [alias]}, True),
            ({"autoJoin": "allowlist", "allowFrom": [], "autoJoinAllowlist": ["!10"]}, True),
            ({"autoJoin": "allowlist", "allowFrom": [], "groups": {alias: {}}}, True),
            ({"autoJoin": "allowlist", "groups": {alias: {"enabled": False}}}, False),
            ({"autoJoin": "allowlist", "allowFrom": [], "autoJoinAllowlist": ["*"]}, True),
        ]
        for number, (given, followed) in enumerate(cases):
            self.state.values.clear()
            await self.connect(**{"allowFrom": [], **given})
            room = f"!{number}"
            self.homeserver.aliases[alias] = room
            self.homeserver.invite(room, ADA, name="x", alias=alias)
            self.say("mark")
            await until(lambda: self.link.received)
            if followed:
                await self.joined(room)
            else:
                self.assertEqual(self.homeserver.rooms[room].member(BOT), "invite", given)
            self.homeserver.enter(room, BOT, "leave")
            await self.stop()

    async def test_a_room_that_claims_a_listed_alias_is_not_followed(self) -> None:
        alias = f"#garden:{SERVER}"
        self.homeserver.aliases[alias] = "!garden"
        await self.connect(autoJoin="allowlist", allowFrom=[], autoJoinAllowlist=["#none", alias])
        self.homeserver.invite("!trap", ADA, alias=alias)
        self.homeserver.invite("!garden", ADA)
        await self.joined("!garden")
        self.assertEqual(self.homeserver.rooms["!trap"].member(BOT), "invite")
        self.assertEqual(len(self.homeserver.asked("join")), 1)

    async def test_everybody_who_may_write_directly_may_ask_for_it(self) -> None:
        await self.connect(autoJoin="allowlist", allowFrom=["*"])
        self.homeserver.invite("!new", ADA, direct=True)
        await self.joined("!new")

    async def test_an_invitation_outlasts_a_restart_and_the_settings(self) -> None:
        await self.connect(autoJoin="off")
        self.homeserver.invite("!new", ADA)
        await until(lambda: "invites" in self.state.values)
        await self.stop()
        await self.connect(autoJoin="always")
        await self.joined("!new")
        await until(lambda: "invites" not in self.state.values)

    async def test_an_invitation_from_before_the_first_start(self) -> None:
        self.homeserver.invite("!new", ADA)
        await self.connect()
        await self.joined("!new")

    async def test_one_that_was_taken_back_is_forgotten(self) -> None:
        await self.connect(autoJoin="off")
        self.homeserver.invite("!new", ADA)
        await until(lambda: "invites" in self.state.values)
        self.homeserver.enter("!new", BOT, "leave", sender=ADA)
        await until(lambda: "invites" not in self.state.values)

    async def test_joining_is_tried_again(self) -> None:
        await self.connect()
        self.homeserver.fault("join", times=2, error=MatrixError(404, "M_UNKNOWN"))
        self.homeserver.invite("!new", ADA)
        await until(lambda: len(self.homeserver.asked("join")) == 1 and self.pauses(2))
        await self.advance(2, lambda: len(self.homeserver.asked("join")) == 2 and self.pauses(5))
        await self.advance(5, lambda: self.homeserver.rooms["!new"].member(BOT) == "join")

    def pauses(self, seconds: float) -> bool:
        """Whether something waits so long."""
        return any(
            abs(call.getTime() - self.clock.seconds() - seconds) < 0.01
            for call in self.clock.getDelayedCalls()
        )

    async def test_joining_is_given_up(self) -> None:
        await self.connect(readReceipts=False)
        self.homeserver.fault("join", times=99, error=MatrixError(403, "M_FORBIDDEN"))
        self.homeserver.invite("!new", ADA)
        for number, pause in enumerate((2, 5, 15, 60), 1):
            await until(lambda pause=pause: self.pauses(pause))
            self.assertEqual(len(self.homeserver.asked("join")), number)
            await self.renew()
            if pause == 60:
                self.clock.advance(30)
                await self.renew()
            self.clock.advance(min(pause, 30))
        await until(lambda: len(self.homeserver.asked("join")) == 5)
        await self.renew()
        # Nothing waits any more but the sync's own deadline.
        await until(lambda: len(self.clock.getDelayedCalls()) == 1)
        self.assertEqual(len(self.homeserver.asked("join")), 5)
        self.assertIn("!new", self.state.values["invites"])

    async def renew(self) -> None:
        """Let the sync that waits end, so that its deadline is not what passes."""
        sent = self.say("tick")
        await until(lambda: self.homeserver.acknowledged(sent))


class FaultTests(SyncCase):
    async def test_a_frozen_server_is_noticed_within_a_minute(self) -> None:
        await self.connect()
        self.homeserver.freeze(True)
        self.clock.advance(59.9)
        down = await self.ended(ChannelDown)
        self.assertIn("no answer", down.message)
        await until(lambda: not self.homeserver.open_sockets)

    async def test_a_server_that_drips_is_given_up_too(self) -> None:
        self.homeserver.fault("sync", does="drip")
        self.make()
        self.start()
        await until(lambda: self.homeserver.asked("sync"))
        self.clock.advance(15)
        await self.ended(ChannelDown)

    async def test_errors_end_the_connection_and_lose_nothing(self) -> None:
        for fault in (
            {"error": MatrixError(500, "M_UNKNOWN")},
            {"does": "raw", "error": MatrixError(502, "")},
            {"does": "raw", "error": MatrixError(200, ""), "body": b"{}"},
            {"does": "cut", "times": 2},
        ):
            await self.connect()
            self.homeserver.fault("sync", **fault)
            self.say("during")
            await until(lambda: self.link.received)
            await self.ended(ChannelDown)
            self.homeserver.faults.clear()
            await self.connect()
            self.assertEqual(self.link.received, [])
            await self.stop()
        self.assertEqual(self.homeserver.most_sockets, 1)

    async def test_a_pause_is_waited_out(self) -> None:
        await self.connect()
        limit = MatrixError(429, "M_LIMIT_EXCEEDED", retry_after_ms=7_000)
        self.homeserver.fault("sync", error=limit)
        self.say("one")
        await until(lambda: "degraded" in self.link.events[-1])
        asked = len(self.syncs())
        self.say("two")
        self.clock.advance(6.9)
        self.assertEqual(len(self.syncs()), asked)
        await self.advance(0.2, lambda: self.link.events[-1] == "connected")
        await self.came("one", "two")

    async def test_a_server_that_does_not_wait_is_not_asked_in_a_circle(self) -> None:
        self.homeserver.waits = False
        self.make()
        self.start()
        await until(lambda: len(self.syncs()) == 3)
        for number in range(4, 7):
            await until(lambda: self.clock.getDelayedCalls())
            await self.advance(0.5, lambda number=number: len(self.syncs()) == number)

    async def test_a_stop_closes_everything_wherever_it_stands(self) -> None:
        for part in ("whoami", "m.direct", "filter", "sync", "event", "joined_members"):
            self.homeserver.fault(part, does="hold")
            self.make()
            self.start()
            await until(lambda: self.homeserver.asked() and self.homeserver.asked()[-1])
            self.write("x", **fields({"m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}}))
            await until(lambda part=part: any(part in call.parts for call in self.homeserver.calls))
            await self.stop()
            self.homeserver.faults.clear()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            await until(lambda: not self.homeserver.open_sockets)
            self.homeserver.calls.clear()

    async def test_at_most_one_sync_over_many_ends(self) -> None:
        for number in range(50):
            self.make()
            self.start()
            await until(lambda: self.link.events and self.homeserver.open_sockets)
            self.say(f"{number}")
            await until(lambda: self.link.received)
            await self.stop()
        self.assertEqual(self.homeserver.most_sockets, 1)

    async def test_a_quiet_account_stays_connected_for_hours(self) -> None:
        await self.connect()
        for _ in range(300):
            before = len(self.syncs())
            self.clock.advance(30)
            self.homeserver.pass_time()
            await until(lambda before=before: len(self.syncs()) > before)
        self.assertEqual((self.link.events, self.ends), (["connected"], []))
        self.assertEqual(len(self.homeserver.asked("whoami")), 1)

    async def test_nothing_secret_is_logged_or_shown(self) -> None:
        channel: Any = await self.connect()
        self.assertNotIn("syt_", repr(channel._now) + repr(self.link.settings))
        await self.channel.typing(to(), False)


def _put(content: Json) -> Any:
    """A call that puts account data."""

    class Call:
        json = content

    return Call()
