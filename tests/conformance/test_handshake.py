"""Admission over raw sockets: the challenge, who is let in, and how others are turned away.

Rungs 2 and 8, and the tables of connect errors and the protocol window. What is expected was
recorded from the original gateway.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from tests.conformance.cases import ConformanceCase, connect_frame
from tests.conformance.raw import Closed, UpgradeRefused
from tests.conformance.recorded import difference, load
from tests.conformance.target import STRICT

# Newer official clients send connect params that the published schema lacks: ours ignores them.
_ORIGINAL_ONLY = {"extra-param"}


class ChallengeTests(ConformanceCase):
    """The first frame of every connection (rung 2)."""

    def test_challenge_comes_at_once(self) -> None:
        """Rung 2: a nonce and a whole number of milliseconds, without ``seq``."""
        begun = time.time()
        frame = self.dial().receive()
        assert frame is not None
        self.assertEqual((frame["type"], frame["event"]), ("event", "connect.challenge"))
        self.assertNotIn("seq", frame)
        payload = frame["payload"]
        self.assertTrue(payload["nonce"])
        self.assertIs(type(payload["ts"]), int)
        self.assertLess(abs(payload["ts"] / 1000 - begun), 60)

    def test_nonces_differ(self) -> None:
        """Rung 2: a nonce is never given twice."""
        nonces = {self.challenge(self.dial())["nonce"] for _ in range(5)}
        self.assertEqual(len(nonces), 5)

    def test_any_path_upgrades_without_compression(self) -> None:
        """Clients dial ``/``, but any path will do; no compression is agreed on."""
        for path in ("/", "/ws", "/some/where?x=1"):
            connection = self.dial(path=path)
            self.assertNotIn("sec-websocket-extensions", connection.upgrade_headers)
            self.assertNotIn("sec-websocket-protocol", connection.upgrade_headers)
            self.challenge(connection)

    def test_hello_has_what_clients_read(self) -> None:
        """Rung 12: the smallest hello that every official client accepted."""
        response = self.hello(self.dial())
        self.assertNotIn("error", response)
        hello = response["payload"]
        self.assertEqual((hello["type"], hello["protocol"]), ("hello-ok", 4))
        self.assertTrue(hello["server"]["version"])
        self.assertTrue(hello["server"]["connId"])
        self.assertIn("health", hello["features"]["methods"])
        self.assertIn("tick", hello["features"]["events"])
        snapshot = hello["snapshot"]
        self.assertIsInstance(snapshot["presence"], list)
        self.assertIsInstance(snapshot["health"], dict)
        self.assertEqual(set(snapshot["stateVersion"]), {"presence", "health"})
        self.assertIsInstance(snapshot["uptimeMs"], int)
        defaults = snapshot["sessionDefaults"]
        self.assertEqual(defaults["defaultAgentId"], "main")
        self.assertEqual(defaults["mainSessionKey"], "agent:main:main")
        limits = (26214400, 52428800, 30000)
        names = ("maxPayload", "maxBufferedBytes", "tickIntervalMs")
        self.assertEqual(tuple(hello["policy"][name] for name in names), limits)

    def test_silence_is_cut_off(self) -> None:
        """Fifteen seconds without a connect: closed with 1000 and no reason."""
        connection = self.dial()
        begun = time.monotonic()
        self.assertEqual(connection.until_closed(), Closed(1000, ""))
        self.assertGreater(time.monotonic() - begun, 13)


class RecordedConnectTests(ConformanceCase):
    """Every recorded connect without a device, sent again, answered the same."""

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """Only the native dialect, as the original."""
        return STRICT

    def outcome(self, row: dict[str, Any]) -> dict[str, Any]:
        """What happens now, in the form of the recording."""
        try:
            connection = self.dial(row.get("headers"))
        except UpgradeRefused as refused:
            return {"refused": {"status": refused.status, "body": _json(refused.body)}}
        with connection:
            self.challenge(connection)
            connection.send(connect_frame(row["send"]))
            answer = connection.response("c1")
            if answer["ok"]:
                return {"answer": {"ok": True, "auth": answer["payload"]["auth"]}}
            closed = connection.until_closed()
        found = {"ok": False, "error": answer["error"]}
        return {"answer": found, "close": {"code": closed.code, "reason": closed.reason}}

    def test_recorded_connects(self) -> None:
        """Rungs 2, 8: codes, messages, details, close codes and reasons, row by row."""
        wrong = {}
        for row in load("connects", self.gateway):
            if self.ours and row["name"] in _ORIGINAL_ONLY:
                continue
            wanted = {key: row[key] for key in ("answer", "close", "refused") if key in row}
            if found := difference(wanted, self.outcome(row)):
                wrong[row["name"]] = found
        self.assertEqual(wrong, {}, "\n".join(map(": ".join, wrong.items())))

    def test_unknown_connect_params_do_no_harm_to_ours(self) -> None:
        """The agreed difference: newer clients send fields that the schema does not know."""
        if self.ours:
            self.assertTrue(self.hello(self.dial(), self.backend(modelCatalog={"x": 1}))["ok"])


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
