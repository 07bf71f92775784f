"""The dialects of the older documents and the native one, side by side on one port (rung 45)."""

from collections.abc import Mapping
from typing import Any

from tests.conformance.cases import ConformanceCase, LibraryCase, connect_frame
from tests.conformance.raw import Closed, Frame, RawSocket
from tests.conformance.target import STRICT
from tests.standins.behaviour import REPLY


class DialectTests(LibraryCase):
    """What only our gateway speaks; the original closes such connections."""

    def seed_connect(self, **params: Any) -> Frame:
        """The first frame of the oldest documents."""
        auth = {"token": self.gateway.token}
        given = {"deviceId": "my-macbook-pro", "auth": auth, "challenge": "nonce-value-123456"}
        return {
            "type": "connect",
            "params": {**given, "capabilities": ["agent", "tools"], **params},
        }

    def seed_data(self) -> Frame:
        """The first frame of the documents that say ``data`` instead of ``params``."""
        data = {"deviceId": "my-laptop", "auth": {"token": self.gateway.token}}
        return {"type": "req", "id": "d1", "method": "connect", "data": data}

    def open(self, first: Frame) -> tuple[RawSocket, Frame | None]:
        """Dial and send a first frame; the socket and what came back."""
        connection = self.dial()
        self.challenge(connection)
        connection.send(first)
        return connection, connection.receive()

    def test_connect_without_req(self) -> None:
        """Rung 45: ``type: connect`` is answered with a ``hello-ok`` status."""
        connection, answer = self.open(self.seed_connect())
        if not self.ours:
            self.assertEqual(connection.closed, Closed(1008, "invalid request frame"))
            return
        assert answer is not None, connection.closed
        self.assertEqual((answer["type"], answer["ok"]), ("res", True))
        self.assertEqual(answer["payload"]["status"], "hello-ok")
        self.assertIn("health", answer["payload"])
        self.assertIn("presence", answer["payload"]["snapshot"])

    def test_connect_with_data(self) -> None:
        """Rung 45: ``data`` for ``params``; the answer has both forms and ``error: null``."""
        connection, answer = self.open(self.seed_data())
        if not self.ours:
            self.assertEqual(connection.closed, Closed(1008, "invalid request frame"))
            return
        assert answer is not None, connection.closed
        self.assertEqual((answer["id"], answer["ok"]), ("d1", True))
        self.assertEqual(answer["data"], answer["payload"])
        self.assertIn("error", answer)
        self.assertIsNone(answer["error"])
        connection.send({"type": "req", "id": "d2", "method": "health", "data": {}})
        health = connection.response("d2")
        self.assertIs(health["data"]["ok"], True)
        self.assertIsNone(health["error"])

    def test_wrong_token_is_refused_in_every_dialect(self) -> None:
        """Rung 45: no dialect is a way around the token."""
        for first in (self.seed_connect(auth={"token": "wrong"}), self.seed_connect(auth={})):
            connection, _ = self.open(first)
            self.assertEqual(connection.until_closed().code, 1008)

    def test_three_dialects_at_once(self) -> None:
        """Rung 45: each connection keeps to its own form; official clients see no null."""
        if not self.ours:
            return
        self.connect("native")
        data, _ = self.open(self.seed_data())
        plain, _ = self.open(self.seed_connect())
        native = self.dial()
        self.hello(native)
        params = {"message": "hello all", "sessionKey": "agent:main:dialects"}
        data.send({"type": "req", "id": "r1", "method": "agent.run", "data": params})
        final = data.until(lambda frame: self.is_final(frame, "r1"))
        self.assertEqual(final["data"], final["payload"])
        self.assertIn(REPLY, str(final["payload"]))

        chat = plain.until(lambda frame: self.is_chat_final(frame))
        self.assertEqual(chat["data"], chat["payload"])
        chat = native.until(lambda frame: self.is_chat_final(frame))
        self.assertNotIn("data", chat)
        self.assertIs(self.request("native", "health")["ok"], True)  # Behind all events so far.
        self.assertTrue(self.events("native", "chat"))
        self.assertEqual([row for row in self.library.collect() if "gap" in row], [])

    def is_final(self, frame: Frame, request_id: str) -> bool:
        """Whether a frame is the last response to a request."""
        mine = frame.get("type") == "res" and frame.get("id") == request_id
        return mine and (frame.get("payload") or {}).get("status") != "accepted"

    def is_chat_final(self, frame: Frame) -> bool:
        """Whether a frame ends a chat run."""
        return frame.get("event") == "chat" and frame["payload"].get("state") == "final"

    def test_native_connections_have_no_aliases(self) -> None:
        """Rung 45: the older names exist only in the older dialects."""
        connection = self.dial()
        self.hello(connection)
        for name in ("message.send", "agent.run"):
            error = self.ask(connection, name)["error"]
            self.assertEqual(error["message"], f"unknown method: {name}")

    def test_message_send_is_send(self) -> None:
        """Rung 45: the alias reaches the same method, so it asks for a channel."""
        if not self.ours:
            return
        connection, _ = self.open(self.seed_connect())
        params = {"recipient": "somebody", "text": "hi"}
        connection.send({"type": "req", "id": "m1", "method": "message.send", "params": params})
        self.assertIn("Channel is required", connection.response("m1")["error"]["message"])

    def test_params_and_data_must_not_differ(self) -> None:
        """Rung 45: two different sets of parameters are refused."""
        if not self.ours:
            return
        connection, _ = self.open(self.seed_connect())
        both = {"params": {"limit": 1}, "data": {"limit": 2}}
        connection.send({"type": "req", "id": "b1", "method": "sessions.list", **both})
        self.assertEqual(connection.response("b1")["error"]["code"], "INVALID_REQUEST")

    def test_no_admin_unless_asked_for(self) -> None:
        """Rung 45: a dialect's connection may write, not administer."""
        if not self.ours:
            return
        connection, _ = self.open(self.seed_connect())
        answer = self.ask(connection, "set-heartbeats", {"enabled": True})
        self.assertEqual(answer["error"]["message"], "missing scope: operator.admin")


class StrictTests(ConformanceCase):
    """A gateway told to speak only the native dialect."""

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """Only the native dialect, as the original."""
        return STRICT

    def test_strict_mode_refuses_the_others(self) -> None:
        """Rung 45: closed with 1008, as by the original; native connects pass."""
        auth = {"token": self.gateway.token}
        seeds = (
            {"type": "connect", "params": {"deviceId": "x", "auth": auth}},
            {"type": "req", "id": "1", "method": "connect", "data": {"auth": auth}},
        )
        for first in seeds:
            connection = self.dial()
            self.challenge(connection)
            connection.send(first)
            self.assertEqual(connection.until_closed(), Closed(1008, "invalid request frame"))
        connection = self.dial()
        self.challenge(connection)
        connection.send(connect_frame(self.backend()))
        self.assertTrue(connection.response("c1")["ok"])
