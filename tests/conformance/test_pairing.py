"""Official clients on another machine ask, are let in, and stay until revoked (rungs 8, 13, 26)."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.conformance.cases import CommandLineCase, ConformanceCase, connect_frame
from tests.conformance.cli import CommandLine
from tests.conformance.devices import Device
from tests.conformance.proxy import Proxy
from tests.conformance.raw import Frame, RawSocket
from tests.conformance.target import Gateway
from tests.conformance.terminal import Terminal

BEHIND_PROXY: Mapping[str, Any] = {"gateway": {"trustedProxies": ["127.0.0.1"]}}
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"


def eventually(what: str, look: Callable[[], Any], seconds: float = 60) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
    return found


class FarCommandLine(CommandLine):
    """The official command line on another machine: another home, behind the proxy."""

    def __init__(self, gateway: Gateway, proxy: Proxy, name: str) -> None:
        self._proxy, self._name = proxy, name
        super().__init__(gateway, remote=True)

    def _configure(self) -> None:
        self.home = self._gateway.directory / f"far-{self._name}"
        folder = self.home / ".openclaw"
        folder.mkdir(parents=True, exist_ok=True)
        remote = {"url": self._proxy.ws, "token": self._token}
        settings = {"gateway": {"mode": "remote", "remote": remote}}
        (folder / "openclaw.json").write_text(json.dumps(settings))


class StrangersCommandLine(FarCommandLine):
    """The same, knowing nothing of any gateway."""

    def _configure(self) -> None:
        self.home = self._gateway.directory / f"far-{self._name}"
        (self.home / ".openclaw").mkdir(parents=True, exist_ok=True)


class RemotePairingCase(ConformanceCase):
    """A gateway with a trusted proxy, and somebody to look at its list."""

    @classmethod
    def configuration(cls) -> Mapping[str, Any]:
        """Believe the proxy."""
        return BEHIND_PROXY

    def setUp(self) -> None:
        """Start the proxy."""
        super().setUp()
        self.proxy = Proxy(self.gateway.port)
        self.proxy.start()
        self.addCleanup(self.proxy.stop)

    def owner(self, *scopes: str) -> RawSocket:
        """A connection of the owner's own tools, all rights unless some are named."""
        connection = self.dial()
        params = self.backend(scopes=list(scopes)) if scopes else self.backend()
        self.assertTrue(self.hello(connection, params)["ok"])
        return connection

    def owns(self, method: str, params: Any = None) -> Any:
        """What the owner is answered; it must be good."""
        with self.owner() as connection:
            answer = self.ask(connection, method, params)
        self.assertTrue(answer["ok"], answer)
        return answer["payload"]

    def refusal(self, method: str, params: Any, *scopes: str) -> Any:
        """The error that somebody with these scopes is answered."""
        with self.owner(*scopes) as connection:
            answer = self.ask(connection, method, params)
        self.assertFalse(answer["ok"], answer)
        return answer["error"]

    def pending(self, client_id: str) -> Any:
        """The request of one kind of client, as soon as there is one."""
        return eventually(
            f"a request of {client_id}",
            lambda: next(
                (
                    row
                    for row in self.owns("device.pair.list")["pending"]
                    if row["clientId"] == client_id
                ),
                None,
            ),
        )


