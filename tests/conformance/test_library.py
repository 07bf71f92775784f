"""The official client library against the gateway (rungs 12, 13, 17, 20)."""

from itertools import pairwise
from typing import Any

from tests.conformance.cases import ALL_SCOPES, LibraryCase
from tests.conformance.devices import Device
from tests.conformance.driven import DriverError
from tests.standins.behaviour import REPLY


class ConnectionTests(LibraryCase):
    """Hello, requests, errors, reconnects."""

    def test_backend(self) -> None:
        """Rung 12: hello 4, the scopes asked for, ``health``, a clean close."""
        hello = self.connect("a")
        self.assertEqual(hello["protocol"], 4)
        self.assertEqual(hello["auth"]["role"], "operator")
        self.assertEqual(hello["auth"]["scopes"], ALL_SCOPES)
        self.assertIs(self.request("a", "health")["ok"], True)
        self.library.ask("close", client="a")
        gaps = [line for line in self.library.collect() if "gap" in line]
        self.assertEqual(gaps, [])

    def test_errors_reach_the_caller(self) -> None:
        """Rung 6: the library's error has code and words of the gateway."""
        self.connect("a")
        with self.assertRaises(DriverError) as caught:
            self.request("a", "no.such.method")
        self.assertEqual(caught.exception.details["code"], "INVALID_REQUEST")
        self.assertIn("unknown method: no.such.method", caught.exception.details["message"])

    def test_wrong_token(self) -> None:
        """Rung 8: refused at once, with the detail code."""
        with self.assertRaises(DriverError) as caught:
            self.connect("a", token="wrong")
        self.assertEqual(caught.exception.details["details"]["code"], "AUTH_TOKEN_MISMATCH")

    def test_device_token(self) -> None:
        """Rung 13: the token is stored; then it alone opens the door, and comes back the same."""
        identity = identity_of(Device())
        as_cli: dict[str, Any] = {"clientName": "cli", "mode": "cli", "deviceIdentity": identity}
        first = self.connect("a", scopes=["operator.read"], **as_cli)
        self.assertEqual(first["auth"]["method"], "token")
        stored = self.library.wait(lambda line: "stored" in line)["stored"]
        self.assertEqual(stored["token"], first["auth"]["deviceToken"])
        self.library.ask("close", client="a")
        again = self.connect("b", token=None, scopes=["operator.read"], **as_cli)
        self.assertEqual(again["auth"]["method"], "device-token")
        self.assertEqual(again["auth"]["deviceToken"], first["auth"]["deviceToken"])
        self.assertIs(self.request("b", "health")["ok"], True)

    def test_presence_lists_devices(self) -> None:
        """A client with a device appears in presence; a device-less backend does not."""
        device = Device()
        identity = identity_of(device)
        self.connect("a")
        self.connect("tui", clientName="openclaw-tui", mode="ui", deviceIdentity=identity)
        rows = self.request("a", "system-presence")
        self.assertEqual(rows[0]["mode"], "gateway")
        self.assertIn(device.id, [row.get("deviceId") for row in rows])

    def test_the_library_comes_back_after_a_restart(self) -> None:
        """Shutdown is announced; the client dials again by itself and works on."""
        self.connect("a")
        self.gateway.stop_process()
        shutdown = self.library.wait(lambda line: _event(line) == "shutdown")
        self.assertEqual(shutdown["event"]["payload"]["reason"], "gateway stopping")
        closed = self.library.wait(lambda line: "closed" in line)["closed"]
        self.assertEqual((closed["code"], closed["reason"]), (1012, "service restart"))
        self.gateway.start_process()
        self.library.wait(lambda line: "hello" in line and line["at"] > shutdown["at"])
        self.assertIs(self.request("a", "health")["ok"], True)


