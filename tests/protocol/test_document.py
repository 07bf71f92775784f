"""The JSON Schema document says what the decoders do."""

import json
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.protocol.connect import PROTOCOL
from openclaw.protocol.document import json_schema
from openclaw.protocol.events import EVENTS
from openclaw.protocol.frames import ErrorBody, EventText, encode_ok, encode_refused
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.system import TickEvent
from tests.protocol.samples import client_requests
from tests.protocol.schema_check import faults
from tests.protocol.wire_types import sample, wire_types


class DocumentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.document = json_schema()

    def faults(self, value: Any, schema: dict[str, Any]) -> list[str]:
        return list(faults(value, schema, self.document["$defs"]))

    def test_it_is_json_and_always_the_same(self) -> None:
        self.assertEqual(json.dumps(json_schema()), json.dumps(self.document))
        self.assertEqual(self.document["version"], PROTOCOL)

    def test_every_method_and_event_is_in_it(self) -> None:
        self.assertEqual(list(self.document["methods"]), list(METHODS))
        self.assertEqual(list(self.document["events"]), list(EVENTS))
        for name, method in METHODS.items():
            entry = self.document["methods"][name]
            self.assertEqual(
                (entry["scope"], entry["idempotencyKey"], entry["summary"]),
                (method.scope, method.keyed, method.summary),
            )
        for name, kind in EVENTS.items():
            self.assertEqual(self.document["events"][name]["scope"], kind.scope)

    def test_every_reference_leads_somewhere(self) -> None:
        text = json.dumps(self.document)
        for part in text.split('"$ref": "#/$defs/')[1:]:
            self.assertIn(part.partition('"')[0], self.document["$defs"])

    def test_what_official_clients_sent_is_valid(self) -> None:
        request = self.document["frames"]["Request"]
        for frame in client_requests():
            self.assertEqual(self.faults(frame, request), [], frame)
            if frame["method"] == "connect":
                schema = self.document["frames"]["ConnectParams"]
            else:
                schema = self.document["methods"][frame["method"]]["params"]
            self.assertEqual(self.faults(frame.get("params", {}), schema), [], frame)

    def test_what_official_clients_sent_is_decoded(self) -> None:
        for frame in client_requests():
            if frame["method"] in METHODS:
                params = METHODS[frame["method"]].params
                found = msgspec.convert(frame.get("params", {}), params)
                known = msgspec.json.decode(msgspec.json.encode(found))
                asked = frame.get("params", {})
                self.assertEqual(
                    {key: asked[key] for key in asked if key in known},
                    {key: known[key] for key in asked if key in known},
                )

    def test_what_we_send_is_valid(self) -> None:
        frames = self.document["frames"]
        body = ErrorBody(code="X", message="m")
        for name, texts in (
            (
                "Response",
                (encode_ok("1", {}), encode_refused("1", body), encode_refused(5, body, {})),
            ),
            (
                "Event",
                (EventText("tick", TickEvent(ts=1)).numbered(1), EventText("x", {}).targeted),
            ),
        ):
            for text in texts:
                self.assertEqual(self.faults(json.loads(text), frames[name]), [], text)

    def test_the_plainest_of_every_type_is_valid(self) -> None:
        for one in wire_types():
            (schema,), defs = msgspec.json.schema_components([one])
            plain = msgspec.json.decode(msgspec.json.encode(sample(one)))
            self.assertEqual(list(faults(plain, schema, defs)), [], one)

    def test_the_check_sees_faults(self) -> None:
        request = self.document["frames"]["Request"]
        good = {"type": "req", "id": "1", "method": "x"}
        self.assertEqual(self.faults(good, request), [])
        wrong: list[Any] = [
            [],
            {**good, "type": "res"},
            {**good, "id": ""},
            {**good, "id": 5},
            {**good, "zzz": 1},
            {"type": "req", "id": "1"},
        ]
        for bad in wrong:
            self.assertNotEqual(self.faults(bad, request), [], bad)
