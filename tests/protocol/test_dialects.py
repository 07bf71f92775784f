"""The older dialects: their literal frames in, and frames out that are a superset of both."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import FrameError
from openclaw.protocol.base import encode
from openclaw.protocol.dialects import read_seed_request, seed_frame, seed_hello
from openclaw.protocol.frames import ErrorBody, EventText, encode_ok, encode_refused
from openclaw.protocol.schema.agents import AgentAccepted, AgentFinal
from tests.protocol import samples


class RequestTests(SynchronousTestCase):
    def read(self, frame: object) -> tuple[str, str, Any]:
        text = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        found = read_seed_request(text, "conn")
        assert not isinstance(found.params, type(Ellipsis))
        return found.id, found.method, json.loads(bytes(found.params))  # type: ignore[arg-type]

    def refused(self, frame: object) -> FrameError:
        with self.assertRaises(FrameError) as caught:
            self.read(frame)
        error: FrameError = caught.exception
        return error

    def test_the_written_message_send(self) -> None:
        self.assertEqual(
            self.read(samples.seed_text("001 request")),
            (
                "req-123",
                "send",
                {
                    "channel": "telegram",
                    "to": "@user",
                    "message": "Hello",
                    "idempotencyKey": "conn:req-123",
                },
            ),
        )

    def test_the_written_agent_request(self) -> None:
        request_id, method, params = self.read(samples.seed_text("003 request"))
        self.assertEqual((request_id, method), ("req-001", "agent"))
        self.assertEqual(
            params,
            samples.seed_frame("003 request")["params"] | {"idempotencyKey": "conn:req-001"},
        )

    def test_the_written_agent_run_goes_to_its_target(self) -> None:
        frame = samples.seed_frame("001 agent.run") | {"id": "1", "params": {"command": "x"}}
        self.assertEqual(
            self.read(frame), ("1", "node.invoke", {"nodeId": "mobile-device-1", "command": "x"})
        )

    def test_agent_run_without_a_target_is_agent(self) -> None:
        found = self.read(
            {"type": "req", "id": "1", "method": "agent.run", "data": {"message": "m"}}
        )
        self.assertEqual(found, ("1", "agent", {"message": "m", "idempotencyKey": "conn:1"}))

    def test_a_given_key_stays(self) -> None:
        frame = {"type": "req", "id": "1", "method": "chat.send", "params": {"idempotencyKey": "k"}}
        self.assertEqual(self.read(frame)[2], {"idempotencyKey": "k"})

    def test_only_keyed_methods_get_a_key(self) -> None:
        self.assertEqual(self.read({"type": "req", "id": "1", "method": "health"})[2], {})

    def test_params_and_data(self) -> None:
        base = {"type": "req", "id": "1", "method": "health"}
        asked = {"a": 1}
        for given in (
            {"params": asked},
            {"data": asked},
            {"params": asked, "data": asked},
            {"params": None, "data": asked},
            {"params": asked, "data": None},
        ):
            self.assertEqual(self.read(base | given)[2], {"a": 1}, given)
        error = self.refused(base | {"params": {"a": 1}, "data": {"a": 2}})
        self.assertEqual(error.request_id, "1")
        self.assertIn("params and data disagree", error.message)

    def test_bad_frames(self) -> None:
        for frame, request_id in (
            ([], "invalid"),
            ({"type": "req", "method": "x"}, "invalid"),
            ({"type": "req", "id": "", "method": "x"}, "invalid"),
            ({"type": "req", "id": 5, "method": "x"}, "invalid"),
            ({"type": "res", "id": "1", "method": "x"}, "1"),
            ({"type": "req", "id": "1"}, "1"),
            ({"type": "req", "id": "1", "method": "x", "zzz": 1}, "1"),
            (b'{"type":"req","id":"1","method":"x","data":1e999}', "invalid"),
            (b"[" * 60_000, "invalid"),
        ):
            error = self.refused(frame)
            self.assertEqual((error.request_id, error.is_json), (request_id, True), frame)

    def test_text_that_is_not_json(self) -> None:
        for text in (b"", b"x", b"{", b'{"a":"\xff"}', b'{"a":"\\ud800"}'):
            self.assertFalse(self.refused(text).is_json)


class AnswerTests(SynchronousTestCase):
    def superset(self, found: Any, native: Any, written: Any) -> None:
        """All of the native frame, and the keys of the written one."""
        self.assertEqual({key: found.get(key) for key in native}, native)
        self.assertLessEqual(written.keys(), found.keys())

    def test_yes_is_the_written_response_too(self) -> None:
        native = encode_ok("req-123", {"messageId": "msg-456"})
        found = json.loads(seed_frame(native))
        self.superset(found, json.loads(native), samples.seed_frame("001 response"))
        written = samples.seed_frame("001 response")
        self.assertEqual({key: found[key] for key in written}, written)

    def test_no_has_its_error_and_nothing_else(self) -> None:
        native = encode_refused("1", ErrorBody(code="X", message="m"))
        self.assertEqual(json.loads(seed_frame(native)), json.loads(native))

    def test_a_failed_final_has_payload_data_and_error(self) -> None:
        native = encode_refused("1", ErrorBody(code="X", message="m"), {"runId": "r"})
        found = json.loads(seed_frame(native))
        self.assertEqual(found, json.loads(native) | {"data": {"runId": "r"}})

    def test_a_result_of_null_stays_one(self) -> None:
        found = json.loads(seed_frame(encode_ok("1", None)))
        self.assertEqual((found["payload"], found["data"], found["error"]), (None, None, None))

    def test_accepted_and_final_are_the_written_ones(self) -> None:
        accepted = AgentAccepted(run_id="r", session_key="s", agent_id="a", status="accepted")
        final = AgentFinal(
            run_id="r", status="ok", summary="s", message="今天天气晴朗", session_key="s"
        )
        for value, name in ((accepted, "002 accepted"), (final, "002 final")):
            found = json.loads(encode(value))
            written = samples.seed_frame(name)
            self.assertEqual({key: found[key] for key in written}, written)
        found = json.loads(seed_frame(encode_ok("req-001", final)))
        self.assertLessEqual(
            samples.seed_frame("003 final")["payload"].keys(), found["payload"].keys()
        )
        self.assertLessEqual(samples.seed_frame("003 final").keys(), found.keys())

    def test_hello_is_both(self) -> None:
        snapshot = {"presence": [], "health": {"channels": {"telegram": "x"}}, "uptimeMs": 7}
        features = {"methods": ["agent", "send"], "events": []}
        native = encode_ok(
            "1", {"type": "hello-ok", "protocol": 4, "features": features, "snapshot": snapshot}
        )
        found = json.loads(seed_hello(native, None))
        written = samples.seed_frame("003 hello")
        self.assertNotIn("id", found)
        self.assertLessEqual(written.keys(), found.keys())
        payload = found["payload"]
        self.assertEqual((payload["type"], payload["status"]), ("hello-ok", "hello-ok"))
        self.assertEqual(payload["health"], {"gateway": "running", "channels": {"telegram": "x"}})
        self.assertEqual(payload["snapshot"], snapshot | {"state": {"uptimeMs": 7}})
        aliases = {"agent.run", "message.send"}
        self.assertEqual(set(payload["features"]["methods"]), {"agent", "send"} | aliases)
        self.assertEqual(found["data"], payload)
        self.assertEqual(json.loads(seed_hello(native, "1"))["id"], "1")


class EventTests(SynchronousTestCase):
    def event(self, payload: Any, name: str = "agent") -> Any:
        return json.loads(seed_frame(EventText(name, payload).numbered(1)))

    def test_steps_of_a_run_say_type_and_content_too(self) -> None:
        for payload, said in (
            ({"stream": "assistant", "data": {"text": "ab", "delta": "b"}}, ("text", "b")),
            ({"stream": "assistant", "data": {}}, ("text", "")),
            ({"stream": "lifecycle", "data": {"phase": "start"}}, ("thinking", "start")),
            ({"stream": "tool"}, ("thinking", "")),
        ):
            found = self.event(payload)
            self.assertEqual((found["payload"]["type"], found["payload"]["content"]), said)
            self.assertLessEqual(payload.items(), found["payload"].items())
            self.assertEqual(found["data"], found["payload"])
            self.assertLessEqual(samples.seed_frame("003 event").keys(), found.keys())

    def test_other_events_are_only_doubled(self) -> None:
        self.assertEqual(
            self.event({"ts": 1}, "tick"),
            {"type": "event", "event": "tick", "payload": {"ts": 1}, "data": {"ts": 1}, "seq": 1},
        )
