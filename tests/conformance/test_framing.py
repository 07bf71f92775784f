"""Frames before and after the hello over raw sockets: what is answered, ignored or closed."""

import json
from collections.abc import Mapping
from typing import Any

from tests.conformance.cases import ConformanceCase, connect_frame
from tests.conformance.raw import BINARY, TEXT, Closed
from tests.conformance.recorded import difference, load
from tests.conformance.target import STRICT

# Ours ignores unknown properties of params, as official clients send newer ones.
_AGREED = "unexpected property 'bogus'"


class RecordedFrameTests(ConformanceCase):
    """Every recorded odd frame, sent again, answered the same."""

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """Only the native dialect, as the original."""
        return STRICT

    def outcome(self, row: dict[str, Any]) -> dict[str, Any]:
        """What happens now, in the form of the recording."""
        found: dict[str, Any] = {}
        with self.dial() as connection:
            if row.get("connected"):
                self.assertTrue(self.hello(connection)["ok"])
            else:
                self.challenge(connection)
            connection.send(row["send"])
            if "answer" in row:
                answer = connection.until(lambda frame: frame["type"] == "res")
                found["answer"] = {"id": answer["id"], "error": answer.get("error")}
            if "close" in row:
                closed = connection.until_closed()
                found["close"] = {"code": closed.code, "reason": closed.reason}
            else:
                self.assertTrue(self.ask(connection, "health")["ok"])
        return found

    def test_recorded_frames(self) -> None:
        """Rung 2: before the hello a bad frame closes; after it, it is answered."""
        wrong = {}
        for row in load("frames", self.gateway):
            wanted = {key: row[key] for key in ("answer", "close") if key in row}
            if found := difference(wanted, self.outcome(row)):
                wrong[row["name"]] = found
        self.assertEqual(wrong, {}, "\n".join(map(": ".join, wrong.items())))

    def test_recorded_requests(self) -> None:
        """Rung 6 and others: refusals and empty answers with their exact words."""
        wrong = {}
        connection = self.dial()
        self.assertTrue(self.hello(connection)["ok"])
        for number, row in enumerate(load("requests", self.gateway)):
            if self.ours and _AGREED in row.get("error", {}).get("message", ""):
                continue
            answer = self.ask(connection, row["method"], row["params"], id=f"r{number}")
            wanted = {key: row[key] for key in ("error", "payload") if key in row}
            if found := difference(wanted, answer):
                wrong[f"{number} {row['method']}"] = found
        self.assertEqual(wrong, {}, "\n".join(map(": ".join, wrong.items())))

    def test_our_requests_may_carry_newer_params(self) -> None:
        """The agreed difference: unknown params are ignored."""
        if self.ours:
            connection = self.dial()
            self.hello(connection)
            for method in ("sessions.list", "cron.list", "health", "status"):
                self.assertTrue(self.ask(connection, method, {"bogus": 1})["ok"], method)


