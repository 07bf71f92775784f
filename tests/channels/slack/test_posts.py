"""Tests of what is sent, changed and found again, against the stand-in."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import fail

from openclaw.errors import StoreError
from openclaw.interfaces.channels import ChannelFailed
from openclaw.interfaces.messages import Attachment, Outgoing, Sent, Target
from openclaw.interfaces.outbound import OutboundError
from openclaw.interfaces.queue import Undelivered
from tests.channels.slack.rig import SlackCase, outgoing


def place(chat_id: str = "D1", **more: str) -> Target:
    return Target(channel="slack", account="default", chat_id=chat_id, **more)  # type: ignore[arg-type]  # texts only


class PostCase(SlackCase):
    """A connected account with a direct chat and a channel."""

    async def ready(self, **settings: Any) -> None:
        await self.start(**settings)
        self.slack.workspace.channel("D1", "im")
        self.slack.workspace.channel("C1", "channel")

    def settled(self) -> None:
        """The lost request is old."""
        from openclaw.channels.platforms.slack import search

        self.patch(search, "SETTLE_MS", 0)

    async def refused(self, message: Outgoing, method: str = "send") -> Undelivered:
        """How sending a message fails."""
        try:
            await getattr(self.channel, method)(message)
        except Undelivered as error:
            return error
        self.fail("it was sent")

    def texts(self) -> list[str]:
        return [each.text for each in self.slack.shown()]


class SendTests(PostCase):
    """Posting, and where it goes."""

    async def test_a_message_is_posted_and_marked(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing("**bold** <!channel> & more"))
        [post] = self.slack.called("chat.postMessage")
        self.assertEqual(post["text"], "*bold* &lt;!channel&gt; &amp; more")
        self.assertEqual((post["unfurl_links"], post["unfurl_media"]), (False, False))
        self.assertEqual(post["metadata"]["event_payload"], {"id": "out-1"})
        self.assertEqual(sent, Sent(message_id=self.slack.shown()[0].message_id))

    async def test_a_person_is_opened_once(self) -> None:
        await self.ready()
        self.slack.workspace.add_user("U1", "ann")
        for _ in range(2):
            sent = await self.channel.send(outgoing(chat_id="U1"))
            self.assertEqual(sent.chat_id, "D1")
        self.assertEqual(len(self.slack.called("conversations.open")), 1)

    async def test_a_reply_goes_where_the_question_stands(self) -> None:
        await self.ready()
        root = self.slack.say("q", chat_id="C1", sender_id="U1", group=True)
        await self.channel.send(outgoing(chat_id="C1", thread_id=root))
        await self.channel.send(outgoing(chat_id="C1", reply_to=root))
        self.assertEqual([each.thread_id for each in self.slack.shown()], [root, ""])

    async def test_replies_open_threads_in_channels_if_that_is_wanted(self) -> None:
        for mode in ("first", "all"):
            await self.ready(replyToMode=mode)
            root = self.slack.say("q", chat_id="C1", sender_id="U1", group=True)
            direct = self.slack.say("q", chat_id="D1", sender_id="U1")
            await self.channel.send(outgoing(chat_id="C1", reply_to=root))
            await self.channel.send(outgoing(chat_id="D1", reply_to=direct))
            self.assertEqual([each.thread_id for each in self.slack.shown()[-2:]], [root, ""])
            await self.until(lambda: len(self.told.received) == 3)
            self.assertEqual({m.thread_id for m in self.told.received}, {root, ""})
            await self.stop()

    async def test_a_thread_that_is_gone_is_no_reason_to_be_silent(self) -> None:
        await self.ready()
        await self.channel.send(outgoing(chat_id="C1", thread_id="1700000000.000100"))
        self.assertEqual([each.thread_id for each in self.slack.shown()], [""])

    async def test_a_public_channel_is_joined(self) -> None:
        await self.ready()
        self.slack.workspace.channels["C1"]["member"] = False
        await self.channel.send(outgoing(chat_id="C1"))
        self.assertEqual(self.texts(), ["hello"])

    async def test_a_private_one_has_to_invite(self) -> None:
        await self.ready()
        self.slack.workspace.channel("C2", "group")["member"] = False
        error = await self.refused(outgoing(chat_id="C2"))
        self.assertEqual(error.kind, "never")
        self.assertIn("/invite", error.message)

    async def test_a_text_that_is_too_long_is_cut(self) -> None:
        await self.ready()
        self.slack.error("chat.postMessage", "msg_too_long")
        words = " ".join(f"word{number}" for number in range(400))
        sent = await self.channel.send(outgoing(words))
        self.assertGreater(len(self.slack.shown()), 1)
        self.assertEqual(" ".join(self.texts()).split(), words.split())
        self.assertEqual(sent.message_id, self.slack.shown()[0].message_id)

    async def test_what_slack_would_cut_off_is_sent_too(self) -> None:
        await self.ready()
        words = " ".join(f"word{number}" for number in range(10_000))
        await self.channel.send(outgoing(words))
        self.assertEqual(" ".join(self.texts()).split(), words.split())

    async def test_what_is_sent_in_part_is_not_repeated(self) -> None:
        await self.ready()
        self.slack.error("chat.postMessage", "msg_too_long")
        self.slack.fail("chat.postMessage", 1, 200, {"ok": True, "ts": "1.000001"})
        self.slack.error("chat.postMessage", "is_archived")
        error = await self.refused(outgoing("word " * 400))
        self.assertEqual(error.kind, "never")
        self.assertIn("not all of it sent", error.message)

    async def test_metadata_is_left_out_where_it_is_not_taken(self) -> None:
        await self.ready()
        self.slack.error("chat.postMessage", "metadata_must_be_sent_from_app")
        await self.channel.send(outgoing())
        self.assertNotIn("metadata", self.slack.called("chat.postMessage")[1])

    async def test_nothing_is_sent_without_a_connection(self) -> None:
        self.make()
        self.assertEqual((await self.refused(outgoing())).kind, "later")
        self.assertEqual(self.slack.calls, [])


class RefusalTests(PostCase):
    """What the outbox is told of each refusal."""

    async def test_codes_that_will_not_change(self) -> None:
        await self.ready()
        for code in ("is_archived", "restricted_action", "no_text", "channel_not_found", "oh"):
            self.slack.error("chat.postMessage", code)
            error = await self.refused(outgoing())
            self.assertEqual((error.kind, code in error.message), ("never", True))

    async def test_a_missing_scope_is_named(self) -> None:
        await self.ready()
        self.slack.missing_scopes["chat.postMessage"] = "chat:write"
        error = await self.refused(outgoing())
        self.assertEqual(error.kind, "never")
        self.assertIn("lacks the scope chat:write", error.message)

    async def test_codes_that_left_nothing_behind(self) -> None:
        await self.ready()
        for code in ("service_unavailable", "request_timeout", "team_added_to_org"):
            self.slack.error("chat.postMessage", code)
            self.assertEqual((await self.refused(outgoing())).kind, "retry")
        self.slack.refuse(1, 503)
        self.assertEqual((await self.refused(outgoing())).kind, "retry")

    async def test_codes_after_which_nobody_knows(self) -> None:
        self.settled()
        await self.ready()
        wrong = [{"ok": False, "error": code} for code in ("internal_error", "fatal_error")]
        for status, body in (
            (200, wrong[0]),
            (200, wrong[1]),
            (500, None),
            (502, None),
            (504, None),
        ):
            self.slack.fail("chat.postMessage", 1, status, body)
            message = outgoing(id=f"out-{len(self.slack.calls)}")
            error = await self.refused(message)
            self.assertEqual(error.kind, "retry")
            self.assertIn("looked for", error.message)
            before = len(self.slack.called("conversations.history"))
            await self.channel.send(message)
            self.assertEqual(len(self.slack.called("conversations.history")), before + 1)

    async def test_a_limit_is_kept_for_its_method_alone(self) -> None:
        await self.ready()
        self.slack.refuse(1, 429, 30)
        error = await self.refused(outgoing())
        self.assertEqual((error.kind, error.after_ms), ("retry", 30_000))
        error = await self.refused(outgoing())
        self.assertEqual(error.kind, "retry")
        self.assertTrue(29_000 < error.after_ms <= 30_001)
        self.assertEqual(len(self.slack.called("chat.postMessage")), 1)
        self.slack.workspace.keep(channel="D1", user="U1", text="q")
        await self.channel.react(place(), self.slack.workspace.messages[0]["ts"], "👍")

    async def test_a_limit_may_come_as_an_ordinary_answer(self) -> None:
        await self.ready()
        self.slack.fail(
            "chat.postMessage", 1, 200, {"ok": False, "error": "ratelimited"}, {"retry-after": "3"}
        )
        self.assertEqual((await self.refused(outgoing())).after_ms, 3000)

    async def test_a_fatal_answer_ends_the_account_and_keeps_the_message(self) -> None:
        await self.ready()
        self.slack.error("chat.postMessage", "account_inactive")
        self.assertEqual((await self.refused(outgoing())).kind, "later")
        end = await self.end()
        self.assertIsInstance(end, ChannelFailed)
        self.assertIn("botToken", end.message)
        self.assertEqual(self.slack.open_sockets, 0)

    async def test_a_lost_message_is_not_sent_again(self) -> None:
        self.settled()
        await self.ready()
        self.slack.lose_answers(1)
        self.assertEqual((await self.refused(outgoing())).kind, "retry")
        self.assertIn("lost", self.told.state.values)
        sent = await self.channel.send(outgoing())
        self.assertEqual([each.message_id for each in self.slack.shown()], [sent.message_id])
        self.assertNotIn("lost", self.told.state.values)

    async def test_what_cannot_be_remembered_is_unknown(self) -> None:
        self.settled()
        await self.ready()
        put, state = self.told.state.put, self.told.state
        self.patch(state, "put", lambda name, value: fail(StoreError("disk")))
        self.slack.lose_answers(1)
        self.assertEqual((await self.refused(outgoing())).kind, "unknown")
        sent = await self.channel.send(outgoing())
        self.assertEqual([each.message_id for each in self.slack.shown()], [sent.message_id])
        self.patch(state, "put", put)

    async def test_nor_is_it_by_a_later_process(self) -> None:
        self.settled()
        await self.ready()
        self.slack.lose_answers(1)
        await self.refused(outgoing())
        state = self.told.state
        await self.stop()
        self.make()
        self.told.state = state
        self.run_channel()
        await self.until(lambda: bool(self.told.events))
        await self.channel.send(outgoing())
        self.assertEqual(self.texts(), ["hello"])

    async def test_a_failure_of_a_server_that_cannot_look_is_taken_at_its_word(self) -> None:
        self.settled()
        await self.ready()
        refused = {"ok": False, "error": "internal_error"}
        for number, (status, body) in enumerate(((200, refused), (500, None), (500, refused))):
            self.slack.fail("chat.postMessage", 1, status, body)
            message = outgoing(f"words {number}", id=f"out-{number}")
            self.assertEqual((await self.refused(message)).kind, "retry")
            self.slack.error("conversations.history", "unknown_method")
            await self.channel.send(message)
            self.assertEqual(self.texts().count(f"words {number}"), 1)
            self.assertNotIn("lost", self.told.state.values)

    async def test_an_answer_that_was_lost_once_is_never_guessed(self) -> None:
        self.settled()
        await self.ready()
        self.slack.lose_answers(1)
        await self.refused(outgoing())
        self.slack.fail("conversations.history", 1, 500)
        await self.refused(outgoing())
        self.slack.error("conversations.history", "unknown_method")
        self.assertEqual((await self.refused(outgoing())).kind, "unknown")

    async def test_what_cannot_be_looked_for_is_unknown(self) -> None:
        self.settled()
        await self.ready()
        self.slack.lose_answers(1)
        await self.refused(outgoing())
        self.slack.missing_scopes["conversations.history"] = "im:history"
        error = await self.refused(outgoing())
        self.assertEqual(error.kind, "unknown")
        self.assertIn("im:history", error.message)
        self.slack.missing_scopes.clear()
        self.slack.fail("conversations.history", 1, 500)
        self.assertEqual((await self.refused(outgoing())).kind, "retry")
        self.slack.fail("conversations.history", 1, 429, None, {"retry-after": "9"})
        self.assertEqual((await self.refused(outgoing())).after_ms, 9000)
        self.assertEqual(self.texts(), ["hello"])

    async def test_no_connection_is_no_loss(self) -> None:
        await self.ready()
        http: Any = self.told.http
        await http.stopService()
        await self.slack.close_port()
        self.assertEqual((await self.refused(outgoing())).kind, "retry")

    async def test_no_secret_is_in_any_word_of_it(self) -> None:
        await self.ready()
        self.slack.lose_answers(1)
        error = await self.refused(outgoing())
        self.assertNotIn("xox", error.message + repr(self.told.settings).replace("botToken", ""))


class FindTests(PostCase):
    """Whether a send whose answer was lost had happened."""

    async def test_a_lost_message_is_found(self) -> None:
        self.settled()
        await self.ready()
        self.slack.lose_answers(1)
        await self.refused(outgoing(id="lost"))
        await self.channel.send(outgoing(id="other"))
        found = await self.channel.find(outgoing(id="lost"))
        self.assertEqual(found, Sent(message_id=self.slack.shown()[0].message_id))

    async def test_one_that_was_not_sent_is_not_found(self) -> None:
        self.settled()
        await self.ready()
        self.slack.refuse(1, 500)
        await self.refused(outgoing(id="lost"))
        self.assertIsNone(await self.channel.find(outgoing(id="lost")))
        oldest = float(self.slack.called("conversations.history")[0]["oldest"])
        self.assertLess(abs(self.told.now_ms() / 1000 - 300 - oldest), 30)

    async def test_a_later_process_finds_it_too(self) -> None:
        await self.ready()
        self.slack.lose_answers(1)
        await self.refused(outgoing(id="lost"))
        await self.stop()
        await self.start()
        self.assertIsNotNone(await self.channel.find(outgoing(id="lost")))

    async def test_a_thread_is_looked_through(self) -> None:
        self.settled()
        await self.ready()
        root = self.slack.say("q", chat_id="C1", sender_id="U1", group=True)
        for number in range(250):
            self.slack.workspace.keep(channel="C1", user="U1", text=f"{number}", thread_ts=root)
        message = outgoing(id="lost", chat_id="C1", thread_id=root)
        self.slack.lose_answers(1)
        await self.refused(message)
        found = await self.channel.find(message)
        self.assertEqual(found, Sent(message_id=self.slack.shown()[0].message_id))
        self.assertEqual(len(self.slack.called("conversations.replies")), 2)

    async def test_one_that_fell_out_of_its_thread_is_found_in_the_channel(self) -> None:
        self.settled()
        await self.ready()
        message = outgoing(id="lost", chat_id="C1", thread_id="1700000000.000100")
        self.slack.error("chat.postMessage", "thread_not_found")
        self.slack.lose_answers(1)
        await self.refused(message)
        self.assertIsNotNone(await self.channel.find(message))

    async def test_what_cannot_be_looked_through_is_not_guessed(self) -> None:
        self.settled()
        await self.ready()
        for number in range(4001):
            self.slack.workspace.keep(channel="C1", user="U1", text=f"{number}")
        error = await self.refused(outgoing(id="lost", chat_id="C1"), "find")
        self.assertEqual(error.kind, "unknown")
        self.slack.missing_scopes["conversations.history"] = "im:history"
        error = await self.refused(outgoing(id="lost"), "find")
        self.assertEqual(error.kind, "unknown")


class ChangeTests(PostCase):
    """Edits, deletions, marks."""

    async def test_a_message_is_changed(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing("one"))
        changed = outgoing("two", id="out-2", kind="edit", message_id=sent.message_id)
        self.assertEqual(await self.channel.edit(changed), sent)
        self.assertEqual(await self.channel.edit(changed), sent)
        self.assertEqual(self.texts(), ["two"])

    async def test_what_cannot_be_changed_is_sent_anew(self) -> None:
        await self.ready()
        for code in ("message_not_found", "cant_update_message", "edit_window_closed"):
            self.slack.error("chat.update", code)
            name = "1700000000.000100"
            sent = await self.channel.edit(outgoing(code.replace("_", " "), message_id=name))
            self.assertEqual(self.slack.shown()[-1].message_id, sent.message_id)

    async def test_a_change_that_is_too_long_goes_on_in_a_new_message(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing("one"))
        words = " ".join(f"word{number}" for number in range(700))
        changed = outgoing(words, id="out-2", message_id=sent.message_id)
        self.assertEqual((await self.channel.edit(changed)).message_id, sent.message_id)
        self.assertEqual(" ".join(self.texts()).split(), words.split())

    async def test_a_lost_change_may_be_repeated(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing("one"))
        self.slack.error("chat.update", "internal_error")
        error = await self.refused(outgoing("two", message_id=sent.message_id), "edit")
        self.assertEqual(error.kind, "retry")

    async def test_a_message_is_deleted_once(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing())
        await self.channel.delete(place(), sent.message_id)
        await self.channel.delete(place(), sent.message_id)
        self.assertEqual(self.texts(), [])

    async def test_marks_come_and_go(self) -> None:
        await self.ready()
        sent = await self.channel.send(outgoing())
        for emoji in ("👍", ":eyes:", "👍", "party-parrot"):
            await self.channel.react(place(), sent.message_id, emoji)
        self.assertEqual(self.slack.shown()[0].reactions, ("+1", "eyes", "party-parrot"))
        await self.channel.react(place(), sent.message_id, "")
        self.assertEqual(self.slack.shown()[0].reactions, ())
        await self.channel.react(place(), sent.message_id, "")

    async def test_an_emoji_that_slack_cannot_name_is_refused(self) -> None:
        await self.ready()
        try:
            await self.channel.react(place(), "1.000001", "\U0001f9ec")
        except Undelivered as error:
            self.assertEqual(error.kind, "never")
        else:
            self.fail("it was sent")

    async def test_typing_is_a_status_in_assistant_threads(self) -> None:
        await self.ready(typingReaction="eyes")
        root = self.slack.say("q", chat_id="D1", sender_id="U1")
        self.slack.workspace.assistant_threads.add(("D1", root))
        for on in (True, False):
            await self.channel.typing(place(thread_id=root, reply_to=root), on)
        self.assertEqual([each[2] for each in self.slack.workspace.statuses], ["is typing...", ""])

    async def test_typing_is_a_reaction_elsewhere_if_one_is_configured(self) -> None:
        await self.ready(typingReaction="eyes")
        root = self.slack.say("q", chat_id="D1", sender_id="U1")
        target = place(thread_id=root, reply_to=root)
        for on in (True, True, False, False):
            await self.channel.typing(target, on)
        self.assertEqual(len(self.slack.called("assistant.threads.setStatus")), 1)
        self.assertEqual(len(self.slack.called("reactions.add")), 1)
        self.assertEqual(len(self.slack.called("reactions.remove")), 1)

    async def test_typing_is_nothing_otherwise(self) -> None:
        await self.ready()
        calls = len(self.slack.calls)
        await self.channel.typing(place("C1", reply_to="1.000001"), True)
        self.assertEqual(len(self.slack.calls), calls)


class FileTests(PostCase):
    """Files out and in."""

    def attachment(self, content: bytes = b"bytes", name: str = "a.txt") -> Attachment:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return Attachment(kind="document", name=name, path=str(path))

    async def test_a_file_is_shared_with_its_words(self) -> None:
        await self.ready()
        root = self.slack.say("q", chat_id="C1", sender_id="U1", group=True)
        message = outgoing("**look**", chat_id="C1", thread_id=root, attachment=self.attachment())
        sent = await self.channel.send(message)
        [shown] = self.slack.shown()
        self.assertEqual((shown.files, shown.text, shown.thread_id), ((b"bytes",), "look", root))
        self.assertEqual(sent.message_id, shown.message_id)
        self.assertEqual([name for name in self.told.state.values if "upload" in name], [])

    async def test_slack_may_take_a_moment_to_share_it(self) -> None:
        await self.ready()
        self.slack.slow_share = 1
        sent = await self.channel.send(outgoing(attachment=self.attachment()))
        self.assertEqual(sent.message_id, self.slack.shown()[0].message_id)

    async def test_a_file_whose_answer_was_lost_is_found_by_a_later_process(self) -> None:
        await self.ready()
        message = outgoing("", attachment=self.attachment())
        self.slack.lose_answers(1)
        self.assertEqual((await self.refused(message)).kind, "retry")
        state = self.told.state
        await self.stop()
        self.make()
        self.told.state = state
        self.run_channel()
        await self.until(lambda: bool(self.told.events))
        found = await self.channel.find(message)
        self.assertEqual(found, Sent(message_id=self.slack.shown()[0].message_id))

    async def test_a_file_that_was_never_shared_is_not_found(self) -> None:
        await self.ready()
        self.assertIsNone(await self.channel.find(outgoing("", attachment=self.attachment())))

    async def test_a_file_that_is_gone_is_never_sent(self) -> None:
        await self.ready()
        gone = Attachment(kind="document", name="a.txt", path="/nowhere/a.txt")
        self.assertEqual((await self.refused(outgoing(attachment=gone))).kind, "never")

    def uploads_go_to(self, url: str) -> None:
        told = {"ok": True, "upload_url": url, "file_id": "F"}
        self.slack.fail("files.getUploadURLExternal", 1, 200, told)

    async def test_a_failed_upload_left_nothing_behind(self) -> None:
        await self.ready()
        self.slack.workspace.files.clear()
        self.uploads_go_to("http://127.0.0.1:1/upload/F")
        self.assertEqual((await self.refused(outgoing(attachment=self.attachment()))).kind, "retry")

    async def test_a_file_goes_to_slack_alone(self) -> None:
        await self.ready()
        self.uploads_go_to("https://evil.example/")
        self.assertEqual((await self.refused(outgoing(attachment=self.attachment()))).kind, "never")

    async def test_a_file_is_fetched(self) -> None:
        await self.ready()
        file = self.slack.attach(b"\x89PNG", "a.png", "image/png")
        self.slack.say("", chat_id="D1", sender_id="U1", subtype="file_share", files=[file])
        await self.until(lambda: len(self.told.received) == 1)
        [heard] = self.told.received
        self.assertEqual((heard.text, heard.attachments[0].kind), ("<media:image>", "image"))
        response = await self.channel.fetch(heard.attachments[0])
        self.assertEqual(await response.read(100), b"\x89PNG")

    async def test_a_file_of_which_only_the_id_came_is_asked_for(self) -> None:
        await self.ready()
        file = self.slack.attach(b"far", "a.bin", "application/octet-stream")
        response = await self.channel.fetch(Attachment(kind="document", ref=file["id"]))
        self.assertEqual(await response.read(100), b"far")

    async def why(self, ref: str, mime: str = "image/png") -> str:
        try:
            await self.channel.fetch(Attachment(kind="image", mime=mime, ref=ref))
        except OutboundError as error:
            return error.message
        self.fail("it was fetched")

    async def test_a_login_page_is_no_file(self) -> None:
        await self.ready()
        file = self.slack.attach(b"\x89PNG", "a.png", "image/png")
        self.slack.login_page = True
        why = await self.why(f"{file['id']} {file['url_private_download']}")
        self.assertIn("files:read", why)

    async def test_files_come_from_slack_alone(self) -> None:
        await self.ready()
        for url in (
            "https://evil.example/a",
            "https://slack.com.evil.example/a",
            "https://evilslack.com/a",
            "http://files.slack.com/a",
            "file:///etc/passwd",
            "external:",
        ):
            self.assertIn("not on a host of Slack's", await self.why(f"F1 {url}"))
