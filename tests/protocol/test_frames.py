"""Frames: good ones are read, bad ones are named in the words official clients know."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import Busy, FrameError, GatewayError, InvalidRequest
from openclaw.protocol.base import UNSET, Raw
from openclaw.protocol.frames import (
    ErrorBody,
    EventText,
    decode_request,
    encode_ok,
    encode_refused,
    error_body,
)
from tests.protocol.samples import client_requests

CONSTANT = "at /type: must be equal to constant"
NEEDS_ID, NEEDS_METHOD = (f"must have required property '{name}'" for name in ("id", "method"))
GOOD: tuple[tuple[str, tuple[str, str, object]], ...] = (
    ('{"type":"req","id":"1","method":"health"}', ("1", "health", UNSET)),
    ('{"method":"health","id":"1","type":"req","params":{}}', ("1", "health", b"{}")),
    ('{"type":"req","id":"1","method":"x","params":null}', ("1", "x", b"null")),
    ('{"type":"req","id":"1","method":"x","params":[1, {"a":"\\u00fc"}]}',
     ("1", "x", b'[1, {"a":"\\u00fc"}]')),
    ('{"type":"req","id":"1","method":"x","traceparent":"00-ab","expectedProfileId":"p"}',
     ("1", "x", UNSET)),
    (' \n{"type":"req","id":"🦞","method":"x"} ', ("🦞", "x", UNSET)),
    ('{"type":"req","id":"1","id":"2","method":"a","method":"b"}', ("2", "b", UNSET)),
)  # fmt: skip
# Text, the id to answer with, what is wrong.
BAD: tuple[tuple[str, object, str], ...] = (
    ('{"type":"req","method":"health"}', "invalid", NEEDS_ID),
    ('{"type":"foo","id":"z1"}', "z1", f"{NEEDS_METHOD}; {CONSTANT}"),
    ('{"type":"req","id":"z2","method":"health","zzz":1}', "z2",
     "at root: unexpected property 'zzz'"),
    ('{"type":"req","id":"z3","method":"health","data":{}}', "z3",
     "at root: unexpected property 'data'"),
    ('{"type":"res","id":"z4","ok":true}', "z4",
     f"{NEEDS_METHOD}; at root: unexpected property 'ok'; {CONSTANT}"),
    ('{"type":"req","id":5,"method":"health"}', 5, "at /id: must be string"),
    ('{"type":"req","id":1.5,"method":"health"}', 1.5, "at /id: must be string"),
    ('{"type":"req","id":null,"method":"health"}', "invalid", "at /id: must be string"),
    ('{"type":"req","id":{"a":1},"method":"health"}', "invalid", "at /id: must be string"),
    ('{"type":"req","id":"","method":"health"}', "invalid",
     "at /id: must not have fewer than 1 characters"),
    ('{"type":"req","id":"z6","method":""}', "z6",
     "at /method: must not have fewer than 1 characters"),
    ('{"type":"req","id":"z6","method":7}', "z6", "at /method: must be string"),
    ('{"type":"req","id":1e999,"method":"x"}', "invalid", "at /id: number out of range"),
    ("[1]", "invalid", "must be object"),
    ("null", "invalid", "must be object"),
    ('"text"', "invalid", "must be object"),
    ("17", "invalid", "must be object"),
)  # fmt: skip
NOT_JSON = (
    b"",
    b" ",
    b"hello",
    b"{",
    b'{"type":"req"',
    b'{"type":"foo","id":"z1"',
    b'{"type":"req","id":5,',
    b'{"type":"req","id":"1","method":"x"} trailing',
    b"{'type':'req'}",
    b'{"type":"req","id":"\xff","method":"x"}',
    b'{"type":"req","id":"\\ud800","method":"x"}',
    b'{"type":"req","id":"1","method":"x","params":NaN}',
    b"\xef\xbb\xbf{}",
    b"\x00",
)


def refused(text: bytes) -> FrameError:
    """Why a text is no request."""
    try:
        found = decode_request(text)
    except FrameError as error:
        return error
    raise AssertionError(f"accepted: {found!r}")


class RequestTests(SynchronousTestCase):
    def test_good_frames(self) -> None:
        for text, expected in GOOD:
            found = decode_request(text.encode())
            params = found.params if found.params is UNSET else bytes(found.params)
            self.assertEqual((found.id, found.method, params), expected, text)

    def test_bad_frames_are_named(self) -> None:
        for text, request_id, words in BAD:
            error = refused(text.encode())
            self.assertEqual(error.message, f"invalid request frame: {words}", text)
            self.assertEqual(error.request_id, request_id, text)
            self.assertEqual((error.code, error.is_json), ("INVALID_REQUEST", True))

    def test_text_that_is_not_json(self) -> None:
        for text in NOT_JSON:
            self.assertFalse(refused(text).is_json, text)

    def test_what_is_nested_too_deeply_is_refused(self) -> None:
        for text in (
            b'{"type":"req","id":"1","method":"x","params":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
            b'{"type":"req","id":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
            b"[" * 60_000,
        ):
            error = refused(text)
            self.assertTrue(error.is_json)
            self.assertEqual(error.request_id, "invalid")

    def test_a_frame_with_many_faults_is_answered_briefly(self) -> None:
        text = json.dumps({f"x{number}": 1 for number in range(100_000)}).encode()
        self.assertLess(len(refused(text).message), 1000)

    def test_recorded_requests_are_read(self) -> None:
        for frame in client_requests():
            found = decode_request(json.dumps(frame).encode())
            self.assertEqual((found.id, found.method), (frame["id"], frame["method"]))


class ResponseTests(SynchronousTestCase):
    def test_yes(self) -> None:
        for payload, text in (
            ({"a": 1}, b'{"a":1}'),
            (Raw(b'{"a": 1}'), b'{"a": 1}'),
            (None, b"null"),
        ):
            self.assertEqual(
                encode_ok('q"1', payload),
                b'{"type":"res","id":"q\\"1","ok":true,"payload":%b}' % text,
            )

    def test_no(self) -> None:
        body = ErrorBody(code="X", message="m")
        self.assertEqual(
            encode_refused("1", body),
            b'{"type":"res","id":"1","ok":false,"error":{"code":"X","message":"m"}}',
        )
        self.assertEqual(
            json.loads(encode_refused(5, body, {"runId": "r"})),
            {
                "type": "res",
                "id": 5,
                "ok": False,
                "payload": {"runId": "r"},
                "error": {"code": "X", "message": "m"},
            },
        )

    def test_errors_say_no_more_than_they_know(self) -> None:
        for error, expected in (
            (InvalidRequest("m"), {"code": "INVALID_REQUEST", "message": "m"}),
            (GatewayError("m", {}), {"code": "UNAVAILABLE", "message": "m"}),
            (
                Busy("m", {"code": "Y"}, retry_after_ms=7),
                {
                    "code": "UNAVAILABLE",
                    "message": "m",
                    "details": {"code": "Y"},
                    "retryable": True,
                    "retryAfterMs": 7,
                },
            ),
        ):
            found = json.loads(encode_refused("1", error_body(error)))["error"]
            self.assertEqual(found, expected)


class EventTests(SynchronousTestCase):
    def frame(self, text: bytes) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text)
        return found

    def test_a_numbered_event(self) -> None:
        for payload in ({"x": 1}, Raw(b'{"x":1}')):
            event = EventText("chat", payload)
            for seq in (1, 2, 1 << 40):
                self.assertEqual(
                    self.frame(event.numbered(seq)),
                    {"type": "event", "event": "chat", "payload": {"x": 1}, "seq": seq},
                )

    def test_a_targeted_event_has_no_number(self) -> None:
        frame = self.frame(EventText("chat", {}).targeted)
        self.assertEqual(frame, {"type": "event", "event": "chat", "payload": {}})

    def test_versions(self) -> None:
        event = EventText("health", {}, {"presence": 1, "health": 2})
        for text in (event.targeted, event.numbered(3)):
            self.assertEqual(self.frame(text)["stateVersion"], {"presence": 1, "health": 2})
        self.assertEqual(self.frame(event.numbered(3))["seq"], 3)
