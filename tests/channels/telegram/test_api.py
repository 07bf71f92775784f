"""Tests of calls: addresses, forms, what a failure says of a message and of the account."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.telegram.api import (
    Address,
    Refused,
    Unanswered,
    address,
    broken,
    undelivered,
)
from openclaw.channels.platforms.telegram.commands import offered
from openclaw.channels.platforms.telegram.multipart import File, encode
from openclaw.channels.platforms.telegram.pauses import Pauses
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from openclaw.interfaces.queue import Undelivered
from tests.channels.telegram.counterpart import TOKEN
from tests.channels.telegram.forms import Upload, as_json, params
from tests.channels.telegram.rig import settings


class AddressTests(SynchronousTestCase):
    def test_pasted_tokens_are_cut_off(self) -> None:
        for pasted in ("", "/", "/bot<token>", "/bot<token>/", f"/bot{TOKEN}", f"/bot{TOKEN}/"):
            for root in ("https://api.telegram.org", "https://own.example:8443/telegram"):
                found = address(f" {root}{pasted}", TOKEN, False)
                self.assertEqual(found.root, root)
                self.assertEqual(found.method("getMe"), f"{root}/bot{TOKEN}/getMe")
                self.assertEqual(found.file("a/b c.txt"), f"{root}/file/bot{TOKEN}/a/b%20c.txt")

    def test_path_that_only_looks_like_one_stays(self) -> None:
        found = address("https://own.example/robot", TOKEN, False)
        self.assertEqual(found.root, "https://own.example/robot")

    def test_plain_http_is_for_this_machine_or_for_those_who_said_so(self) -> None:
        for host in ("127.0.0.1:81", "[::1]", "localhost", "LOCALHOST.", "127.9.9.9"):
            address(f"http://{host}", TOKEN, False)
        for host in ("own.example", "10.0.0.1", "localhost.example", "0.0.0.0"):
            error = self.assertRaises(ChannelFailed, address, f"http://{host}", TOKEN, False)
            self.assertIn("allowInsecure", error.message)
            address(f"http://{host}", TOKEN, True)

    def test_what_is_no_address(self) -> None:
        for root in ("", "api.telegram.org", "ftp://x.example", "https://", "https://x?y=1"):
            error = self.assertRaises(ChannelFailed, address, root, TOKEN, True)
            self.assertIn("apiRoot", error.message)

    def test_what_is_no_token_is_named_nowhere(self) -> None:
        for token in ("12/34", "a b", "é", "a?b", "x\r\ny"):
            error = self.assertRaises(ChannelFailed, address, "https://x.example", token, False)
            self.assertNotIn(token, error.message)

    def test_repr_shows_no_token(self) -> None:
        self.assertEqual(repr(Address(root="https://x", token=TOKEN)), "Address()")


class FormTests(SynchronousTestCase):
    NAMES = st.text(st.characters(codec="utf-8", min_codepoint=0xA1), max_size=20)

    @given(st.text(max_size=50), st.integers(), st.binary(max_size=200), NAMES)
    def test_what_is_written_can_be_read(
        self, text: str, number: int, data: bytes, name: str
    ) -> None:
        file = File(slot="document", name=name, mime="text/plain", data=data)
        given_params = {"caption": text, "chat_id": number, "reply_parameters": {"message_id": 1}}
        form = encode(given_params, file, Random(1).randbytes)
        found = params(form.content_type, "", form.body)
        self.assertEqual(found["caption"], text)
        self.assertEqual(as_json(found["chat_id"]), number)
        self.assertEqual(as_json(found["reply_parameters"]), {"message_id": 1})
        upload = found["document"]
        assert isinstance(upload, Upload)
        self.assertEqual((upload.data, upload.mime), (data, "text/plain"))

    def test_names_and_types_cannot_add_lines(self) -> None:
        file = File(slot="document", name='a"\r\nX: y', mime="a/b\r\nX: y", data=b"x")
        body = encode({}, file, Random(1).randbytes).body
        self.assertNotIn(b"\r\nX: y", body)
        self.assertIn(b'filename="a%22  X: y"', body)

    def test_contents_cannot_end_the_form(self) -> None:
        random_bytes = Random(1).randbytes
        inner = encode({"a": "b"}, File(slot="x", name="y", mime="", data=b"z"), random_bytes)
        outer = encode({}, File(slot="f", name="n", mime="", data=inner.body), random_bytes)
        self.assertEqual(params(outer.content_type, "", outer.body)["f"].data, inner.body)


class MeaningTests(SynchronousTestCase):
    def test_of_a_message(self) -> None:
        for error, repeatable, kind, after_ms in (
            (Refused(429, "slow", 2.5), False, "retry", 2500),
            (Refused(429, "slow"), False, "retry", 5000),
            (Refused(500, "odd"), False, "retry", 0),
            (Refused(401, "Unauthorized"), False, "later", 0),
            (Refused(403, "Forbidden"), False, "never", 0),
            (Refused(400, "Bad Request"), True, "never", 0),
            (Unanswered("lost"), False, "unknown", 0),
            (Unanswered("lost"), True, "retry", 0),
            (Unanswered("no connection", True), False, "retry", 0),
        ):
            found = undelivered(error, repeatable)
            self.assertEqual((found.kind, found.after_ms), (kind, after_ms), error)

    def test_of_the_account(self) -> None:
        for code in (401, 404):
            self.assertIsInstance(broken(Refused(code, "x")), ChannelFailed)
        for other in (Refused(500, "x"), Refused(403, "x"), Refused(409, "x"), Unanswered("x")):
            self.assertIsInstance(broken(other), ChannelDown)
        down: Any = broken(Refused(429, "x", 9))
        self.assertEqual(down.after_seconds, 9)


class PauseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.pauses = Pauses(lambda: self.now)

    def test_chat_waits_exactly_as_long_as_it_was_told(self) -> None:
        self.pauses.impose("a", 2)
        self.pauses.check("b")
        self.now = 101.5
        error = self.assertRaises(Undelivered, self.pauses.check, "a")
        self.assertEqual((error.kind, error.after_ms), ("later", 500))
        self.now = 102
        self.pauses.check("a")

    def test_shorter_pause_takes_nothing_from_a_longer_one(self) -> None:
        self.pauses.impose("a", 5)
        self.pauses.impose("a", 1)
        error = self.assertRaises(Undelivered, self.pauses.check, "a")
        self.assertEqual(error.after_ms, 5000)

    def test_three_chats_at_a_time_pause_all_until_the_first_is_free(self) -> None:
        for chat, seconds in (("a", 3), ("b", 2), ("c", 9)):
            self.pauses.check("d")
            self.pauses.impose(chat, seconds)
        error = self.assertRaises(Undelivered, self.pauses.check, "d")
        self.assertEqual(error.after_ms, 2000)
        self.now += 2
        self.pauses.check("d")


class CommandTests(SynchronousTestCase):
    def test_own_ones_come_with_the_gateways_and_go_before_them(self) -> None:
        found = offered(
            settings({"customCommands": [{"command": "/Help", "description": "Mine " * 90}]})
        )
        self.assertEqual(
            list(found), ["help", "status", "sessions", "model", "reset", "stop", "approve"]
        )
        self.assertEqual(len(found["help"]), 256)

    def test_gateways_can_be_left_out_and_odd_ones_are(self) -> None:
        custom = [
            {"command": "ok_1", "description": "Fine"},
            {"command": "not ok", "description": "Spaces"},
            {"command": "x" * 33, "description": "Long"},
            {"command": "silent", "description": " "},
        ]
        found = offered(settings({"commands": {"native": False}, "customCommands": custom}))
        self.assertEqual(found, {"ok_1": "Fine"})
