"""Tests of what goes out: texts, files, edits, reactions, and what each refusal leads to."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.interfaces.messages import Attachment, MediaKind, Outgoing, Sent
from openclaw.interfaces.outbound import OutboundError
from tests.channels.loopback import Fault
from tests.channels.telegram.bot_server import BotError
from tests.channels.telegram.counterpart import PNG, Said, is_send
from tests.channels.telegram.rig import CHAT, GROUP, ServiceCase, text, to


def edit_of(sent: Sent, words: str, chat_id: str = CHAT) -> Outgoing:
    return text(words, chat_id, kind="edit", message_id=sent.message_id)


class SendCase(ServiceCase):
    def last(self) -> Said:
        """The newest of our messages."""
        return [one for one in self.telegram.said if one.own][-1]

    def answer(self, code: int, words: str, method: str = "", times: int = 1, **more: int) -> None:
        """Let the next calls be refused."""
        error = BotError(code, words, **more)
        self.telegram.faults.append(
            Fault(lambda name: name == method if method else is_send(name), times, "answer", error)
        )


class TextTests(SendCase):
    async def test_markdown_arrives_as_what_it_means(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("**bold** & 1 < 2 `x<y`"))
        self.assertEqual(self.last().text, "bold & 1 < 2 x<y")
        self.assertEqual(sent, Sent(message_id=str(self.last().message_id)))
        self.assertEqual(self.last().params["parse_mode"], "HTML")
        self.assertEqual(self.last().params["chat_id"], 42)
        self.assertNotIn("disable_notification", self.last().params)
        self.assertNotIn("link_preview_options", self.last().params)

    async def test_reply_silence_and_links_without_preview(self) -> None:
        await self.connect(linkPreview=False)
        number = self.telegram.say("question", chat_id=CHAT, sender_id="42")
        await self.channel.send(text("answer", target=to(reply_to=number), silent=True))
        self.assertEqual(self.last().reply_to, number)
        self.assertTrue(self.last().params["disable_notification"])
        self.assertEqual(self.last().params["link_preview_options"], {"is_disabled": True})

    async def test_reply_to_what_is_gone_is_sent_without_it(self) -> None:
        await self.connect()
        await self.channel.send(text("answer", target=to(reply_to="999")))
        self.assertEqual(self.last().reply_to, "")
        self.assertEqual(len(self.telegram.named("sendMessage")), 1)
        self.answer(400, "Bad Request: message to be replied not found")
        await self.channel.send(text("again", target=to(reply_to="999")))
        self.assertEqual(self.last().text, "again")
        self.assertNotIn("reply_parameters", self.last().params)

    async def test_topic_is_named_and_the_general_one_is_not(self) -> None:
        await self.connect()
        self.telegram.topics[GROUP] = {7}
        await self.channel.send(text("in the topic", target=to(GROUP, thread_id="7")))
        self.assertEqual(self.last().thread_id, "7")
        await self.channel.send(text("in general", target=to(GROUP, thread_id="1")))
        self.assertNotIn("message_thread_id", self.last().params)
        self.assertEqual(len(self.telegram.named("sendMessage")), 2)

    async def test_topic_that_is_gone_is_left_out(self) -> None:
        await self.connect()
        await self.channel.send(text("anyway", target=to(GROUP, thread_id="8")))
        self.assertEqual((self.last().text, self.last().thread_id), ("anyway", ""))

    async def test_markup_that_telegram_cannot_read_is_sent_as_it_was_written(self) -> None:
        await self.connect()
        self.answer(400, "Bad Request: can't parse entities: Unsupported start tag")
        await self.channel.send(text("**odd** <tag>"))
        self.assertEqual(self.last().text, "**odd** <tag>")
        self.assertNotIn("parse_mode", self.last().params)

    async def test_group_that_was_upgraded_is_followed_and_reported(self) -> None:
        await self.connect()
        self.telegram.chat("-100777")
        self.telegram.upgraded[GROUP] = "-100777"
        sent = await self.channel.send(text("hello", GROUP))
        self.assertEqual((self.last().chat_id, sent.chat_id), ("-100777", "-100777"))
        self.assertIn(f"moved: {GROUP} -100777", self.link.events)

    async def test_several_mends_of_one_message_follow_each_other(self) -> None:
        await self.connect()
        self.answer(400, "Bad Request: can't parse entities: x")
        self.answer(400, "Bad Request: message to be replied not found")
        self.answer(400, "Bad Request: message thread not found")
        await self.channel.send(text("hello", target=to(GROUP, thread_id="7", reply_to="5")))
        self.assertEqual(self.last().text, "hello")
        self.assertEqual(len(self.telegram.named("sendMessage")), 4)

    async def test_same_refusal_again_is_final(self) -> None:
        await self.connect()
        self.answer(400, "Bad Request: can't parse entities: x", times=9)
        await self.undelivered(self.channel.send(text("hello")), "never")
        self.assertEqual(len(self.telegram.named("sendMessage")), 2)

    async def test_channel_by_its_name(self) -> None:
        await self.connect()
        self.telegram.chats["@news"] = {"id": -100, "type": "channel", "title": "News"}
        await self.channel.send(text("hello", "@news"))
        self.assertEqual(self.last().params["chat_id"], "@news")


class RefusalTests(SendCase):
    async def test_what_may_be_repeated_and_what_not(self) -> None:
        await self.connect()
        for code, words, kind in (
            (500, "Internal Server Error", "retry"),
            (502, "Bad Gateway", "retry"),
            (400, "Bad Request: message is too long", "never"),
            (403, "Forbidden: bot was kicked from the supergroup chat", "never"),
            (413, "Request Entity Too Large", "never"),
            (401, "Unauthorized", "later"),
        ):
            self.answer(code, words)
            error = await self.undelivered(self.channel.send(text("x")), kind)
            self.assertIn(words, error.message)
        self.assertEqual([one for one in self.telegram.said if one.own], [])

    async def test_unknown_chat_comes_with_what_to_do(self) -> None:
        await self.connect()
        error = await self.undelivered(self.channel.send(text("x", "4711")), "never")
        self.assertIn("press Start", error.message)

    async def test_blocked_is_final(self) -> None:
        await self.connect()
        self.telegram.blocked.add(CHAT)
        await self.undelivered(self.channel.send(text("x")), "never")

    async def test_pause_is_kept_exactly_for_that_chat_alone(self) -> None:
        await self.connect()
        self.answer(429, "Too Many Requests: retry after 3", retry_after=3)
        error = await self.undelivered(self.channel.send(text("x")), "retry")
        self.assertEqual(error.after_ms, 3000)
        asked = len(self.telegram.named("sendMessage"))
        self.clock.advance(1)
        error = await self.undelivered(self.channel.send(text("x")), "later")
        self.assertEqual(error.after_ms, 2000)
        self.assertEqual(len(self.telegram.named("sendMessage")), asked)
        await self.channel.send(text("elsewhere", GROUP))
        self.clock.advance(2)
        await self.channel.send(text("x"))

    async def test_pause_may_stand_in_the_header_alone(self) -> None:
        await self.connect()
        slow = BotError(429, "Too Many Requests")
        for does, headers, after_ms in (
            ("answer", {"retry-after": "7"}, 7000),
            ("raw", {"retry-after": "8"}, 8000),
            ("raw", {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 5000),
            ("answer", {}, 5000),
            ("raw", {}, 5000),
        ):
            self.telegram.faults.append(Fault(is_send, 1, does, slow, headers=headers))
            error = await self.undelivered(self.channel.send(text("x")), "retry")
            self.assertEqual(error.after_ms, after_ms, (does, headers))
            self.clock.advance(after_ms / 1000)

    async def test_many_chats_in_a_pause_pause_all(self) -> None:
        await self.connect()
        for chat_id in ("42", "43", "44"):
            self.telegram.chat(chat_id)
            self.answer(429, "Too Many Requests: retry after 5", retry_after=5)
            await self.undelivered(self.channel.send(text("x", chat_id)), "retry")
        await self.undelivered(self.channel.send(text("x", GROUP)), "later")
        self.clock.advance(5)
        await self.channel.send(text("x", GROUP))

    async def test_lost_answer_is_unknown_for_a_message_and_repeatable_for_a_change(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one"))
        for does in ("lose", "cut"):
            self.telegram.faults.append(Fault(lambda name: name != "getUpdates", 1, does))
            await self.undelivered(self.channel.send(text("two")), "unknown")
            self.telegram.faults.append(Fault(lambda name: name != "getUpdates", 1, does))
            await self.undelivered(self.channel.edit(edit_of(sent, f"three {does}")), "retry")
        self.assertEqual([one.text for one in self.telegram.said], ["three lose", "two"])

    async def test_silence_ends_at_the_deadline_as_unknown(self) -> None:
        await self.connect()
        self.telegram.faults.append(Fault(is_send, 1, "hold"))
        sending = self.channel.send(text("x"))
        while not self.telegram.named("sendMessage"):
            await self.channel.probe()
        self.clock.advance(15)
        await self.undelivered(sending, "unknown")

    async def test_answers_of_proxies_say_nothing_but_503(self) -> None:
        await self.connect()
        for status, kind in ((500, "unknown"), (502, "unknown"), (504, "unknown"), (503, "retry")):
            self.telegram.faults.append(Fault(is_send, 1, "raw", BotError(status, "")))
            await self.undelivered(self.channel.send(text("x")), kind)

    async def test_no_connection_to_telegram_at_all_may_be_repeated(self) -> None:
        await self.connect()
        await self.telegram.stop()
        await self.undelivered(self.channel.send(text("x")), "retry")

    async def test_without_a_connection_everything_waits(self) -> None:
        channel = self.make()
        await self.undelivered(channel.send(text("x")), "later")
        await self.undelivered(channel.edit(text("x", kind="edit", message_id="1")), "later")
        await self.undelivered(channel.delete(to(), "1"), "later")
        await self.undelivered(channel.react(to(), "1", "x"), "later")
        await channel.typing(to(), True)
        self.assertEqual(self.telegram.calls, [])


class EditTests(SendCase):
    async def test_text_changes_and_the_same_text_is_a_success(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one"))
        for _ in range(2):
            self.assertEqual(await self.channel.edit(edit_of(sent, "*two*")), sent)
        self.assertEqual([one.text for one in self.telegram.said], ["two"])

    async def test_what_cannot_be_edited_is_sent_anew(self) -> None:
        await self.connect()
        theirs = self.telegram.say("theirs", chat_id=CHAT, sender_id="42")
        for message_id in ("999", theirs):
            sent = await self.channel.edit(text("anew", kind="edit", message_id=message_id))
            self.assertEqual(sent.message_id, str(self.last().message_id))
        self.assertEqual([one.text for one in self.telegram.said if one.own], ["anew", "anew"])

    async def test_unreadable_markup_is_edited_in_plainly(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one"))
        self.answer(400, "Bad Request: can't parse entities: x", "editMessageText")
        await self.channel.edit(edit_of(sent, "**two**"))
        self.assertEqual(self.last().text, "**two**")

    async def test_caption_is_edited_where_there_is_no_text(self) -> None:
        await self.connect()
        path = self.mktemp()
        Path(path).write_bytes(PNG)
        photo = Attachment(kind="image", mime="image/png", path=path)
        sent = await self.channel.send(text("one", attachment=photo))
        await self.channel.edit(edit_of(sent, "**two**"))
        self.assertEqual(self.last().text, "two")

    async def test_edit_that_is_too_fast_says_how_long(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one"))
        self.answer(429, "Too Many Requests", "editMessageText", retry_after=2)
        error = await self.undelivered(self.channel.edit(edit_of(sent, "two")), "retry")
        self.assertEqual(error.after_ms, 2000)


class ChangeTests(SendCase):
    async def test_message_is_deleted_and_one_that_is_gone_is_a_success(self) -> None:
        await self.connect()
        sent = await self.channel.send(text("one"))
        for _ in range(2):
            await self.channel.delete(to(), sent.message_id)
        self.assertEqual(self.telegram.said, [])

    async def test_message_that_is_too_old_to_delete_is_final(self) -> None:
        await self.connect()
        self.answer(400, "Bad Request: message can't be deleted", "deleteMessage")
        await self.undelivered(self.channel.delete(to(), "1"), "never")
        await self.undelivered(self.channel.delete(to(), "no number"), "never")

    async def test_reaction_is_set_replaced_and_taken_back(self) -> None:
        await self.connect()
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        for emoji, shown in (("🎉", ["🎉"]), ("👀", ["👀"]), ("", []), ("", [])):
            await self.channel.react(to(), number, emoji)
            self.assertEqual(self.telegram.said[0].reactions, shown)

    async def test_unknown_reaction_becomes_a_thumb_or_nothing(self) -> None:
        await self.connect()
        number = self.telegram.say("hello", chat_id=CHAT, sender_id="42")
        await self.channel.react(to(), number, "🦖")
        self.assertEqual(self.telegram.said[0].reactions, ["👍"])
        self.answer(400, "Bad Request: REACTION_INVALID", "setMessageReaction", 2)
        await self.channel.react(to(), number, "🦖")

    async def test_typing_names_even_the_general_topic(self) -> None:
        await self.connect()
        await self.channel.typing(to(GROUP, thread_id="1"), True)
        await self.channel.typing(to(), True)
        await self.channel.typing(to(), False)
        self.assertEqual(
            self.telegram.named("sendChatAction"),
            [
                {"chat_id": int(GROUP), "action": "typing", "message_thread_id": 1},
                {"chat_id": 42, "action": "typing"},
            ],
        )

    async def test_typing_stops_after_three_failures_or_one_that_is_final(self) -> None:
        await self.connect()
        for code, most in ((500, 3), (403, 1)):
            self.answer(code, "odd", "sendChatAction", 9)
            before = len(self.telegram.named("sendChatAction"))
            for _ in range(5):
                await self.channel.typing(to(), True)
            self.assertEqual(len(self.telegram.named("sendChatAction")) - before, most)
            self.telegram.faults.clear()
            await self.channel.typing(to(), False)


class FileTests(SendCase):
    def file(
        self, kind: MediaKind, data: bytes = PNG, mime: str = "", name: str = ""
    ) -> Attachment:
        """A file on disk."""
        path = self.mktemp()
        Path(path).write_bytes(data)
        return Attachment(kind=kind, mime=mime, name=name, path=path)

    async def test_each_kind_goes_by_its_own_method(self) -> None:
        await self.connect()
        for kind, mime, method in (
            ("image", "image/png", "sendPhoto"),
            ("image", "image/gif", "sendAnimation"),
            ("document", "application/pdf", "sendDocument"),
            ("video", "video/mp4", "sendVideo"),
            ("audio", "audio/mpeg", "sendAudio"),
            ("voice", "audio/ogg; codecs=opus", "sendVoice"),
            ("voice", "audio/wav", "sendAudio"),
            ("sticker", "image/webp", "sendSticker"),
        ):
            attachment = self.file(kind, mime=mime, name='a "b".bin')  # type: ignore[arg-type]
            await self.channel.send(text("", attachment=attachment))
            self.assertEqual((self.last().method, self.last().files), (method, [PNG]))

    async def test_caption_reply_and_topic_go_with_the_file(self) -> None:
        await self.connect()
        self.telegram.topics[GROUP] = {7}
        number = self.telegram.say("x", chat_id=GROUP, sender_id="42")
        target = to(GROUP, thread_id="7", reply_to=number)
        await self.channel.send(
            text("**look**", target=target, attachment=self.file("image"), silent=True)
        )
        last = self.last()
        self.assertEqual((last.text, last.thread_id, last.reply_to), ("look", "7", number))
        self.assertEqual(last.params["disable_notification"], "true")

    async def test_name_in_any_script_arrives(self) -> None:
        await self.connect()
        file = self.file("document", b"%PDF", "application/pdf", "Büro 報告.pdf")
        await self.channel.send(text("", attachment=file))
        self.assertEqual(self.last().params["document"].name, "Büro 報告.pdf")

    async def test_name_of_the_file_on_disk_is_used_where_there_is_none(self) -> None:
        await self.connect()
        file = self.file("document")
        await self.channel.send(text("", attachment=file))
        self.assertEqual(self.last().params["document"].name, Path(file.path).name)

    async def test_long_caption_and_that_of_a_sticker_follow_as_a_message(self) -> None:
        await self.connect()
        for kind, words in (("image", "w" * 1025), ("sticker", "hello")):
            file = self.file(kind)  # type: ignore[arg-type]
            sent = await self.channel.send(text(words, attachment=file))
            first, second = [one for one in self.telegram.said if one.own][-2:]
            self.assertEqual((first.files, first.text), ([PNG], ""))
            self.assertEqual((second.files, second.text), ([], words))
            self.assertEqual(sent.message_id, str(first.message_id))

    async def test_failed_text_after_a_sent_file_is_never_repeated(self) -> None:
        await self.connect()
        self.answer(500, "Internal Server Error", "sendMessage")
        sending = self.channel.send(text("w" * 2000, attachment=self.file("image")))
        await self.undelivered(sending, "unknown")

    async def test_picture_that_telegram_cannot_show_goes_as_a_document(self) -> None:
        await self.connect()
        await self.channel.send(text("look", attachment=self.file("image", b"not a picture")))
        self.assertEqual((self.last().method, self.last().text), ("sendDocument", "look"))
        self.answer(400, "Bad Request: PHOTO_INVALID_DIMENSIONS", "sendPhoto")
        await self.channel.send(text("", attachment=self.file("image")))
        self.assertEqual(self.last().method, "sendDocument")

    async def test_large_picture_goes_as_a_document_at_once(self) -> None:
        await self.connect()
        await self.channel.send(text("", attachment=self.file("image", PNG + bytes(10 << 20))))
        self.assertEqual(self.last().method, "sendDocument")
        self.assertEqual(len(self.telegram.named("sendPhoto")), 0)

    async def test_forbidden_voice_messages_go_as_audio(self) -> None:
        await self.connect()
        self.answer(400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", "sendVoice")
        await self.channel.send(text("", attachment=self.file("voice")))
        self.assertEqual(self.last().method, "sendAudio")

    async def test_files_that_cannot_go_are_final_without_a_request(self) -> None:
        await self.connect()
        missing = Attachment(kind="document", path="/nowhere/file")
        empty = self.file("document", b"")
        large = self.file("document")
        with open(large.path, "r+b") as file:
            file.truncate((50 << 20) + 1)
        for attachment in (missing, empty, large):
            await self.undelivered(self.channel.send(text("", attachment=attachment)), "never")
        self.assertEqual(len(self.telegram.named("sendDocument")), 0)


class FetchTests(SendCase):
    async def test_file_that_came_is_fetched(self) -> None:
        await self.connect()
        self.telegram.add_file("f1", b"contents")
        answer = await self.channel.fetch(Attachment(kind="document", ref="f1"))
        self.assertEqual((answer.status, await answer.read(100)), (200, b"contents"))

    async def test_file_that_is_too_big_for_bots(self) -> None:
        await self.connect()
        self.telegram.add_file("f1", b"", size=21 << 20)
        fetching = self.channel.fetch(Attachment(kind="document", ref="f1"))
        self.assertEqual(await self.kind_of(fetching), "too_large")

    async def kind_of(self, fetching: Deferred[Any]) -> str:
        """How a fetch failed."""
        error: Any = await self.assertFailure(fetching, OutboundError)
        return str(error.kind)

    async def test_file_that_is_not_given(self) -> None:
        fetching = self.make().fetch(Attachment(kind="document", ref="f1"))
        self.assertEqual(await self.kind_of(fetching), "connect")
        await self.connect()
        self.telegram.file_ids["local"] = ("/var/lib/bot/file", 1)
        for ref in ("unknown", "local"):
            fetching = self.channel.fetch(Attachment(kind="document", ref=ref))
            self.assertEqual(await self.kind_of(fetching), "refused")