class OfficialClientTests(RemotePairingCase, CommandLineCase):
    """The terminal UI and the node host; the owner uses the official command line too."""

    def test_terminal_ui_connects_by_itself_after_approval(self) -> None:
        """Rung 26: it waits, is previewed, approved, and is in; then again by its device token."""
        far = FarCommandLine(self.gateway, self.proxy, "tui")
        terminal = Terminal(far.command("tui"), far.environment, far.home)
        self.addCleanup(terminal.stop)
        request = self.pending("openclaw-tui")
        self.assertEqual((request["role"], request["remoteIp"]), ("operator", "10.1.2.3"))
        self.assertFalse(request["isRepair"])

        preview = self.cli.run("devices", "approve")
        self.assertEqual(preview.status, 1, preview)
        self.assertIn(request["requestId"], preview.text)
        approved = self.cli.run("devices", "approve", request["requestId"])
        self.assertEqual(approved.status, 0, approved)
        terminal.wait_for("connected | idle", 60)

        device_id = request["deviceId"]
        renamed = self.cli.run("devices", "rename", "--device", device_id, "--name", "Far away")
        self.assertEqual(renamed.status, 0, renamed)
        listed = self.cli.run("devices", "list", "--json").json
        (row,) = [row for row in listed["paired"] if row["deviceId"] == device_id]
        self.assertEqual((row["operatorLabel"], row["approvedVia"]), ("Far away", "owner"))

        again = Terminal(far.command("tui"), far.environment, far.home)
        self.addCleanup(again.stop)
        again.wait_for("connected | idle", 60)
        removed = self.cli.run("devices", "remove", device_id)
        self.assertEqual(removed.status, 0, removed)
        again.wait_for("disconnected", 30)

    def test_node_host_is_approved_rotated_and_revoked(self) -> None:
        """Rung 26: the command line asks for admin by itself; 4001 cuts, a token comes back."""
        far = FarCommandLine(self.gateway, self.proxy, "node")
        arguments = ["node", "run", "--host", "127.0.0.1", "--port", str(self.proxy.port)]
        output = far.home / "node.log"

        def run_node() -> "subprocess.Popen[bytes]":
            node = far.start(*arguments, "--display-name", "Far node", output=output)
            self.addCleanup(stop, node)
            return node

        node = run_node()
        request = self.pending("node-host")
        self.assertEqual((request["role"], request["scopes"]), ("node", []))
        approved = self.cli.run("devices", "approve", request["requestId"])
        self.assertEqual(approved.status, 0, approved)
        stop(node)
        node = run_node()
        device_id = request["deviceId"]
        self.eventually_connected(device_id, output)

        where = ("--device", device_id, "--role", "node")
        rotated = self.cli.run("devices", "rotate", *where)
        self.assertEqual(rotated.status, 0, rotated)
        self.eventually_connected(device_id, output)  # It fetches the new one by itself.
        revoked = self.cli.run("devices", "revoke", *where)
        self.assertEqual(revoked.status, 0, revoked)
        repair = self.pending("node-host")
        self.assertTrue(repair["isRepair"])
        rejected = self.cli.run("devices", "reject", repair["requestId"])
        self.assertEqual(rejected.status, 0, rejected)

    def test_node_host_sets_itself_up_with_a_code(self) -> None:
        """Nothing is asked, no token is given: the code is the approval, once."""
        params = {"publicUrl": self.proxy.ws, "bootstrapProfile": "node", "includeQr": False}
        made = self.owns("device.pair.setupCode", params)
        self.assertEqual((made["access"], made["auth"]), ("node", "token"))
        far = StrangersCommandLine(self.gateway, self.proxy, "set-up")
        output = far.home / "node.log"
        node = far.start("connect", made["setupCode"], "--display-name", "Set up", output=output)
        self.addCleanup(stop, node)

        def row() -> Any:
            rows = self.owns("device.pair.list")["paired"]
            return next((one for one in rows if one["displayName"] == "Set up"), None)

        try:
            device = eventually("the node is paired", row)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {output.read_text()[-1500:]}") from error
        self.assertEqual((device["roles"], device["approvedVia"]), (["node"], "owner"))
        self.eventually_connected(device["deviceId"], output)
        other = StrangersCommandLine(self.gateway, self.proxy, "set-up-again")
        second = other.home / "node.log"
        late = other.start("connect", made["setupCode"], "--display-name", "Late", output=second)
        self.addCleanup(stop, late)
        eventually("the second one is told", lambda: "bootstrap" in second.read_text())
        names = [one["displayName"] for one in self.owns("device.pair.list")["paired"]]
        self.assertNotIn("Late", names)

    def eventually_connected(self, device_id: str, output: Path) -> None:
        """Wait until the list says that a device is here."""

        def look() -> bool:
            rows = self.owns("device.pair.list")["paired"]
            return any(row["deviceId"] == device_id and row["connected"] for row in rows)

        try:
            eventually("the node connects", look)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {output.read_text()[-1500:]}") from error

    def test_wrong_token_from_afar(self) -> None:
        """Rung 8, behind the proxy: the text names the token, and nothing waits for approval."""
        outcome = CommandLine(self.gateway, token="wrong").run("gateway", "call", "health")
        self.assertEqual(outcome.status, 1)
        self.assertIn("token mismatch", outcome.text)


