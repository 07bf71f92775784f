"""Sockets that opened in one of the older dialects."""

from typing import Any

from openclaw.protocol.base import Raw
from tests.gateway import wire
from tests.gateway.rig import Socket, answers
from tests.gateway.sockets import ConnectionCase
from tests.security.clients import TOKEN


class SeedTests(ConnectionCase):
    """Connections that opened in one of the older dialects."""

    def open(self, **params: Any) -> tuple[Socket, Any]:
        """Open as the oldest documents do."""
        socket = self.dial()
        socket.taken()
        given = {"deviceId": "my-macbook-pro", "auth": {"token": TOKEN}, **params}
        socket.send({"type": "connect", "params": given})
        (hello,) = answers(socket.taken())
        return socket, hello

    def ask(self, socket: Socket, **frame: Any) -> Any:
        socket.send({"type": "req", "id": "1", **frame})
        self.rig.turn()
        (answer,) = answers(socket.taken())
        return answer

    def test_the_hello_is_both(self) -> None:
        _, hello = self.open()
        self.assertNotIn("id", hello)
        self.assertEqual((hello["type"], hello["ok"], hello["error"]), ("res", True, None))
        self.assertEqual(hello["data"], hello["payload"])
        self.assertEqual(hello["payload"]["status"], "hello-ok")
        self.assertEqual(hello["payload"]["type"], "hello-ok")
        self.assertEqual(hello["payload"]["health"], {"gateway": "running", "channels": {}})
        self.assertEqual(
            set(hello["payload"]["snapshot"]) & {"presence", "state", "stateVersion"},
            {"presence", "state", "stateVersion"},
        )

    def test_answers_and_events_are_both(self) -> None:
        socket, _ = self.open()
        answer = self.ask(socket, method="health", data={})
        self.assertEqual(answer["payload"], answer["data"])
        self.assertIsNone(answer["error"])
        self.rig.broadcaster.publish("chat", Raw(b'{"x":1}'))
        (event,), _ = self.ending(socket)
        self.assertEqual((event["payload"], event["data"], event["seq"]), ({"x": 1}, {"x": 1}, 1))

    def test_disagreement_is_answered_under_its_id(self) -> None:
        socket, _ = self.open()
        answer = self.ask(socket, method="health", data={"a": 1}, params={"a": 2})
        self.assertEqual((answer["id"], answer["ok"]), ("1", False))
        self.assertEqual(answer["error"]["code"], "INVALID_REQUEST")
        self.assertIn("params and data disagree", answer["error"]["message"])

    def test_bad_frames(self) -> None:
        socket, _ = self.open()
        for text, request_id in (
            (b'{"type":"req","method":"health"}', "invalid"),
            (b'{"type":"req","id":"7"}', "7"),
            (b'{"type":"event","id":"7","method":"x"}', "7"),
            (b"[]", "invalid"),
            (b'{"type":"req","id":1e999,"method":"health"}', "invalid"),
            (b"[" * 9000 + b"]" * 9000, "invalid"),
        ):
            socket.feed(wire.frame(wire.TEXT, text))
            (answer,) = answers(socket.taken())
            self.assertEqual((answer["id"], answer["ok"]), (request_id, False), text)
        socket.feed(wire.frame(wire.TEXT, b"no json"))
        socket.feed(wire.frame(wire.BINARY, b"\xff"))
        self.assertEqual(socket.taken(), [])
        self.assertTrue(self.ask(socket, method="health")["ok"])

    def test_no_admin_rights(self) -> None:
        socket, hello = self.open()
        self.assertEqual(hello["payload"]["auth"]["scopes"], ["operator.read", "operator.write"])
        self.assertEqual(
            self.ask(socket, method="no.such")["error"]["message"], "missing scope: operator.admin"
        )

    def test_a_wrong_token(self) -> None:
        socket = self.dial()
        socket.taken()
        socket.send({"type": "connect", "params": {"auth": {"token": "wrong"}}})
        said, closed = self.ending(socket)
        self.assertFalse(said[0]["ok"])
        self.assertEqual(closed and closed[0], 1008)
