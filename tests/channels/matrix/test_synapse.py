"""Our channel on a real Synapse, in talk with matrix-nio."""

from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec.structs
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest

from openclaw.interfaces.channels import ChannelFailed
from openclaw.interfaces.messages import Attachment, Outgoing, Sent
from openclaw.interfaces.queue import Undelivered
from tests.channels.channel_case import until
from tests.channels.matrix.real.environment import NotInstalled
from tests.channels.matrix.real.synapse import PASSWORD, Synapse, shared
from tests.channels.matrix.rig import AccountCase, text, to

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002"
    "0000050001e221bc330000000049454e44ae426082"
)
_time: Any = reactor


class SynapseCase(AccountCase):
    """One account of ours, and one person; a homeserver for all tests.

    :cvar stock_limits: whether messages are limited as Synapse does unless configured.
    """

    timeout: float = 900  # Of the set-up, which may have to install; a test has a minute.
    stock_limits = False

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        super().setUp()
        self.clock = reactor
        try:
            self.synapse: Synapse = await deferToThread(shared, self.stock_limits)
        except NotInstalled as error:
            raise SkipTest(str(error)) from None
        self.timeout = 60
        self.me = await deferToThread(self.synapse.register, "tia")
        self.ada = await self.synapse.person("ada")
        self.addCleanup(self.ada.stop)

    async def connect(self, **changes: Any) -> None:
        """Run our account and wait until it is connected."""
        given = {
            "homeserver": self.synapse.root,
            "userId": self.me,
            "password": PASSWORD,
            "allowFrom": [self.ada.user_id],
            **changes,
        }
        self.account(given)
        self.link.random = Random()  # As in a gateway: no two runs are alike.
        self.start()
        await until(lambda: self.link.events or len(self.ends) == len(self.runs))
        self.assertEqual(self.link.events, ["connected"], self.ends)

    async def meet(self, **given: Any) -> str:
        """Let Ada make a room and invite us; returns its id once we are in it."""
        room = (await self.ada.ask("create", invite=[self.me], **given))["room_id"]
        await until(
            lambda: any(
                event["type"] == "m.room.member"
                and event["state_key"] == self.me
                and event["content"]["membership"] == "join"
                for _, where, event in self.ada.saw
                if where == room
            )
        )
        return str(room)

    async def says(self, room: str, body: str, **more: Any) -> str:
        """Let Ada write."""
        content = {"msgtype": "m.text", "body": body, **more}
        return str((await self.ada.ask("send", room=room, content=content))["event_id"])

    async def sees(self, room: str, count: int) -> list[dict[str, Any]]:
        """Wait for messages of ours; Ada sees so many and no more."""
        await until(lambda: len(self.ada.messages(room, self.me)) >= count)
        found = self.ada.messages(room, self.me)
        self.assertEqual(len(found), count, found)
        return found


