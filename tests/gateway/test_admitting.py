"""The way from upgrade to hello, and every way it can end before."""

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from openclaw.errors import ConnectRefused
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ConnectParams
from tests.gateway import wire
from tests.gateway.rig import Socket, answers, connect_request
from tests.gateway.sockets import Closed, ConnectionCase
from tests.security.clients import NOW_MS, TOKEN, KeyedDevice

RECORDED = Path(__file__).parents[1] / "conformance" / "recorded.json"


class OpeningTests(ConnectionCase):
    """Challenge, connect, hello."""

    def test_the_challenge_comes_at_once(self) -> None:
        (seen,) = self.dial().taken()
        self.assertEqual(
            seen.json(),
            {
                "type": "event",
                "event": "connect.challenge",
                "payload": {"nonce": "id-1", "ts": NOW_MS},
            },
        )

    def test_the_hello_says_who_one_is_and_what_there_is(self) -> None:
        socket = self.dial()
        socket.taken()
        socket.send(connect_request(scopes=["operator.read"]))
        (answer,) = answers(socket.taken())
        self.assertEqual((answer["type"], answer["id"], answer["ok"]), ("res", "c1", True))
        hello = answer["payload"]
        self.assertEqual((hello["type"], hello["protocol"]), ("hello-ok", 4))
        self.assertEqual(
            hello["auth"], {"method": "token", "role": "operator", "scopes": ["operator.read"]}
        )
        self.assertEqual(
            hello["policy"],
            {"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000},
        )
        self.assertEqual(hello["features"]["methods"], self.rig.dispatcher.methods)
        self.assertEqual(hello["snapshot"]["health"], {"ok": True})
        self.assertEqual(hello["snapshot"]["sessionDefaults"]["mainSessionKey"], "agent:main:main")
        self.assertNotIn("null", json.dumps(hello))

    def test_the_hello_shows_a_client_to_itself(self) -> None:
        socket = self.dial()
        (challenge,) = answers(socket.taken())
        device = KeyedDevice()
        request = connect_request(
            "openclaw-tui/ui", device=device, nonce=challenge["payload"]["nonce"]
        )
        socket.send(request)
        hello = answers(socket.taken())[0]["payload"]
        self.assertEqual(hello["snapshot"]["presence"][1]["deviceId"], device.id)
        self.assertEqual(hello["auth"]["deviceToken"], hello["auth"]["deviceToken"].strip())
        self.assertEqual(hello["snapshot"]["stateVersion"]["presence"], 1)
        self.rig.turn()
        self.assertEqual(socket.taken(), [])

    def test_a_node_or_scopeless_client_sees_nobody(self) -> None:
        socket = self.dial()
        socket.taken()
        socket.send(connect_request(scopes=[]))
        hello = answers(socket.taken())[0]["payload"]
        self.assertEqual(hello["snapshot"]["presence"], [])

    def test_others_hear_of_it_and_of_the_end(self) -> None:
        watching = self.connect()
        socket = self.dial()
        (challenge,) = answers(socket.taken())
        nonce = challenge["payload"]["nonce"]
        socket.send(connect_request("openclaw-tui/ui", device=KeyedDevice(), nonce=nonce))
        said, _ = self.ending(watching)
        self.assertEqual([frame["event"] for frame in said], ["presence"])
        socket.lose()
        self.sockets.remove(socket)
        said, _ = self.ending(watching)
        self.assertEqual(
            [frame["payload"]["presence"][1]["reason"] for frame in said], ["disconnect"]
        )

    def test_one_message_until_it_is_answered(self) -> None:
        decision: Deferred[Admitted] = Deferred()
        self.decide_with(decision)
        socket = self.dial()
        socket.taken()
        socket.send(connect_request())
        socket.send(connect_request())
        _, closed = self.ending(socket)
        self.assertEqual(closed, (1008, "invalid handshake: wait for the answer to connect"))
        decision.callback(Admitted("operator", (), "token"))
        self.assertEqual(socket.taken(), [])

    def test_a_decision_that_takes_its_time(self) -> None:
        decision: Deferred[Admitted] = Deferred()
        self.decide_with(decision)
        socket = self.dial()
        socket.taken()
        socket.send(connect_request())
        self.assertEqual(self.ending(socket), ([], None))
        decision.callback(Admitted("operator", ("operator.read",), "token"))
        said, closed = self.ending(socket)
        self.assertEqual([frame["ok"] for frame in said], [True])
        self.assertIsNone(closed)

    def test_a_decision_after_the_socket_is_gone(self) -> None:
        decision: Deferred[Admitted] = Deferred()
        self.decide_with(decision)
        socket = self.dial()
        socket.send(connect_request())
        socket.lose()
        self.sockets.clear()
        decision.callback(Admitted("operator", (), "token"))
        self.assertEqual(len(self.rig.broadcaster), 0)

    def test_an_admission_that_breaks_is_told_without_its_words(self) -> None:
        later: Deferred[Admitted] = Deferred()
        for failing in (ValueError("secret"), later):
            self.decide_with(failing)
            socket = self.dial()
            socket.taken()
            socket.send(connect_request())
            if isinstance(failing, Deferred):
                failing.errback(ValueError("secret"))
            said, closed = self.ending(socket)
            self.assertEqual(
                said[0]["error"],
                {"code": "UNAVAILABLE", "message": "gateway cannot decide now", "retryable": True},
            )
            self.assertEqual(closed, (1008, "gateway cannot decide now"))
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def decide_with(self, decision: Any) -> None:
        """Let admission answer with this."""

        class Deciding:
            def admit(self, params: ConnectParams, peer: Peer, nonce: str) -> Any:
                if isinstance(decision, Exception):
                    raise decision
                return decision

        self.rig.door.admission = Deciding()  # type: ignore[assignment]


class RefusalTests(ConnectionCase):
    """An error answer first, then the close that repeats it."""

    def refused(self, request: object, socket: Socket | None = None) -> tuple[Any, Closed | None]:
        """The error and the close of one connection."""
        if socket is None:
            socket = self.dial()
        socket.taken()
        socket.send(request)
        said, closed = self.ending(socket)
        self.assertEqual(len(said), 1, said)
        self.assertEqual((said[0]["id"], said[0]["ok"]), ("c1", False))
        return said[0]["error"], closed

    def changed(self, **changes: Any) -> dict[str, Any]:
        """A connect request with other params."""
        request = connect_request()
        request["params"].update(changes)
        return request

    def test_each_cause_has_its_words_and_codes(self) -> None:
        bad_client = {"id": "nobody", "version": "1", "platform": "x", "mode": "cli"}
        device = {"device": KeyedDevice()}
        for request, code, message, detail, close in (
            (connect_request(protocols=(3, 3)), "INVALID_REQUEST", "protocol mismatch",
             "PROTOCOL_MISMATCH", 1002),
            (connect_request(protocols=(5, 9)), "INVALID_REQUEST", "protocol mismatch",
             "PROTOCOL_MISMATCH", 1002),
            (self.changed(client=bad_client), "INVALID_REQUEST",
             "invalid connect params: at /client/id: must be equal to one of the allowed values",
             None, 1008),
            (self.changed(minProtocol="4"), "INVALID_REQUEST",
             "invalid connect params: at /minProtocol: must be integer", None, 1008),
            (self.changed(role="boss"), "INVALID_REQUEST", "invalid role", None, 1008),
            (connect_request(auth={"token": "wrong"}), "INVALID_REQUEST", None,
             "AUTH_TOKEN_MISMATCH", 1008),
            (connect_request(auth={}), "NOT_PAIRED", "device identity required",
             "DEVICE_IDENTITY_REQUIRED", 1008),
            (connect_request("openclaw-tui/ui"), "INVALID_REQUEST", None,
             "CONTROL_UI_DEVICE_IDENTITY_REQUIRED", 1008),
            (connect_request("webchat-ui/webchat"), "INVALID_REQUEST", None,
             "CONTROL_UI_ORIGIN_NOT_ALLOWED", 1008),
            (connect_request("openclaw-tui/ui", **device), "INVALID_REQUEST",
             "device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH", 1008),
        ):  # fmt: skip
            error, closed = self.refused(request)
            self.assertEqual(error["code"], code, message)
            if message is not None:
                self.assertEqual(error["message"], message)
            self.assertEqual(error.get("details", {}).get("code"), detail, message)
            self.assertNotIn(TOKEN, json.dumps(error))
            assert closed is not None
            self.assertEqual(closed[0], close)
            self.assertEqual(closed[1].encode(), error["message"].encode()[:123])

    def test_signatures(self) -> None:
        for change, code in (
            ({"at_ms": NOW_MS - 120_001}, "DEVICE_AUTH_SIGNATURE_EXPIRED"),
            ({"at_ms": NOW_MS + 120_001}, "DEVICE_AUTH_SIGNATURE_EXPIRED"),
        ):
            socket = self.dial()
            (challenge,) = answers(socket.taken())
            nonce = challenge["payload"]["nonce"]
            request = connect_request(
                "openclaw-tui/ui", device=KeyedDevice(), nonce=nonce, **change
            )
            error, _ = self.refused(request, socket)
            self.assertEqual(error["details"]["code"], code)

    def test_a_long_reason_is_cut_between_characters(self) -> None:
        class Refusing:
            def admit(self, params: ConnectParams, peer: Peer, nonce: str) -> Admitted:
                raise ConnectRefused("x" * 122 + "üü")

        self.rig.door.admission = Refusing()  # type: ignore[assignment]
        error, closed = self.refused(connect_request())
        self.assertEqual(closed, (1008, "x" * 122))
        self.assertEqual(error["message"], "x" * 122 + "üü")

    def test_while_it_starts(self) -> None:
        self.rig.door.ready = False
        error, closed = self.refused(connect_request())
        self.assertEqual(
            error,
            {
                "code": "UNAVAILABLE",
                "message": "gateway starting; retry shortly",
                "details": {"reason": "startup-sidecars"},
                "retryable": True,
                "retryAfterMs": 500,
            },
        )
        self.assertEqual(closed, (1013, "gateway starting"))

    def test_an_upgrade_may_be_on_any_path_but_must_be_one(self) -> None:
        with self.assertRaises(ConnectionRefusedError):
            self.rig.dial(**{"Sec-WebSocket-Version": "7"})


class RecordedFrameTests(ConnectionCase):
    """Odd frames as an official client sent them, answered as the original did."""

    def setUp(self) -> None:
        self.rig = self.make(dialects=frozenset({"native"}))

    def test_every_recorded_frame(self) -> None:
        text = RECORDED.read_text().replace('"<scopes>"', "[]").replace("<gateway-token>", TOKEN)
        rows = json.loads(text)["frames"]
        self.assertGreater(len(rows), 10)
        for row in rows:
            socket = self.connect() if row.get("connected") else self.dial()
            socket.taken()
            given = row["send"]
            socket.feed(
                wire.frame(
                    wire.TEXT,
                    given.encode() if isinstance(given, str) else json.dumps(given).encode(),
                )
            )
            said, closed = self.ending(socket)
            if "answer" in row:
                self.assertEqual(said[0]["id"], row["answer"]["id"], row["name"])
                self.assertEqual(said[0].get("error"), row["answer"].get("error"), row["name"])
            elif not row.get("connected"):
                self.assertEqual(said, [], row["name"])
            if "close" in row:
                self.assertEqual(
                    closed, (row["close"]["code"], row["close"]["reason"]), row["name"]
                )
            else:
                self.assertIsNone(closed, row["name"])


class HostileOpeningTests(ConnectionCase):
    """First frames made to break something: a close, and nothing in the log."""

    def test_they_are_closed(self) -> None:
        for text, code in (
            (b"[" * 30_000 + b"]" * 30_000, 1008),
            (b'{"type":"req","id":"1","method":"connect","params":' + b"[" * 60_000, 1008),
            (b'{"type":"connect","params":' + b"[" * 900 + b"]" * 900 + b"}", 1008),
            (b'{"type":"connect","params":{"deviceId":1e999}}', 1008),
            (b'{"type":"req","id":1e999}', 1008),
            (b'{"type":"req","id":"\\ud800","method":"connect"}', 1000),
            (b'{"type":"foo","id":"1"', 1000),
            (b"", 1000),
            (b"null", 1008),
            (b"\xef\xbb\xbf{}", 1000),
        ):
            socket = self.dial()
            socket.taken()
            socket.feed(wire.frame(wire.TEXT, text))
            _, closed = self.ending(socket)
            assert closed is not None, text[:40]
            self.assertEqual(closed[0], code, text[:40])

    def test_bytes_that_are_no_text(self) -> None:
        socket = self.dial()
        socket.taken()
        socket.feed(wire.frame(wire.BINARY, b'{"type":"req","id":"\xff"}'))
        self.assertEqual(self.ending(socket), ([], (1000, "")))
