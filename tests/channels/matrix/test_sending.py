"""What goes out: messages, changes of them, files; and what every refusal is called."""

from pathlib import Path
from typing import Any

from twisted.python.threadable import isInIOThread

from openclaw.channels.platforms.matrix import content
from openclaw.channels.platforms.matrix.service import LONG_CHARACTERS
from openclaw.interfaces.messages import Attachment, Outgoing
from openclaw.interfaces.outbound import OutboundError
from tests.channels.channel_case import until
from tests.channels.matrix.counterpart import ADA, BOT, SERVER
from tests.channels.matrix.rig import DM, GROUP, ServiceCase, text, to
from tests.channels.matrix.server import MatrixError

DATA = bytes(range(256)) * 20


class SendTests(ServiceCase):
    async def test_a_message_is_sent_once_however_often(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("**hi**", target=to(GROUP, reply_to="$0")))
        again = await self.channel.send(text("**hi**", target=to(GROUP, reply_to="$0")))
        self.assertEqual(sent, again)
        (shown,) = self.homeserver.shown()
        self.assertEqual(
            (shown.chat_id, shown.message_id, shown.text, shown.reply_to),
            (GROUP, sent.message_id, "hi", "$0"),
        )

    async def test_a_long_text_is_formatted_beside_the_reactor(self) -> None:
        await self.connect()
        threads: list[bool] = []
        written = content.words

        def note(words: str) -> dict[str, Any]:
            threads.append(isInIOThread())
            return written(words)

        self.patch(content, "words", note)
        long = "**word** " * (LONG_CHARACTERS // 9 + 1)
        sent = await self.channel.send(text(long))
        change = {"id": "a:preview", "kind": "edit", "message_id": sent.message_id}
        await self.channel.edit(text(f"{long}more", **change))
        await self.channel.send(text("**short**", id="o2"))
        self.assertEqual(threads, [False, False, True])
        shown = [one.text.strip() for one in self.homeserver.shown()]
        self.assertEqual(shown, [f"{long}more".replace("*", ""), "short"])

    async def test_an_answer_that_was_lost_may_be_asked_for_again(self) -> None:
        await self.connect()
        self.homeserver.lose_answers(2)  # The HTTP client asks once more by itself.
        await self.undelivered(self.channel.send(text("once")), "retry")
        self.homeserver.faults.clear()
        await self.channel.send(text("once"))
        self.assertEqual([one.text for one in self.homeserver.shown()], ["once"])

    async def test_edits_show_the_newest_text_under_the_first_id(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one", id="a:preview"))
        change = {"id": "a:preview", "kind": "edit", "message_id": sent.message_id}
        for words in ("one two", "one two three"):
            edited = await self.channel.edit(text(words, **change))
            self.assertEqual(edited.message_id, sent.message_id)
        (shown,) = self.homeserver.shown()
        self.assertEqual(shown.text, "one two three")
        before = len(self.homeserver.rooms[DM].events)
        await self.channel.edit(text("one two three", **change))
        self.assertEqual(len(self.homeserver.rooms[DM].events), before)

    async def test_an_edit_of_nothing_is_a_message(self) -> None:
        await self.connect()
        await self.channel.edit(text("new", kind="edit", message_id="17"))
        self.assertEqual([one.text for one in self.homeserver.shown()], ["new"])

    async def test_deleting_what_is_gone_is_a_success(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("oops"))
        await self.channel.delete(to(), sent.message_id)
        await self.channel.delete(to(), sent.message_id)
        await self.channel.delete(to(), "$never")
        self.assertEqual(self.homeserver.shown(), [])

    async def test_reactions_come_and_go(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("look"))
        for emoji in ("👍", "👍", "", "👍"):
            await self.channel.react(to(), sent.message_id, emoji)
        made = self.homeserver.asked("send", "m.reaction")
        self.assertEqual(len({call.parts[-1] for call in made}), 3)
        self.assertEqual(len(self.homeserver.asked("redact")), 1)

    async def test_typing_goes_to_rooms_alone(self) -> None:
        await self.connect()
        await self.channel.typing(to(), True)
        await self.channel.typing(to(), False)
        await self.channel.typing(to(ADA), True)
        self.assertEqual(self.homeserver.typing, [(DM, True), (DM, False)])

    async def test_before_and_after_a_connection_everything_waits(self) -> None:
        self.make()
        for work in (
            self.channel.send(text("x")),
            self.channel.delete(to(), "$1"),
            self.channel.react(to(), "$1", "👍"),
            self.channel.typing(to(), True),
        ):
            await self.undelivered(work, "later")
        file = Attachment(kind="image", ref="mxc://hs.test/x")
        await self.assertFailure(self.channel.fetch(file), OutboundError)
        await self.connect()
        await self.stop()
        await self.undelivered(self.channel.send(text("x")), "later")

    def test_both_bodies_are_counted(self) -> None:
        channel = self.make()
        self.assertEqual(channel.render("**a**"), "a<strong>a</strong>")


class RefusalTests(ServiceCase):
    async def test_what_each_refusal_is_called(self) -> None:
        await self.connect()
        for error, kind in (
            (MatrixError(400, "M_BAD_JSON"), "never"),
            (MatrixError(404, "M_NOT_FOUND"), "never"),
            (MatrixError(413, "M_TOO_LARGE"), "never"),
            (MatrixError(401, "M_UNKNOWN_TOKEN"), "later"),
            (MatrixError(500, "M_UNKNOWN"), "retry"),
            (MatrixError(502, ""), "retry"),
        ):
            self.homeserver.fault("m.room.message", error=error, times=2)
            await self.undelivered(self.channel.send(text("x", id=f"{error}")), kind)
            self.homeserver.faults.clear()
        self.homeserver.fault("m.room.message", does="raw", error=MatrixError(503, ""))
        await self.undelivered(self.channel.send(text("x", id="z")), "retry")
        self.assertEqual(self.homeserver.shown(), [])

    async def test_a_pause_is_the_whole_accounts(self) -> None:
        await self.connect()
        self.homeserver.refuse(1, 429, 4.783)
        problem = await self.undelivered(self.channel.send(text("x")), "retry")
        self.assertEqual(problem.after_ms, 4783)
        self.clock.advance(1)
        other = await self.undelivered(self.channel.send(text("y", GROUP)), "later")
        self.assertEqual(other.after_ms, 3783)
        self.assertEqual(len(self.homeserver.asked("send")), 1)
        self.clock.advance(3.8)
        await self.channel.send(text("x"))

    async def test_pauses_in_a_header_and_none_at_all(self) -> None:
        await self.connect()
        self.homeserver.fault("m.room.message", error=MatrixError(429, "M_LIMIT_EXCEEDED"))
        problem = await self.undelivered(self.channel.send(text("x")), "retry")
        self.assertEqual(problem.after_ms, 5000)

    async def test_a_message_too_large_with_html_goes_without(self) -> None:
        await self.connect()
        await self.channel.send(text("*a* " * 10_000))
        (shown,) = self.homeserver.shown()
        self.assertEqual(len(shown.text), 19_999)
        problem = await self.undelivered(self.channel.send(text("a" * 66_000, id="b")), "never")
        self.assertIn("channels.matrix.textChunkLimit", problem.message)

    async def test_a_room_we_may_not_write_in(self) -> None:
        await self.connect()
        self.homeserver.refuse(1, 403)
        problem = await self.undelivered(self.channel.send(text("x")), "never")
        self.assertIn("may not write", problem.message)
        self.assertEqual(self.homeserver.forgotten, [])

    async def test_a_room_that_threw_us_out_is_left_alone(self) -> None:
        self.homeserver.account_data["m.direct"] = (1, {ADA: [DM, "!other"]})
        await self.connect()
        room = self.homeserver.rooms[DM]
        # Said to nobody: the sync must not be the one that finds out.
        self.homeserver.put(DM, ADA, "m.room.member", {"membership": "leave"}, BOT)
        problem = await self.undelivered(self.channel.send(text("x")), "never")
        self.assertIn("invite it again", problem.message)
        self.assertEqual((self.homeserver.forgotten, room.member(BOT)), ([DM], "leave"))
        self.assertEqual(self.homeserver.account_data["m.direct"][1], {ADA: ["!other"]})

    async def test_a_frozen_server_is_given_up(self) -> None:
        await self.connect()
        self.homeserver.freeze(True)
        sending = self.channel.send(text("x"))
        self.clock.advance(20)
        await self.undelivered(sending, "retry")


class PlaceTests(ServiceCase):
    async def test_aliases_and_what_is_no_chat(self) -> None:
        self.homeserver.aliases[f"#garden:{SERVER}"] = GROUP
        await self.connect()
        for number in range(2):
            sent = await self.channel.send(text("x", f"#garden:{SERVER}", id=f"{number}"))
            self.assertEqual(sent.chat_id, GROUP)
        self.assertEqual(len(self.homeserver.asked("directory")), 1)
        await self.undelivered(self.channel.send(text("x", f"#none:{SERVER}")), "never")
        problem = await self.undelivered(self.channel.send(text("x", "garden")), "never")
        self.assertIn("@person:server", problem.message)

    async def test_a_persons_direct_room_is_made_once(self) -> None:
        await self.connect()
        works = [self.channel.send(text("x", ADA, id=f"{number}")) for number in range(3)]
        rooms = {(await work).chat_id for work in works}
        self.assertEqual(len(rooms), 1)
        (body,) = (call.json for call in self.homeserver.asked("createRoom"))
        self.assertEqual((body["is_direct"], body["invite"]), (True, [ADA]))
        self.assertEqual(self.homeserver.account_data["m.direct"][1], {ADA: list(rooms)})

    async def test_a_direct_room_that_the_person_left_is_not_used(self) -> None:
        self.homeserver.account_data["m.direct"] = (1, {ADA: ["!gone", DM]})
        await self.connect()
        self.assertEqual((await self.channel.send(text("x", ADA))).chat_id, DM)
        self.homeserver.enter(DM, ADA, "leave")
        made = (await self.channel.send(text("y", ADA, id="b"))).chat_id
        self.assertNotIn(made, (DM, "!gone"))


class FileTests(ServiceCase):
    def file(self, data: bytes = DATA, **more: Any) -> Outgoing:
        """A file to send."""
        path = Path(self.mktemp())
        path.write_bytes(data)
        given = {"kind": "document", "mime": "text/plain", "name": "a&b ?.txt", "path": str(path)}
        return text(more.pop("words", ""), attachment=Attachment(**{**given, **more}))

    async def test_a_file_and_its_caption_are_one_message(self) -> None:
        await self.connect()
        await self.channel.send(self.file(words="*read*"))
        (shown,) = self.homeserver.shown()
        self.assertEqual((shown.text, shown.files), ("read", (DATA,)))
        (upload,) = self.homeserver.asked("upload")
        self.assertEqual(upload.query, {"filename": "a&b ?.txt"})
        self.assertEqual(upload.headers["content-type"], "text/plain")

    async def test_a_file_whose_answer_was_lost_is_one_message(self) -> None:
        await self.connect()
        self.homeserver.lose_answers(2)  # The HTTP client asks once more by itself.
        outgoing = self.file()
        await self.undelivered(self.channel.send(outgoing), "retry")
        self.homeserver.faults.clear()
        await self.channel.send(outgoing)
        self.assertEqual(len(self.homeserver.shown()), 1)

    async def test_files_that_cannot_go(self) -> None:
        self.homeserver.most_upload = 100
        await self.connect()
        problem = await self.undelivered(self.channel.send(self.file()), "never")
        self.assertIn("it takes 100", problem.message)
        self.assertEqual(self.homeserver.asked("upload"), [])
        await self.undelivered(self.channel.send(self.file(path="/nowhere")), "never")
        self.assertEqual(len(self.homeserver.asked("media", "config")), 1)

    async def test_an_old_server_names_its_limit_elsewhere(self) -> None:
        self.homeserver.old = True
        await self.connect()
        await self.channel.send(self.file())
        self.assertEqual(len(self.homeserver.shown()), 1)

    async def test_files_are_fetched_from_new_servers_and_old(self) -> None:
        await self.connect()
        self.homeserver.media["x/y"] = DATA
        file = Attachment(kind="image", ref=f"mxc://{SERVER}/x%2Fy".replace("%2F", "/"))
        await self.assertFailure(self.channel.fetch(file), OutboundError)
        self.homeserver.media["xy"] = DATA
        file = Attachment(kind="image", ref=f"mxc://{SERVER}/xy")
        for old in (False, True):
            self.homeserver.old = old
            response = await self.channel.fetch(file)
            self.assertEqual((response.status, await response.read(1 << 20)), (200, DATA))
        gone = await self.channel.fetch(Attachment(kind="image", ref=f"mxc://{SERVER}/none"))
        self.assertEqual(gone.status, 404)
        gone.release()

    async def test_a_redirect_gets_no_token_and_passes_the_guard(self) -> None:
        await self.connect()
        self.homeserver.moved["xy"] = "http://169.254.169.254/latest"
        file = Attachment(kind="image", ref=f"mxc://{SERVER}/xy")
        error: Any = await self.assertFailure(self.channel.fetch(file), OutboundError)
        self.assertEqual(error.kind, "refused")

    async def test_a_stop_leaves_nothing_behind(self) -> None:
        await self.connect()
        await self.stop()
        await until(lambda: not self.homeserver.open_sockets)
        self.assertEqual(self.clock.getDelayedCalls(), [])