class UpgradeTests(SynapseCase):
    """Rooms that are replaced, as Element's "upgrade this room" does it."""

    PUBLIC = ({"type": "m.room.join_rules", "content": {"join_rule": "public"}},)

    async def upgrade(self, room: str) -> str:
        """Let Ada upgrade a room; returns the id of the new one, which she is in."""
        said = await deferToThread(
            self.synapse.ask,
            "POST",
            f"/_matrix/client/v3/rooms/{quote(room)}/upgrade",
            {"new_version": "11"},
            self.ada.token,
        )
        return str(said["replacement_room"])

    async def followed(self, old: str, new: str) -> None:
        """Wait until what holds for one room holds for the other; nothing else happened."""
        await until(lambda: f"moved: {old} {new}" in self.link.events)
        self.assertEqual(self.link.events.count(f"moved: {old} {new}"), 1)

    async def test_the_talk_goes_on_in_the_new_room(self) -> None:
        await self.connect()
        old = await self.meet(name="Friends", state=list(self.PUBLIC))
        asked = await self.says(old, "before")
        await self.came("before")
        new = await self.upgrade(old)
        await self.says(new, "after")
        await self.followed(old, new)
        _, second = await self.came("before", "after")
        self.assertEqual((second.chat_id, second.chat_type), (new, "group"))
        # What was asked in the old room is answered where people are now.
        sent = await self.channel.send(text("late", old, target=to(old, reply_to=asked)))
        self.assertEqual(sent.chat_id, new)
        await self.sees(new, 1)

    async def test_a_room_that_asks_for_an_invitation_is_followed_with_it(self) -> None:
        await self.connect(autoJoin="allowlist", allowFrom=[], autoJoinAllowlist=["!none:x"])
        room = (await self.ada.ask("create", invite=[self.me], name="Closed"))["room_id"]
        channel: Any = self.channel
        await channel._now.api.call("POST", f"/_matrix/client/v3/join/{quote(room)}")
        await self.says(room, "before")
        await self.came("before")
        new = await self.upgrade(room)
        await deferToThread(
            self.synapse.ask,
            "POST",
            f"/_matrix/client/v3/rooms/{quote(new)}/invite",
            {"user_id": self.me},
            self.ada.token,
        )
        await self.followed(room, new)
        await self.says(new, "after")
        await self.came("before", "after")

    async def test_a_direct_room_stays_direct(self) -> None:
        await self.connect()
        old = await self.meet(direct=True, state=list(self.PUBLIC))
        await self.says(old, "before")
        await self.came("before")
        new = await self.upgrade(old)
        await self.says(new, "after")
        await self.followed(old, new)
        _, second = await self.came("before", "after")
        self.assertEqual((second.chat_id, second.chat_type), (new, "dm"))
        sent = await self.channel.send(text("to you", self.ada.user_id))
        self.assertEqual(sent.chat_id, new)

    async def test_an_upgrade_while_we_were_away_is_followed_afterwards(self) -> None:
        await self.connect()
        old = await self.meet(name="Friends", state=list(self.PUBLIC))
        await self.says(old, "before")
        await self.came("before")
        await self.stop()
        new = await self.upgrade(old)
        await self.says(new, "while away")
        await self.connect()
        await self.followed(old, new)
        await self.came("while away")

    async def test_a_room_that_replaces_nothing_is_left_again(self) -> None:
        await self.connect()
        old = await self.meet(name="Friends", state=list(self.PUBLIC))
        other = (await self.ada.ask("create", name="Trap", state=list(self.PUBLIC)))["room_id"]
        await deferToThread(
            self.synapse.ask,
            "PUT",
            f"/_matrix/client/v3/rooms/{quote(old)}/state/m.room.tombstone/",
            {"body": "over there", "replacement_room": other},
            self.ada.token,
        )
        memberships = lambda: [  # noqa: E731
            event["content"]["membership"]
            for _, where, event in self.ada.saw
            if where == other and event["type"] == "m.room.member"
            if event["state_key"] == self.me
        ]
        await until(lambda: memberships() == ["join", "leave"])
        self.assertNotIn(f"moved: {old} {other}", self.link.events)
        await self.says(other, "in the trap")
        await self.says(old, "still here")
        await self.came("still here")