class RunTests(LibraryCase):
    """Agent runs and chat as a program sees them."""

    def setUp(self) -> None:
        """Connect one client."""
        super().setUp()
        self.connect("a")

    def send(self, message: str, key: str, session: str, **how: Any) -> Any:
        """``chat.send`` to a session of the main agent."""
        params = {"sessionKey": f"agent:main:{session}", "message": message, "idempotencyKey": key}
        return self.request("a", "chat.send", params, **how)

    def chat_state(self, run: str, state: str) -> dict[str, Any]:
        """Wait for one state of one run's ``chat`` events; its payload."""

        def wanted(line: dict[str, Any]) -> bool:
            payload = line.get("event", {}).get("payload", {})
            here = _event(line) == "chat" and payload.get("runId") == run
            return here and payload.get("state") == state

        payload: dict[str, Any] = self.library.wait(wanted)["event"]["payload"]
        return payload

    def history(self, session: str) -> list[tuple[str, str]]:
        """Role and text of every message in a session's history."""
        params = {"sessionKey": f"agent:main:{session}", "limit": 50}
        rows = self.request("a", "chat.history", params)["messages"]
        return [(row["role"], text_of(row)) for row in rows]

    def test_agent_is_accepted_and_ends(self) -> None:
        """Rung 17: accepted, then final, with the run named after the idempotency key."""
        params = {"message": "hi", "sessionKey": "agent:main:runs", "idempotencyKey": "agent-1"}
        final = self.request("a", "agent", params, expectFinal=True, label="agent-1", seconds=60)
        accepted = self.library.wait(lambda line: line.get("of") == "agent-1")["progress"]
        self.assertEqual((accepted["runId"], accepted["status"]), ("agent-1", "accepted"))
        self.assertEqual(accepted["sessionKey"], "agent:main:runs")
        self.assertEqual((final["runId"], final["status"]), ("agent-1", "ok"))
        self.assertEqual(final["summary"], "completed")
        self.assertEqual(final["result"]["payloads"][0]["text"], REPLY)
        agent = final["result"]["meta"]["agentMeta"]
        self.assertEqual((agent["provider"], agent["model"]), ("mock", "mock-1"))

    def test_events_of_a_run_come_in_order(self) -> None:
        """Start, text that only grows, end; each run counts its events from 1."""
        params = {
            "message": "[chunks=5 delay=200] please",
            "sessionKey": "agent:main:order",
            "idempotencyKey": "agent-2",
        }
        self.request("a", "agent", params, expectFinal=True, seconds=60)
        frames = [f["payload"] for f in self.events("a", "agent")]
        run = [payload for payload in frames if payload["runId"] == "agent-2"]
        phases = [p["data"].get("phase") for p in run if p["stream"] == "lifecycle"]
        self.assertEqual((phases[0], phases[-1]), ("start", "end"))
        texts = [p["data"]["text"] for p in run if p["stream"] == "assistant"]
        self.assertEqual(texts[-1], "w1 w2 w3 w4 w5")
        self.assertTrue(all(b.startswith(a) for a, b in pairwise(texts)))
        numbers = [payload["seq"] for payload in run]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(numbers[0], 1)
        chat = [
            f["payload"] for f in self.events("a", "chat") if f["payload"]["runId"] == "agent-2"
        ]
        self.assertEqual([p["state"] for p in chat][-1], "final")
        self.assertEqual("".join(p.get("deltaText", "") for p in chat), "w1 w2 w3 w4 w5")

    def test_chat_send_answers_once_and_streams(self) -> None:
        """Rung 20: started; deltas; final; then both sides are in the history."""
        self.assertEqual(self.send("hello you", "chat-1", "talk")["status"], "started")
        final = self.chat_state("chat-1", "final")
        self.assertEqual(text_of(final["message"]), REPLY)
        self.assertEqual(final["sessionKey"], "agent:main:talk")
        rows = self.history("talk")
        self.assertEqual([role for role, _ in rows], ["user", "assistant"])
        self.assertIn("hello you", rows[0][1])
        self.assertEqual(rows[1][1], REPLY)

    def test_abort_keeps_what_was_said(self) -> None:
        """Rung 20: deltas, abort, ``aborted`` before its response, partial text in the history."""
        self.send("[slow] please", "chat-2", "stop")
        self.chat_state("chat-2", "delta")
        abort = {"sessionKey": "agent:main:stop", "runId": "chat-2"}
        answer = self.request("a", "chat.abort", abort)
        self.assertIs(answer["ok"], True)
        self.assertIs(answer["aborted"], True)
        self.assertEqual(answer["runIds"], ["chat-2"])
        states = [
            frame["payload"]["state"]
            for frame in self.events("a", "chat")
            if frame["payload"]["runId"] == "chat-2"
        ]
        self.assertIn("aborted", states, "the event comes before the response")
        aborted = self.chat_state("chat-2", "aborted")
        self.assertEqual(aborted["stopReason"], "rpc")
        kept = [text for role, text in self.history("stop") if role == "assistant"]
        self.assertEqual(len(kept), 1)
        self.assertTrue(kept[0].startswith("w1"), kept)
        self.assertNotIn("w30", kept[0])

    def test_a_repeated_key_runs_once(self) -> None:
        """While it runs ``in_flight``; when it is done ``ok``; the model was asked once."""
        self.gateway.model.forget()
        message = "[chunks=3 delay=500] only once"
        self.assertEqual(self.send(message, "chat-3", "once")["status"], "started")
        self.assertEqual(self.send(message, "chat-3", "once")["status"], "in_flight")
        self.chat_state("chat-3", "final")
        self.assertEqual(self.send(message, "chat-3", "once")["status"], "ok")
        asked = [row for row in self.gateway.model.requests() if "only once" in row["user"]]
        self.assertEqual(len(asked), 1)

    def test_model_errors_become_error_events(self) -> None:
        """A run never hangs: a refusal by the model ends it with an ``error`` event."""
        self.send("[error=400] please", "chat-4", "fail")
        self.assertTrue(self.chat_state("chat-4", "error")["errorMessage"])

    def test_wait_for_a_run(self) -> None:
        """``agent.wait`` gives the end of a run, and ``timeout`` for one it does not know."""
        self.send("hello", "chat-5", "wait")
        params = {"runId": "chat-5", "timeoutMs": 20000}
        self.assertEqual(self.request("a", "agent.wait", params)["status"], "ok")
        params = {"runId": "nobody", "timeoutMs": 100}
        self.assertEqual(self.request("a", "agent.wait", params)["status"], "timeout")


def identity_of(device: Device) -> dict[str, str]:
    """A device as the official library wants it."""
    return {
        "deviceId": device.id,
        "privateKeyPem": device.private_pem,
        "publicKeyPem": device.public_pem,
    }


def text_of(message: dict[str, Any]) -> str:
    """The text of a message, whose content is a string or a list of parts."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _event(line: dict[str, Any]) -> str:
    name: str = line.get("event", {}).get("event", "")
    return name