class RawRemoteTests(RemotePairingCase):
    """The same on the wire, frame by frame."""

    def params(self, **changes: Any) -> dict[str, Any]:
        """Connect params of a command line with a device."""
        client = {"id": "cli", "version": "1", "platform": "linux", "deviceFamily": "Linux"}
        client["mode"] = "cli"
        return self.backend(**{"client": client, "scopes": ["operator.read"], **changes})

    def connect(
        self, device: Device, params: dict[str, Any] | None = None
    ) -> tuple[RawSocket, Frame]:
        """Connect from afar."""
        connection = RawSocket(self.proxy.port, headers={}, path="/")
        self.addCleanup(connection.__exit__, None, None, None)
        params = params or self.params()
        proof = device.proof(params, self.challenge(connection))
        connection.send(connect_frame({**params, "device": proof}))
        return connection, connection.response("c1")

    def refused(self, device: Device, params: dict[str, Any] | None = None) -> Any:
        """The details of ``PAIRING_REQUIRED``."""
        _, answer = self.connect(device, params)
        self.assertEqual(answer["error"]["code"], "NOT_PAIRED", answer)
        return answer["error"]["details"]

    def told(self, watcher: RawSocket, event: str, request_id: str) -> Any:
        """The payload of one event about one request."""
        frame = watcher.until(
            lambda frame: (
                frame.get("event") == event and frame["payload"].get("requestId") == request_id
            )
        )
        return frame["payload"]

    def test_a_request_lives_until_it_is_settled(self) -> None:
        """Kept while the ask is the same, superseded by a wider one, approved as shown."""
        device = Device()
        watcher = self.owner("operator.pairing")
        first = self.refused(device)
        self.assertEqual(self.refused(device)["requestId"], first["requestId"])
        wider = self.refused(device, self.params(scopes=["operator.read", "operator.write"]))
        self.assertNotEqual(wider["requestId"], first["requestId"])
        gone = self.refusal("device.pair.approve", {"requestId": first["requestId"]})
        self.assertEqual((gone["code"], gone["message"]), ("INVALID_REQUEST", "unknown requestId"))
        asked, ended = (
            self.told(watcher, f"device.pair.{kind}", first["requestId"])
            for kind in ("requested", "resolved")
        )
        self.assertEqual((asked["clientId"], asked["scopes"]), ("cli", ["operator.read"]))
        self.assertEqual((ended["deviceId"], ended["decision"]), (device.id, "rejected"))
        self.owns("device.pair.approve", {"requestId": wider["requestId"]})
        _, hello = self.connect(device)
        self.assertEqual(hello["payload"]["auth"]["scopes"], ["operator.read"])
        more = self.refused(device, self.params(scopes=["operator.admin"]))
        self.assertEqual(more["reason"], "scope-upgrade")
        self.assertEqual(more["approvedScopes"], ["operator.read", "operator.write"])

    def test_nobody_approves_what_he_does_not_hold(self) -> None:
        """The words of the protocol: for admin, for a node, for an unknown request."""
        table: list[tuple[dict[str, Any], str]] = [
            (self.params(scopes=["operator.admin"]), "missing scope: operator.admin"),
            (
                self.params(
                    client={**self.params()["client"], "id": "node-host", "mode": "node"},
                    role="node",
                    scopes=[],
                ),
                "device pairing approval denied",
            ),
        ]
        for params, message in table:
            request_id = self.refused(Device(), params)["requestId"]
            error = self.refusal(
                "device.pair.approve", {"requestId": request_id}, "operator.pairing"
            )
            self.assertEqual((error["code"], error["message"]), ("INVALID_REQUEST", message))

    def test_revoked_sockets_are_closed(self) -> None:
        """4001 "device removed" for rotate, revoke and remove; unknown devices are denied."""
        for method, params in (
            ("device.token.rotate", {"role": "operator"}),
            ("device.token.revoke", {"role": "operator"}),
            ("device.pair.remove", {}),
        ):
            device = Device()
            request_id = self.refused(device)["requestId"]
            self.owns("device.pair.approve", {"requestId": request_id})
            connection, hello = self.connect(device)
            token = hello["payload"]["auth"]["deviceToken"]
            self.owns(method, {"deviceId": device.id, **params})
            closed = connection.until_closed()
            self.assertEqual((closed.code, closed.reason), (4001, "device removed"), method)
            auth = {"token": token, "deviceToken": token}
            _, answer = self.connect(device, self.params(auth=auth))
            self.assertEqual(
                answer["error"]["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH", method
            )
        for method, message in (
            ("device.token.rotate", "device token rotation denied"),
            ("device.token.revoke", "device token revocation denied"),
        ):
            error = self.refusal(method, {"deviceId": "ab" * 32, "role": "operator"})
            self.assertEqual((error["code"], error["message"]), ("INVALID_REQUEST", message))

    def test_a_revoked_role_is_asked_for_again(self) -> None:
        """As a repair, with the role still named."""
        device = Device()
        self.owns("device.pair.approve", {"requestId": self.refused(device)["requestId"]})
        self.owns("device.token.revoke", {"deviceId": device.id, "role": "operator"})
        details = self.refused(device)
        self.assertEqual(
            (details["reason"], details["approvedRoles"]), ("role-upgrade", ["operator"])
        )
        rows = self.owns("device.pair.list")["pending"]
        (row,) = [row for row in rows if row["requestId"] == details["requestId"]]
        self.assertTrue(row["isRepair"])

    def test_the_code_a_device_shows(self) -> None:
        """Ours alone: the second handle of a request, good once."""
        if not self.ours:
            return
        device = Device()
        details = self.refused(device)
        self.assertRegex(details["requestId"], _UUID)
        code = details["pairingCode"]
        approved = self.owns("pairing.approve", {"code": f"{code[:4]}-{code[4:].lower()}"})
        self.assertEqual(approved["device"]["deviceId"], device.id)
        again = self.refusal("pairing.approve", {"code": code})
        self.assertEqual(again["details"]["code"], "PAIRING_CODE_INVALID")

    def test_a_restart_forgets_nothing(self) -> None:
        """Requests and devices are as they were, codes included."""
        device, paired = Device(), Device()
        self.owns("device.pair.approve", {"requestId": self.refused(paired)["requestId"]})
        before = self.refused(device)
        self.gateway.stop_process()
        self.gateway.start_process()
        after = self.refused(device)
        self.assertEqual(after["requestId"], before["requestId"])
        self.assertEqual(after.get("pairingCode"), before.get("pairingCode"))
        self.assertTrue(self.connect(paired)[1]["ok"])


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process for certain."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