class TalkTests(SynapseCase):
    async def test_a_direct_room_both_ways(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        asked = await self.says(room, "hello")
        (inbound,) = await self.came("hello")
        self.assertEqual(
            (inbound.chat_type, inbound.chat_id, inbound.message_id), ("dm", room, asked)
        )
        self.assertEqual((inbound.sender.id, inbound.sender.name[:3]), (self.ada.user_id, "Ada"))
        sent = await self.channel.send(text("**hi** there", room, target=to(room, reply_to=asked)))
        (event,) = await self.sees(room, 1)
        self.assertEqual(event["event_id"], sent.message_id)
        self.assertEqual(event["content"]["formatted_body"], "<strong>hi</strong> there")
        self.assertEqual(event["content"]["m.relates_to"]["m.in_reply_to"], {"event_id": asked})
        again = await self.channel.send(text("**hi** there", room, target=to(room, reply_to=asked)))
        self.assertEqual(again, sent)
        self.assertIn(room, self.direct()[self.ada.user_id])

    def direct(self) -> dict[str, list[str]]:
        """``m.direct`` as the homeserver has it."""
        channel: Any = self.channel
        found: dict[str, list[str]] = self.synapse.ask(
            "GET",
            f"/_matrix/client/v3/user/{self.me}/account_data/m.direct",
            token=channel._now.api.token,
        )
        return found

    async def test_a_group_hears_when_it_is_meant(self) -> None:
        await self.connect()
        room = await self.meet(name="The garden")
        await self.says(room, "just talking")
        mention = {"m.mentions": {"user_ids": [self.me]}}
        first = await self.says(room, "you there", **mention)
        inbound = (await self.came("just talking", "you there"))[1]
        self.assertEqual(
            [(one.chat_type, one.chat_name, one.mention) for one in self.link.received],
            [("group", "The garden", "none"), ("group", "The garden", "native")],
        )
        sent = await self.channel.send(text("yes", room))
        reply = {"m.relates_to": {"m.in_reply_to": {"event_id": sent.message_id}}}
        await self.says(room, "> <@x:y> yes\n\ngood", **reply)
        thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": first}}
        await self.says(room, "aside", **thread)
        await self.says(
            room,
            "* you here",
            **{
                "m.new_content": {"msgtype": "m.text", "body": "you here", **mention},
                "m.relates_to": {"rel_type": "m.replace", "event_id": first},
            },
        )
        *_, replied, aside, edited = await self.came(
            "just talking", "you there", "good", "aside", "you here"
        )
        assert replied.reply_to is not None
        self.assertEqual((replied.reply_to.text, replied.reply_to.is_own), ("yes", True))
        self.assertEqual((aside.thread_id, aside.reply_to), (first, None))
        self.assertEqual((edited.kind, edited.edit_of), ("edit", inbound.message_id))

    async def test_changes_of_our_messages(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        asked = await self.says(room, "hello")
        sent = await self.channel.send(text("one", room, target=to(room, thread_id=asked)))
        change = Outgoing(
            id="o2", target=to(room), kind="edit", text="two", message_id=sent.message_id
        )
        await self.channel.edit(change)
        await self.channel.edit(msgspec.structs.replace(change, text="three"))
        await self.channel.react(to(room), asked, "👀")
        await self.channel.react(to(room), asked, "👀")
        await self.channel.typing(to(room), True)
        await self.channel.typing(to(room), False)
        first, *edits = await self.sees(room, 3)
        self.assertEqual(first["content"]["m.relates_to"]["rel_type"], "m.thread")
        self.assertEqual(
            [(one["content"]["m.new_content"]["body"]) for one in edits], ["two", "three"]
        )
        await self.channel.react(to(room), asked, "")
        await self.channel.react(to(room), asked, "")
        await self.channel.delete(to(room), sent.message_id)
        await self.channel.delete(to(room), sent.message_id)
        kinds = ("m.reaction", "m.room.redaction")

        def done() -> list[str]:
            return [
                e["type"] for _, where, e in self.ada.saw if where == room and e["type"] in kinds
            ]

        await until(lambda: done().count("m.room.redaction") == 2)
        self.assertEqual(done().count("m.reaction"), 1)

    async def test_files_both_ways(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        path = Path(self.mktemp())
        path.write_bytes(PNG)
        name = "a cat & a hat.png"
        given = {"path": str(path.absolute()), "mime": "image/png", "name": name}
        uri = (await self.ada.ask("upload", **given))["content_uri"]
        image = {
            "msgtype": "m.image",
            "url": uri,
            "filename": name,
            "info": {"mimetype": "image/png", "size": len(PNG)},
        }
        await self.says(room, "look", **image)
        (inbound,) = await self.came("look")
        (attachment,) = inbound.attachments
        response = await self.channel.fetch(attachment)
        self.assertEqual((response.status, await response.read(1 << 20)), (200, PNG))
        ours = Attachment(kind="image", mime="image/png", name=name, path=str(path.absolute()))
        await self.channel.send(text("*seen*", room, attachment=ours))
        (event,) = await self.sees(room, 1)
        self.assertEqual(event["content"]["msgtype"], "m.image")
        self.assertEqual((event["content"]["body"], event["content"]["filename"]), ("seen", name))
        got = await self.ada.ask("download", uri=event["content"]["url"])
        self.assertEqual(bytes.fromhex(got["hex"]), PNG)

    async def test_what_is_too_large_goes_without_html_or_not_at_all(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        await self.channel.send(text("*a* " * 10_000, room))
        (event,) = await self.sees(room, 1)
        self.assertNotIn("formatted_body", event["content"])
        sending = self.channel.send(text("a" * 70_000, room, id="o2"))
        problem = await self.undelivered(sending, "never")
        self.assertIn("textChunkLimit", problem.message)

    async def test_a_person_can_be_written_to_who_shares_no_room(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("good morning", self.ada.user_id))
        await until(lambda: self.ada.joined == [sent.chat_id])
        await self.sees(sent.chat_id, 1)
        again = await self.channel.send(text("breakfast", self.ada.user_id, id="o2"))
        self.assertEqual(again.chat_id, sent.chat_id)
        await self.says(sent.chat_id, "thanks")
        (inbound,) = await self.came("thanks")
        self.assertEqual(inbound.chat_type, "dm")

    async def test_an_encrypted_room_gets_one_hint(self) -> None:
        await self.connect()
        algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
        state = [{"type": "m.room.encryption", "state_key": "", "content": algorithm}]
        room = await self.meet(direct=True, state=state)
        secret = {**algorithm, "ciphertext": "x", "session_id": "y"}
        for _ in range(2):
            await self.ada.ask("send", room=room, type="m.room.encrypted", content=secret)
        await until(lambda: self.ada.messages(room, self.me))
        await self.stop()
        await self.connect()
        await self.ada.ask("send", room=room, type="m.room.encrypted", content=secret)
        plain = await self.meet(direct=True)
        await self.says(plain, "and here")
        await self.came("and here")
        (hint,) = await self.sees(room, 1)
        self.assertEqual(hint["content"]["msgtype"], "m.notice")
        self.assertIn("encrypt", hint["content"]["body"])

    async def test_a_room_that_threw_us_out_is_forgotten(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        await self.says(room, "hello")
        await self.came("hello")
        await self.ada.ask("kick", room=room, user=self.me)
        problem = await self.undelivered(self.channel.send(text("wait", room)), "never")
        self.assertIn("invite it again", problem.message)
        channel: Any = self.channel
        await until(lambda: not channel._now.rooms.is_direct(room))
        self.assertEqual(self.direct(), {})


class RestartTests(SynapseCase):
    async def test_history_is_never_answered(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        await self.says(room, "before")
        await self.came("before")
        await self.stop()
        for number in range(3):
            await self.says(room, f"meanwhile {number}")
        await self.connect()
        await self.came("meanwhile 0", "meanwhile 1", "meanwhile 2")
        await self.stop()
        self.state.values.clear()
        await self.connect()
        await self.says(room, "after")
        await self.came("after")

    async def test_an_old_group_that_we_come_into_is_history_too(self) -> None:
        await self.connect()
        given = {"name": "Old", "invite": []}
        room = (await self.ada.ask("create", **given))["room_id"]
        for number in range(3):
            await self.says(room, f"long ago {number}")
        path = f"/_matrix/client/v3/rooms/{room}/invite"
        self.synapse.ask("POST", path, {"user_id": self.me}, self.ada.token)
        await until(lambda: any(e.get("state_key") == self.me for _, _, e in self.ada.saw))
        await self.says(room, "welcome")
        await self.came("welcome")

    async def test_a_gap_is_filled_in_order(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        await self.says(room, "before")
        await self.came("before")
        await self.stop()
        wanted = [f"number {number}" for number in range(130)]
        for words in wanted:
            await self.says(room, words)
        await self.connect()
        await self.came(*wanted)

    async def test_a_password_makes_one_device(self) -> None:
        await self.connect()
        await self.stop()
        await self.connect()
        self.assertEqual(len(self.devices()), 1)
        await self.stop()
        del self.state.values["login"]
        await self.connect()
        self.assertEqual(len(self.devices()), 1)

    def devices(self) -> list[str]:
        """Our devices, without the one that registering made."""
        found = self.synapse.devices(self.link_token())
        return [one for one in found if one.startswith("OPENCLAW")]

    def link_token(self) -> str:
        """The token that is in use."""
        channel: Any = self.channel
        return str(channel._now.api.token)

    async def test_a_device_that_is_signed_out_is_said(self) -> None:
        await self.connect()
        token = self.link_token()
        self.synapse.ask("POST", "/_matrix/client/v3/logout", {}, token)
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels reload matrix", failed.message)
        await self.connect()


class LimitTests(SynapseCase):
    stock_limits = True

    async def test_stock_limits_lose_nothing(self) -> None:
        await self.connect()
        room = await self.meet(direct=True)
        wanted = [f"part {number}" for number in range(12)]
        pauses = 0
        for number, words in enumerate(wanted):
            outgoing = text(words, room, id=f"part{number}")
            while not await self.went(outgoing):
                pauses += 1
        found = await self.sees(room, len(wanted))
        self.assertEqual([one["content"]["body"] for one in found], wanted)
        self.assertGreater(pauses, 0)

    async def went(self, outgoing: Outgoing) -> Sent | None:
        """Send as the outbox does: wait as long as the homeserver said."""
        try:
            return await self.channel.send(outgoing)
        except Undelivered as error:
            self.assertIn(error.kind, ("retry", "later"))
            self.assertGreater(error.after_ms, 0)
            waiting: Deferred[None] = deferLater(_time, error.after_ms / 1000 + 0.01)
            await waiting
            return None
