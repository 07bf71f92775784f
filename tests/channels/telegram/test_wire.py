"""Tests of what updates mean: golden payloads, missing fields, odd shapes."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.telegram import entities, wire
from openclaw.channels.platforms.telegram.objects import Entity, User
from openclaw.interfaces.messages import Attachment, Inbound, Person, Quote

ME = User(id=99, is_bot=True, first_name="Tia", username="Tia_Bot")
NOW = 1_700_000_000_000
ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "L", "username": "ada"}
TIA = {"id": 99, "is_bot": True, "first_name": "Tia", "username": "Tia_Bot"}
DM = {"id": 42, "type": "private", "first_name": "Ada"}
GROUP = {"id": -1001, "type": "supergroup", "title": "Friends"}
FORUM = {**GROUP, "is_forum": True}


def news(kind: str, content: Any, me: User = ME) -> wire.News:
    reader = wire.Reader(
        channel="telegram",
        account="default",
        me=me,
        now_ms=lambda: NOW,
        commands=frozenset({"status"}),
    )
    update = wire.update({"update_id": 5, kind: content})
    assert update is not None
    return reader.news(update)


def heard(content: Any, kind: str = "message", me: User = ME) -> Inbound:
    inbound = news(kind, content, me).inbound
    assert inbound is not None
    return inbound


def message(text: str = "", chat: Any = None, **more: Any) -> dict[str, Any]:
    base = {"message_id": 7, "date": 1000, "from": ADA, "chat": chat or DM}
    return {**base, **({"text": text} if text else {}), **more}


def marked(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


class MessageTests(SynchronousTestCase):
    def test_direct_message(self) -> None:
        self.assertEqual(
            heard(message("hello")),
            Inbound(
                channel="telegram",
                account="default",
                chat_type="dm",
                chat_id="42",
                chat_name="Ada",
                sender=Person(id="42", name="Ada L", username="ada"),
                message_id="7",
                dedupe_id="42:7",
                timestamp_ms=1_000_000,
                text="hello",
            ),
        )

    def test_chat_types(self) -> None:
        for kind, chat_type in (
            ("private", "dm"),
            ("group", "group"),
            ("supergroup", "group"),
            ("channel", "channel"),
        ):
            found = heard(message("x", {"id": -5, "type": kind}))
            self.assertEqual(found.chat_type, chat_type)
        self.assertEqual(heard(message("x", {"id": -5})).chat_type, "group")
        self.assertEqual(heard(message("x", {"id": 5})).chat_type, "dm")

    def test_least_that_a_message_can_be(self) -> None:
        found = heard({"chat": {"id": 42}, "text": "x", "from": None, "entities": None})
        self.assertEqual((found.text, found.sender.id, found.timestamp_ms), ("x", "42", 0))

    def test_channel_post_is_the_channels(self) -> None:
        post = {"message_id": 1, "date": 1, "text": "news", "chat": {"id": -100, "type": "channel"}}
        found = heard(post, "channel_post")
        self.assertEqual((found.chat_type, found.sender.id), ("channel", "-100"))

    def test_anonymous_administrator_and_linked_channel_are_who_they_write_as(self) -> None:
        bot = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        found = heard(message("x", GROUP, **{"from": bot}, sender_chat=GROUP))
        self.assertEqual(found.sender, Person(id="-1001", name="Friends"))
        telegram = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
        channel = {"id": -200, "type": "channel", "title": "News"}
        posted = message(
            "x", GROUP, **{"from": telegram}, sender_chat=channel, is_automatic_forward=True
        )
        self.assertEqual(heard(posted).sender, Person(id="-200", name="News"))

    def test_other_bots_are_known_as_such_and_our_own_words_are_not_heard(self) -> None:
        bot = {"id": 3, "is_bot": True, "first_name": "Other"}
        self.assertTrue(heard(message("x", GROUP, **{"from": bot})).sender.is_bot)
        self.assertIsNone(news("message", message("x", GROUP, **{"from": TIA})).inbound)

    def test_service_messages_come_to_nothing(self) -> None:
        for content in ({"new_chat_members": [ADA]}, {"pinned_message": message("x")}, {}):
            found = news("message", message(chat=GROUP, **content))
            self.assertEqual((found.inbound, found.unused), (None, "a service message"))

    def test_group_that_moves_is_told_from_both_sides(self) -> None:
        group = {"id": -5, "type": "group", "title": "Friends"}
        found = news("message", message(chat=group, migrate_to_chat_id=-1005))
        self.assertEqual((found.moved, found.inbound), (("-5", "-1005"), None))
        chat = {"id": -1005, "type": "supergroup"}
        found = news("message", message(chat=chat, migrate_from_chat_id=-5))
        self.assertEqual(found.moved, ("-5", "-1005"))

    def test_album_is_one_batch(self) -> None:
        photo = [{"file_id": "a"}]
        self.assertEqual(heard(message(photo=photo, media_group_id="g1")).batch, "g1")

    def test_edit_names_what_changed_and_when(self) -> None:
        found = heard(message("new", edit_date=2000), "edited_message")
        self.assertEqual(
            (found.kind, found.edit_of, found.message_id, found.dedupe_id, found.timestamp_ms),
            ("edit", "7", "7", "42:7:2000", 2_000_000),
        )


class MentionTests(SynchronousTestCase):
    def mention(self, text: str, *marks: dict[str, Any], **more: Any) -> tuple[str, Any]:
        found = heard(message(text, GROUP, entities=list(marks), **more))
        return found.mention, found.mentions

    def test_our_name_in_any_case_behind_characters_of_two_units(self) -> None:
        text = "😀😀 @TIA_bot hi"
        self.assertEqual(self.mention(text, marked("mention", 5, 8)), ("native", ("99",)))
        self.assertEqual(self.mention(text, marked("mention", 3, 8)), ("none", ()))

    def test_name_that_only_begins_like_ours(self) -> None:
        self.assertEqual(self.mention("@tia_bot2 hi", marked("mention", 0, 9)), ("none", ()))

    def test_name_without_a_mark_is_just_text(self) -> None:
        self.assertEqual(self.mention("mail x@tia_bot"), ("none", ()))

    def test_server_that_marks_nothing(self) -> None:
        for text in ("😀 @TIA_bot hi", "@tia_bot", "hi (@Tia_Bot)", "ask @tia_bot."):
            self.assertEqual(self.mention(text), ("native", ("99",)), text)
        for text in ("mail x@tia_bot", "@tia_bot2 hi", "@@tia_bot", "tia_bot", "@tia_botß"):
            self.assertEqual(self.mention(text), ("none", ()), text)
        code = marked("code", 0, 8)
        self.assertEqual(self.mention("@tia_bot hi", code), ("none", ()))

    def test_command_that_names_us_later_in_the_text(self) -> None:
        ours, other = marked("bot_command", 4, 15), marked("bot_command", 4, 17)
        self.assertEqual(self.mention("see /status@tia_bot", ours), ("native", ("99",)))
        self.assertEqual(self.mention("see /status@other_bot", other), ("none", ()))

    def test_mention_of_somebody_without_a_name(self) -> None:
        self.assertEqual(
            self.mention("Tia!", marked("text_mention", 0, 3, user=TIA)), ("native", ("99",))
        )
        self.assertEqual(
            self.mention("Ada!", marked("text_mention", 0, 3, user=ADA)), ("none", ("42",))
        )

    def test_caption_with_a_hidden_link_is_the_text(self) -> None:
        link = marked("text_link", 4, 4, url="https://a.example")
        found = heard(
            message(photo=[{"file_id": "a"}], caption="see this", caption_entities=[link])
        )
        self.assertEqual(found.text, "see [this](https://a.example)")
        self.assertEqual([one.caption for one in found.attachments], [found.text])

    def test_mention_in_a_caption(self) -> None:
        photo = message(
            chat=GROUP,
            photo=[{"file_id": "a"}],
            caption="@tia_bot look",
            caption_entities=[marked("mention", 0, 8)],
        )
        self.assertEqual(heard(photo).mention, "native")

    def test_reply_to_us(self) -> None:
        own = message("earlier", GROUP, **{"from": TIA, "message_id": 6})
        self.assertEqual(self.mention("and?", reply_to_message=own), ("reply", ()))

    def test_no_name_of_ours_is_never_mentioned(self) -> None:
        found = heard(
            message("@ x", GROUP, entities=[marked("mention", 0, 1)]), me=User(id=99, is_bot=True)
        )
        self.assertEqual(found.mention, "none")


class CommandTests(SynchronousTestCase):
    def command(self, text: str, chat: Any) -> tuple[str, str, str, str]:
        word = text.split()[0]
        found = heard(message(text, chat, entities=[marked("bot_command", 0, len(word))]))
        return found.kind, found.command, found.mention, found.text

    def test_direct_command(self) -> None:
        self.assertEqual(
            self.command("/Start now", DM), ("command", "start", "command", "/Start now")
        )

    def test_group_command_for_us_loses_our_name(self) -> None:
        self.assertEqual(
            self.command("/anything@tia_bot now", GROUP),
            ("command", "anything", "command", "/anything now"),
        )

    def test_bare_group_command_is_ours_if_it_is_known(self) -> None:
        self.assertEqual(self.command("/status", GROUP)[:3], ("command", "status", "command"))
        self.assertEqual(self.command("/roll", GROUP)[:3], ("message", "", "none"))

    def test_command_for_another_bot_is_not_ours(self) -> None:
        self.assertEqual(
            self.command("/status@other_bot", GROUP),
            ("message", "", "none", "/status@other_bot"),
        )

    def test_command_of_a_server_that_marks_nothing(self) -> None:
        for text, command in (
            ("/status@tia_bot now", ("command", "status", "/status now")),
            ("/Status", ("command", "status", "/Status")),
            ("/roll", ("message", "", "/roll")),
            ("/status@other_bot", ("message", "", "/status@other_bot")),
            ("/home/ada", ("message", "", "/home/ada")),
        ):
            found = heard(message(text, GROUP))
            self.assertEqual((found.kind, found.command, found.text), command)

    def test_slash_later_in_the_text_is_no_command(self) -> None:
        found = heard(message("see /status", entities=[marked("bot_command", 4, 7)]))
        self.assertEqual((found.kind, found.command), ("message", ""))


class PlaceTests(SynchronousTestCase):
    def test_topic(self) -> None:
        found = heard(message("x", FORUM, message_thread_id=12, is_topic_message=True))
        self.assertEqual((found.chat_id, found.thread_id), ("-1001", "12"))

    def test_general_topic_has_no_id_of_its_own(self) -> None:
        self.assertEqual(heard(message("x", FORUM)).thread_id, "1")
        self.assertEqual(heard(message("x", FORUM, message_thread_id=7)).thread_id, "1")

    def test_chain_of_replies_is_no_topic(self) -> None:
        self.assertEqual(heard(message("x", GROUP, message_thread_id=12)).thread_id, "")

    def test_topic_of_a_direct_chat(self) -> None:
        with_topics = User(id=99, has_topics_enabled=True)
        content = message("x", message_thread_id=12)
        self.assertEqual(heard(content, me=with_topics).thread_id, "12")
        self.assertEqual(heard(content).thread_id, "")

    def test_topics_own_root_is_no_reply(self) -> None:
        root = message(chat=FORUM, message_id=12, forum_topic_created={"name": "Cats"})
        inside = message(
            "x", FORUM, message_thread_id=12, is_topic_message=True, reply_to_message=root
        )
        self.assertIsNone(heard(inside).reply_to)
        del root["forum_topic_created"]
        self.assertIsNone(heard(inside).reply_to)

    def test_reply_and_the_part_that_was_chosen(self) -> None:
        replied = message("the whole of it", **{"message_id": 6, "from": TIA})
        found = heard(message("x", reply_to_message=replied))
        self.assertEqual(
            found.reply_to,
            Quote(message_id="6", sender_id="99", text="the whole of it", is_own=True),
        )
        found = heard(message("x", reply_to_message=replied, quote={"text": "whole"}))
        assert found.reply_to is not None
        self.assertEqual(found.reply_to.text, "whole")


class MediaTests(SynchronousTestCase):
    def file(self, **content: Any) -> tuple[Attachment, str]:
        found = heard(message(**content))
        (attachment,) = found.attachments
        return attachment, found.text

    def test_largest_photo(self) -> None:
        sizes = [
            {"file_id": "s", "width": 90, "height": 90, "file_size": 100},
            {"file_id": "l", "width": 900, "height": 900, "file_size": 9000},
            {"file_id": "m", "width": 300, "height": 300},
        ]
        attachment, text = self.file(photo=sizes, caption="look")
        self.assertEqual(
            attachment,
            Attachment(kind="image", mime="image/jpeg", size=9000, ref="l", caption="look"),
        )
        self.assertEqual(text, "look")

    def test_every_kind(self) -> None:
        for name, kind, mime in (
            ("document", "document", "application/octet-stream"),
            ("audio", "audio", "audio/mpeg"),
            ("voice", "voice", "audio/ogg"),
            ("video", "video", "video/mp4"),
            ("video_note", "video", "video/mp4"),
            ("animation", "video", "video/mp4"),
            ("sticker", "sticker", "image/webp"),
        ):
            attachment, text = self.file(**{name: {"file_id": "f", "duration": 2}})
            self.assertEqual((attachment.kind, attachment.mime), (kind, mime))
            self.assertEqual((attachment.ref, text), ("f", f"<media:{kind}>"))

    def test_what_telegram_says_of_a_file(self) -> None:
        file = {
            "file_id": "f",
            "file_name": "a.pdf",
            "mime_type": "application/pdf",
            "file_size": 12,
            "duration": 3,
        }
        self.assertEqual(
            self.file(document=file)[0],
            Attachment(
                kind="document",
                name="a.pdf",
                mime="application/pdf",
                size=12,
                ref="f",
                duration_ms=3000,
            ),
        )

    def test_animation_is_one_file_though_it_is_told_twice(self) -> None:
        attachment, _ = self.file(animation={"file_id": "a"}, document={"file_id": "a"})
        self.assertEqual(attachment.kind, "video")

    def test_stickers_and_their_emoji(self) -> None:
        _, text = self.file(sticker={"file_id": "f", "emoji": "😀"})
        self.assertEqual(text, "<media:sticker> 😀")
        for flag, mime in (("is_animated", "application/x-tgsticker"), ("is_video", "video/webm")):
            attachment, _ = self.file(sticker={"file_id": "f", flag: True})
            self.assertEqual(attachment.mime, mime)

    def test_things_that_are_no_files(self) -> None:
        place = {"latitude": 52.5, "longitude": 13.4}
        for content, text in (
            ({"location": place}, "<location: 52.5, 13.4>"),
            (
                {
                    "location": place,
                    "venue": {"location": place, "title": "Bar", "address": "St 1"},
                },
                "<venue: Bar St 1 (52.5, 13.4)>",
            ),
            (
                {"contact": {"first_name": "Bo", "phone_number": "+1"}},
                "<contact: Bo +1>",
            ),
            (
                {"poll": {"question": "Tea?", "options": [{"text": "yes"}, {"text": "no"}]}},
                "<poll: Tea? | yes | no>",
            ),
            ({"dice": {"emoji": "🎲", "value": 4}}, "<dice: 🎲 4>"),
            ({"poll": {"question": "Tea?"}}, "<poll: Tea?>"),
            ({"venue": {"title": "Bar"}}, "<venue: Bar (?)>"),
        ):
            self.assertEqual(heard(message(**content)).text, text)


class EventTests(SynchronousTestCase):
    def test_button(self) -> None:
        query = {
            "id": "q1",
            "from": ADA,
            "data": "yes:1",
            "message": message("sure?", FORUM, message_thread_id=3, is_topic_message=True),
        }
        found = news("callback_query", query)
        inbound = found.inbound
        assert inbound is not None
        self.assertEqual(found.callback_id, "q1")
        self.assertEqual(
            (inbound.kind, inbound.text, inbound.sender.id, inbound.chat_id, inbound.thread_id),
            ("button", "yes:1", "42", "-1001", "3"),
        )
        self.assertEqual((inbound.dedupe_id, inbound.timestamp_ms), ("callback:q1", NOW))

    def test_button_of_an_inline_message_is_only_answered(self) -> None:
        found = news("callback_query", {"id": "q1", "from": ADA, "inline_message_id": "i"})
        self.assertEqual((found.callback_id, found.inbound), ("q1", None))

    def reaction(self, old: list[str], new: list[str], **who: Any) -> wire.News:
        def types(emojis: list[str]) -> list[dict[str, str]]:
            return [{"type": "emoji", "emoji": emoji} for emoji in emojis]

        content = {
            "chat": GROUP,
            "message_id": 7,
            "date": 1000,
            "old_reaction": types(old),
            "new_reaction": types(new),
            **(who or {"user": ADA}),
        }
        return news("message_reaction", content)

    def test_reaction_given_changed_and_taken_back(self) -> None:
        for old, new, emoji in (([], ["👍"], "👍"), (["👍"], ["👍", "🔥"], "🔥"), (["👍"], [], "")):
            inbound = self.reaction(old, new).inbound
            assert inbound is not None
            self.assertEqual((inbound.kind, inbound.reaction), ("reaction", emoji))
            self.assertEqual((inbound.message_id, inbound.sender.id), ("7", "42"))
            self.assertTrue(inbound.text)

    def test_reaction_of_a_channel_and_of_nobody(self) -> None:
        inbound = self.reaction([], ["👍"], actor_chat={"id": -9, "title": "News"}).inbound
        assert inbound is not None
        self.assertEqual(inbound.sender.id, "-9")
        self.assertIsNone(self.reaction([], ["👍"], user=TIA).inbound)
        self.assertIsNone(self.reaction([], ["👍"], reactor=1).inbound)

    def test_reactions_that_are_no_characters(self) -> None:
        for kind, name in (
            ({"type": "custom_emoji", "custom_emoji_id": "5"}, "custom:5"),
            ({"type": "paid"}, "paid"),
        ):
            content = {"chat": GROUP, "message_id": 7, "user": ADA, "new_reaction": [kind]}
            self.assertEqual(heard(content, "message_reaction").reaction, name)


class OddTests(SynchronousTestCase):
    def test_frames_without_an_id_cannot_be_confirmed(self) -> None:
        odd: tuple[Any, ...] = (None, [], "x", {}, {"update_id": "x"}, {"message": {}})
        for raw in odd:
            self.assertIsNone(wire.update(raw))

    def test_unknown_kinds_keep_their_number(self) -> None:
        update = wire.update({"update_id": 8, "guest_message": {"chat": {"id": 1}}})
        assert update is not None
        self.assertEqual((update.id, update.kind, update.lane), (8, "guest_message", "1"))

    def test_lane_is_the_chat_also_for_buttons(self) -> None:
        query = {"id": "q", "message": {"chat": {"id": -5}}}
        update = wire.update({"update_id": 8, "callback_query": query})
        assert update is not None
        self.assertEqual(update.lane, "-5")

    @given(
        st.sampled_from([*wire.ALLOWED_UPDATES, "odd"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["chat", "id", "text", "from", "message", "photo", "entities"]),
                    inner,
                    max_size=5,
                )
            ),
            max_leaves=12,
        ),
    )
    def test_no_content_whatever_raises(self, kind: str, content: Any) -> None:
        update = wire.update({"update_id": 5, kind: content})
        assert update is not None
        self.assertIsInstance(update.lane, str)
        news(kind, content)

    @given(st.text(max_size=30), st.integers(0, 30), st.integers(0, 30))
    def test_marks_count_utf16_units(self, text: str, start: int, length: int) -> None:
        before, inside = text[:start], text[start : start + length]
        entity = Entity(type="bold", offset=units(before), length=units(inside))
        self.assertEqual(entities.part(text, entity), inside)

    @given(st.text(max_size=20), st.text(min_size=1, max_size=5), st.text(max_size=20))
    def test_hidden_link_is_shown_and_nothing_else_changes(
        self, before: str, label: str, after: str
    ) -> None:
        entity = Entity(
            type="text_link", offset=units(before), length=units(label), url="https://e.x/"
        )
        self.assertEqual(
            entities.with_links(before + label + after, [entity]),
            f"{before}[{label}](https://e.x/){after}",
        )

    def test_payload_as_the_platforms_page_shows_it(self) -> None:
        """An update of https://core.telegram.org/bots/webhooks, message with entities."""
        raw = """{"update_id":10000, "message":{"date":1441645532,
            "chat":{"last_name":"Test Lastname","id":1111111,"type": "private",
            "first_name":"Test Firstname","username":"Testusername"},
            "message_id":1365,"from":{"last_name":"Test Lastname","id":1111111,
            "first_name":"Test Firstname","username":"Testusername"},
            "text":"Bold and italics","entities":[{"type":"italic","offset":9,"length":7},
            {"type":"bold","offset":0,"length":4}]}}"""
        update = wire.update(json.loads(raw))
        assert update is not None
        found = heard(update.content)
        self.assertEqual((found.text, found.chat_id), ("Bold and italics", "1111111"))
        self.assertEqual(msgspec.json.decode(raw)["update_id"], update.id)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