class FrameTests(ConformanceCase):
    """Sizes, kinds and order of frames."""

    def test_frames_before_the_hello_are_small(self) -> None:
        """60 KB are read (and are no JSON: 1000), 65 KB and more are too much: 1009."""
        for size, code in ((60 * 1024, 1000), (65 * 1024 + 1024, 1009), (200 * 1024, 1009)):
            connection = self.dial()
            self.challenge(connection)
            connection.send_frame(TEXT, b"x" * size)
            self.assertEqual(connection.until_closed(), Closed(code, ""), size)

    def test_frames_after_the_hello_may_be_large(self) -> None:
        """A frame of 5 MB is read and answered."""
        connection = self.dial()
        self.hello(connection)
        answer = self.ask(connection, "health", {"padding": "x" * 5_000_000})
        self.assertTrue(answer["ok"])

    def test_binary_frames_with_json_are_read(self) -> None:
        """The opcode does not matter, also for connect."""
        connection = self.dial()
        self.challenge(connection)
        connection.send_frame(BINARY, json.dumps(connect_frame(self.backend())).encode())
        self.assertTrue(connection.response("c1")["ok"])

    def test_a_message_may_come_in_fragments(self) -> None:
        """A request in three fragments with a ping between them is one request."""
        connection = self.dial()
        self.hello(connection)
        text = json.dumps({"type": "req", "id": "f1", "method": "health"}).encode()
        connection.send_frame(TEXT, text[:5], final=False)
        connection.send_frame(9, b"between")
        connection.send_frame(0, text[5:9], final=False)
        connection.send_frame(0, text[9:])
        self.assertTrue(connection.response("f1")["ok"])

    def test_text_that_is_no_json_is_ignored_after_the_hello(self) -> None:
        """Nothing comes back, and the socket stays open."""
        connection = self.dial()
        self.hello(connection)
        connection.send("not json")
        self.assertTrue(self.ask(connection, "health")["ok"])

    def test_a_second_connect_is_refused(self) -> None:
        """It is answered with an error; the socket stays open."""
        connection = self.dial()
        self.hello(connection)
        error = self.ask(connection, "connect", self.backend())["error"]
        self.assertEqual(error["code"], "INVALID_REQUEST")
        self.assertEqual(error["message"], "connect is only valid as the first request")
        self.assertTrue(self.ask(connection, "health")["ok"])

    def test_params_may_be_null_or_missing(self) -> None:
        """For methods without required fields."""
        connection = self.dial()
        self.hello(connection)
        connection.send({"type": "req", "id": "n1", "method": "health", "params": None})
        connection.send({"type": "req", "id": "n2", "method": "health"})
        self.assertTrue(connection.response("n1")["ok"])
        self.assertTrue(connection.response("n2")["ok"])

    def test_two_requests_with_one_id_are_both_answered(self) -> None:
        """The gateway keeps no list of ids."""
        connection = self.dial()
        self.hello(connection)
        connection.send({"type": "req", "id": "same", "method": "system-presence"})
        connection.send({"type": "req", "id": "same", "method": "last-heartbeat"})
        first, second = connection.response("same"), connection.response("same")
        self.assertTrue(first["ok"] and second["ok"])

    def test_scopes_are_kept(self) -> None:
        """Without scopes ``health`` still answers; the rest names the scope that is missing."""
        connection = self.dial()
        self.assertTrue(self.hello(connection, self.backend(scopes=[]))["ok"])
        self.assertTrue(self.ask(connection, "health")["ok"])
        error = self.ask(connection, "system-presence")["error"]
        self.assertEqual(error["code"], "FORBIDDEN")
        self.assertEqual(error["message"], "missing scope: operator.read")
        details = {"code": "MISSING_SCOPE", "missingScope": "operator.read"}
        self.assertEqual(difference(details, error["details"]), "")
        self.assertEqual(error["details"]["requiredScopes"], ["operator.read"])

    def test_an_unknown_method_needs_admin_to_be_called_unknown(self) -> None:
        """Rung 6: with admin ``unknown method: x``; without, the missing scope."""
        for scopes, code, message in (
            (["operator.admin"], "INVALID_REQUEST", "unknown method: no.such.method"),
            (["operator.read"], "FORBIDDEN", "missing scope: operator.admin"),
        ):
            connection = self.dial()
            self.hello(connection, self.backend(scopes=scopes))
            error = self.ask(connection, "no.such.method")["error"]
            self.assertEqual((error["code"], error["message"]), (code, message))

    def test_responses_carry_no_null(self) -> None:
        """Official clients drop a response whose ``error`` is null."""
        connection = self.dial()
        self.hello(connection)
        for method in ("health", "status", "sessions.list", "system-presence", "last-heartbeat"):
            answer = self.ask(connection, method)
            self.assertNotIn("error", answer)
            self.assertLessEqual(set(answer), {"type", "id", "ok", "payload"})

    def test_shutdown_is_announced_to_everybody(self) -> None:
        """SIGTERM: a ``shutdown`` event, then 1012; sockets before the hello are closed too."""
        early, late = self.dial(), self.dial()
        self.challenge(early)
        self.hello(late, self.backend(scopes=[]))
        self.gateway.stop_process()
        event = late.until(lambda frame: frame.get("event") == "shutdown")
        self.assertEqual(event["payload"]["reason"], "gateway stopping")
        self.assertIs(type(event["seq"]), int)
        self.assertEqual(late.until_closed(), Closed(1012, "service restart"))
        self.assertEqual(early.until_closed(), Closed(1012, "service restart"))
        self.gateway.start_process()
