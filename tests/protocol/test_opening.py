"""The first frame: which dialect it opens, and what it asks in native terms."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.protocol.base import UNSET
from openclaw.protocol.connect import ClientInfo, ConnectAuth, DeviceProof
from openclaw.protocol.opening import (
    DIALECTS,
    BadOpening,
    Dialect,
    NotAnOpening,
    Opening,
    read_opening,
)
from tests.protocol.samples import client_requests, seed_frame, seed_text

ALL = frozenset(DIALECTS)
NATIVE: frozenset[Dialect] = frozenset({"native"})


def native(**changes: Any) -> dict[str, Any]:
    """The params of a plain native connect."""
    client = {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"}
    return {"minProtocol": 4, "maxProtocol": 4, "client": client, **changes}


def read(frame: object, allowed: frozenset[Dialect] = ALL) -> Opening:
    return read_opening(json.dumps(frame).encode(), allowed)


class NativeTests(SynchronousTestCase):
    def bad(self, params: Any) -> str:
        """What is said of params that are none."""
        with self.assertRaises(BadOpening) as caught:
            read({"type": "req", "id": "7", "method": "connect", "params": params})
        self.assertEqual(caught.exception.request_id, "7")
        refusal = caught.exception.refusal
        self.assertEqual((refusal.close_code, refusal.reason), (1008, refusal.message))
        start = "invalid connect params: "
        self.assertTrue(refusal.message.startswith(start), refusal.message)
        return str(refusal.message[len(start) :])

    def test_every_recorded_connect(self) -> None:
        frames = [frame for frame in client_requests() if frame["method"] == "connect"]
        self.assertGreater(len(frames), 5)
        for frame in frames:
            opening = read(frame, NATIVE)
            self.assertEqual((opening.dialect, opening.request_id), ("native", frame["id"]))
            self.assertEqual(opening.params.client.id, frame["params"]["client"]["id"])
            self.assertEqual(opening.params.scopes, frame["params"].get("scopes", []))

    def test_what_is_left_out(self) -> None:
        params = read({"type": "req", "id": "1", "method": "connect", "params": native()}).params
        self.assertEqual((params.role, params.scopes, params.device), ("operator", [], UNSET))
        self.assertEqual(params.auth, ConnectAuth())

    def test_everything_that_can_be_said(self) -> None:
        device = {"id": "d", "publicKey": "k", "signature": "s", "signedAt": 1, "nonce": "n"}
        given = native(
            device=device,
            auth={"token": "t", "password": "p", "deviceToken": "d", "bootstrapToken": "b",
                  "approvalRuntimeToken": "a"},
            computerUse={"x": 1},
            modelCatalog={"sessionKey": "main"},
            novelty=[],
        )  # fmt: skip
        params = read({"type": "req", "id": "1", "method": "connect", "params": given}).params
        self.assertEqual(
            params.device,
            DeviceProof(id="d", public_key="k", signature="s", signed_at=1, nonce="n"),
        )
        self.assertEqual(
            params.auth,
            ConnectAuth(token="t", password="p", device_token="d", bootstrap_token="b"),
        )

    def test_bad_params_are_named(self) -> None:
        client = native()["client"]
        for params, words in (
            ({}, "must have required property 'minProtocol'"),
            ({"minProtocol": 4, "maxProtocol": 4}, "must have required property 'client'"),
            (native(client={**client, "id": "ios-node"}),
             "at /client/id: must be equal to one of the allowed values"),
            (native(client={**client, "mode": "operator"}),
             "at /client/mode: must be equal to one of the allowed values"),
            (native(client={**client, "version": ""}),
             "at /client/version: must not have fewer than 1 characters"),
            (native(minProtocol="4"), "at /minProtocol: must be integer"),
            (native(scopes="all"), "at /scopes: must be array"),
            (native(device={"id": "d"}), "at /device: must have required property 'publicKey'"),
            (native(device={"id": "d", "publicKey": "k", "signature": "s", "signedAt": 1}),
             "at /device: must have required property 'nonce'"),
            (native(device={"id": "d", "publicKey": "k", "signature": "s", "signedAt": -1,
                            "nonce": "n"}), "at /device/signedAt: must be >= 0"),
            (None, "must be object"),
            ([], "must be object"),
        ):  # fmt: skip
            self.assertEqual(self.bad(params), words)

    def test_another_method_first(self) -> None:
        with self.assertRaises(BadOpening) as caught:
            read({"type": "req", "id": "1", "method": "health"})
        self.assertEqual(
            caught.exception.refusal.message, "invalid handshake: first request must be connect"
        )


class NoOpeningTests(SynchronousTestCase):
    def code(self, text: bytes, allowed: frozenset[Dialect] = ALL) -> tuple[int, str]:
        with self.assertRaises(NotAnOpening) as caught:
            read_opening(text, allowed)
        return caught.exception.close_code, caught.exception.reason

    def test_text_that_is_not_json(self) -> None:
        for text in (b"hello world", b"", b"{", b'{"type":"req","id":"1"', b"\xff"):
            self.assertEqual(self.code(text), (1000, ""), text)

    def test_json_that_is_no_request(self) -> None:
        for text in (
            b"[1,2]",
            b"null",
            b'{"type":"req","method":"connect","params":{}}',
            b'{"type":"connect"}',
            b'{"type":"connect","params":[]}',
            b'{"type":"event","event":"x"}',
            b'{"type":"req","id":"1","method":"health","data":{}}',
            b'{"type":"req","id":"1","method":"connect","data":{},"params":{}}',
            b'{"type":"req","id":"1","method":"connect","data":1e999}',
            b"[" * 60_000,
            b'{"type":"connect","params":' + b"[" * 60_000,
        ):
            self.assertEqual(self.code(text), (1008, "invalid request frame"), text[:60])

    def test_a_dialect_that_may_not_be_spoken(self) -> None:
        for text in (
            seed_text("003 connect"),
            b'{"type":"req","id":"1","method":"connect","data":{}}',
        ):
            self.assertEqual(self.code(text, NATIVE), (1008, "invalid request frame"))
            read_opening(text, ALL)

    def test_one_dialect_does_not_bring_the_other(self) -> None:
        self.code(seed_text("003 connect"), frozenset({"native", "seed-data"}))
        self.code(
            b'{"type":"req","id":"1","method":"connect","data":{}}',
            frozenset({"native", "seed-connect"}),
        )


class SeedTests(SynchronousTestCase):
    def test_the_written_connect(self) -> None:
        opening = read_opening(seed_text("003 connect"), ALL)
        self.assertEqual((opening.dialect, opening.request_id), ("seed-connect", None))
        self.assertFalse(opening.asked_scopes)
        params = opening.params
        self.assertEqual(params.auth, ConnectAuth(token="optional_gateway_token"))
        self.assertEqual(params.caps, ["agent", "tools", "canvas"])
        self.assertEqual((params.role, params.commands), ("operator", []))
        self.assertEqual(params.device, UNSET)
        self.assertEqual(
            params.client,
            ClientInfo(
                id="gateway-client",
                version="unknown",
                platform="unknown",
                mode="backend",
                display_name="my-macbook-pro",
            ),
        )

    def test_the_written_node(self) -> None:
        params = read_opening(seed_text("003 node"), ALL).params
        self.assertEqual((params.role, params.client.mode), ("node", "node"))
        self.assertEqual(params.commands, ["canvas", "sensors", "location"])
        self.assertEqual(params.caps, [])
        self.assertEqual((params.client.platform, params.client.version), ("ios", "2.5.1"))

    def test_the_same_with_data(self) -> None:
        data = seed_frame("003 connect")["params"]
        opening = read({"type": "req", "id": "d1", "method": "connect", "data": data})
        self.assertEqual((opening.dialect, opening.request_id), ("seed-data", "d1"))
        self.assertEqual(opening.params, read_opening(seed_text("003 connect"), ALL).params)

    def test_scopes_are_kept_apart_from_none(self) -> None:
        for scopes, asked in (
            ({"scopes": []}, True),
            ({"scopes": ["operator.read"]}, True),
            ({}, False),
        ):
            opening = read({"type": "connect", "params": scopes})
            self.assertEqual(opening.asked_scopes, asked)
            self.assertEqual(opening.params.scopes, scopes.get("scopes", []))

    def test_a_label_is_no_identity(self) -> None:
        opening = read({"type": "connect", "params": {"deviceId": "admin", "device": {"id": "x"}}})
        self.assertEqual(opening.params.device, UNSET)

    def test_bad_params_are_answered_under_their_id(self) -> None:
        for request_id, expected in (({"id": "5"}, "5"), ({}, "connect"), ({"id": 5}, "connect")):
            with self.assertRaises(BadOpening) as caught:
                read({"type": "connect", "params": {"deviceId": 1}, **request_id})
            self.assertEqual(caught.exception.request_id, expected)
            self.assertEqual(
                caught.exception.refusal.message,
                "invalid connect params: at /deviceId: must be string",
            )
