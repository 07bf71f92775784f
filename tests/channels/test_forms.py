"""Tests of forms, with the standard library's and Twisted's parsers as judges."""

import os
import time
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from twisted.internet import reactor
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.server import Request

from openclaw.channels.forms import Form, Part, multipart, urlencoded
from openclaw.http.outbound import TreqOutbound
from tests.http.upstream import Upstream

STRANGE = ["", "a b&c=d", "\xfc\U0001f642", "line\r\nX: y", 'quote"d', "back\\slash", "%22", "\x00"]


def read(form: Form) -> list[Any]:
    """The parts, as the standard library reads them."""
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    message: Any = message_from_bytes(head + form.body, policy=HTTP)
    assert not message.defects, message.defects
    return list(message.iter_parts())


class UrlencodedTests(SynchronousTestCase):
    """``a=b``."""

    def test_anything_comes_back(self) -> None:
        fields = {f"n{number}{text}": text for number, text in enumerate(STRANGE)}
        form = urlencoded(fields)
        back = dict(parse_qsl(form.body.decode("ascii"), keep_blank_values=True))
        self.assertEqual(back, fields)
        self.assertEqual(form.content_type, "application/x-www-form-urlencoded")


class MultipartTests(SynchronousTestCase):
    """Fields and files."""

    def test_fields_and_files_come_back_in_order(self) -> None:
        data = bytes(range(256)) + b"\r\n--boundary\r\n\r\n--"
        parts = [
            Part(name="photo", data=data, filename="a.png", mime="image/png"),
            Part(name="payload", data=b"{}", mime="application/json; charset=utf-8"),
            Part(name="empty", data=b"", filename="b"),
        ]
        form = multipart({"chat_id": "1", "text": "\xfc\U0001f642\r\n"}, parts, os.urandom)
        found = read(form)
        names = [part.get_param("name", header="content-disposition") for part in found]
        self.assertEqual(names, ["chat_id", "text", "photo", "payload", "empty"])
        self.assertEqual([part.get_filename() for part in found[2:]], ["a.png", None, "b"])
        self.assertEqual(found[2].get_content_type(), "image/png")
        self.assertEqual(found[2].get_payload(decode=True), data)
        self.assertEqual(found[3].get_content_type(), "application/json")

    def test_names_cannot_leave_their_header(self) -> None:
        for text in STRANGE:
            form = multipart({}, [Part(name=text, data=b"x", filename=text)], os.urandom)
            head = form.body.split(b"\r\n\r\n")[0]
            self.assertEqual(head.count(b"\r\n"), 2, text)
            self.assertEqual(head.split(b"\r\n")[1].count(b'"'), 4, text)
            self.assertEqual(len(read(form)), 1)

    def test_types_that_no_header_has_are_left_out(self) -> None:
        for mime in ("", "text", "a/b\r\nX: y", "a/b; c", "\xfc/b", "a b/c"):
            form = multipart({}, [Part(name="a", data=b"", mime=mime)], os.urandom)
            self.assertEqual(read(form)[0].get_content_type(), "application/octet-stream", mime)

    def test_every_form_has_a_boundary_of_its_own(self) -> None:
        types = {multipart({}, [], os.urandom).content_type for _ in range(100)}
        self.assertEqual(len(types), 100)

    def test_a_large_file_does_not_hold_the_reactor(self) -> None:
        data = bytes(50 << 20)
        took = []
        for _ in range(3):
            began = time.perf_counter()
            form = multipart({"a": "b"}, [Part(name="f", data=data, filename="f")], os.urandom)
            took.append(time.perf_counter() - began)
        self.assertGreater(len(form.body), len(data))
        self.assertLess(min(took), 0.25)

    def test_repr_shows_no_file(self) -> None:
        self.assertNotIn("secret", repr(Part(name="a", data=b"secret")))


class SentTests(TestCase):
    """Forms as a real web server reads them."""

    timeout = 120

    async def test_a_server_finds_every_field(self) -> None:
        found: list[dict[bytes, list[bytes]]] = []

        def note(request: Request) -> None:
            found.append(request.args)
            request.finish()

        server, client = Upstream(note), TreqOutbound(reactor)
        fields = {"text": "\xfc\U0001f642\r\n", "empty": ""}
        file = Part(name="file", data=b"\x00\xff\r\n--", filename='a"b\r\n.png', mime="image/png")
        for form in (multipart(fields, [file], os.urandom), urlencoded(fields)):
            headers = {"content-type": form.content_type}
            answer = await client.request("POST", server.url, headers, form.body, trusted=True)
            self.assertEqual((answer.status, await answer.read(10)), (200, b""))
        await client.stopService()
        await server.stop()
        for args in found:
            self.assertEqual(args[b"text"], [fields["text"].encode()])
            self.assertEqual(args[b"empty"], [b""])
        self.assertEqual(found[0][b"file"], [file.data])
