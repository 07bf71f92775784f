"""Decisions about devices on the wire: params, answers, refusals, and what they do to sockets."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import maybeDeferred

from openclaw.errors import ConnectRefused
from openclaw.gateway.dispatcher import Handler
from openclaw.gateway.methods.devices import DeviceMethods
from openclaw.gateway.methods.pairing import PairingMethods
from openclaw.gateway.revocation import Revocation
from openclaw.security.code_desk import CodeBook, CodeDesk
from openclaw.security.pairing_codes import CodeMaker, Guesses
from openclaw.security.sender_codes import SenderCodes
from tests.gateway.rig import Socket
from tests.gateway.sockets import ConnectionCase
from tests.security.clients import ALL5, LOCAL, NONCE, NOW_MS, REMOTE, KeyedDevice, params
from tests.security.door import D1, D2, NODE, READ

METHODS = (
    "device.pair.list",
    "device.pair.approve",
    "device.pair.reject",
    "device.pair.remove",
    "device.pair.rename",
    "device.token.rotate",
    "device.token.revoke",
    "pairing.list",
    "pairing.approve",
)
ROW = {
    "deviceId": D1.id,
    "displayName": "",
    "platform": "linux",
    "deviceFamily": "Linux",
    "clientId": "cli",
    "clientMode": "cli",
    "role": "operator",
    "roles": ["operator"],
    "scopes": READ,
    "remoteIp": "10.1.2.3",
}


class DeviceCase(ConnectionCase):
    """A gateway with these methods, and an owner who is connected."""

    handlers: Mapping[str, Handler]

    def setUp(self) -> None:
        """Nobody is paired but who comes as the owner."""
        self.rig = self.make({name: self.late(name) for name in METHODS})
        security = self.rig.security
        self.senders = SenderCodes(security.store, CodeMaker(b"c" * 32), security.now_ms)
        books: dict[str, CodeBook] = {"device": security.requests, "sender": self.senders}
        devices = DeviceMethods(
            devices=security.devices,
            pairing=security.approvals,
            codes=CodeDesk(books, Guesses(security.clock.seconds)),
            broadcaster=self.rig.broadcaster,
            verified=lambda client: False,
        )
        pairing = PairingMethods(senders=self.senders, devices=devices)
        self.handlers = {**devices.handlers(), **pairing.handlers()}
        security.approvals.hang_up = Revocation(self.rig.broadcaster, self.rig.clock).device
        self.owner = self.connect("cli/cli")

    def late(self, name: str) -> Handler:
        """A handler of what is only made once there is a gateway."""
        return lambda client, sent: self.handlers[name](client, sent)

    def wait(self, device: KeyedDevice = D1, **sent: Any) -> dict[str, Any]:
        """A device comes from afar; what it is told."""
        plain = params(device=device, **{"scopes": READ, **sent})
        came = maybeDeferred(self.rig.security.admission.admit, plain, REMOTE, NONCE)
        refused = self.failureResultOf(came, ConnectRefused).value
        return dict(refused.details or {})

    def ask(self, method: str, sent: Any = None, socket: Socket | None = None) -> Any:
        """The answer to one request."""
        socket = socket or self.owner
        socket.send({"type": "req", "id": "r", "method": method, "params": sent or {}})
        said, _ = self.ending(socket)
        (answer,) = [frame for frame in said if frame.get("id") == "r"]
        return answer

    def good(self, method: str, sent: Any = None, socket: Socket | None = None) -> Any:
        """The payload of an answer that must be good."""
        answer = self.ask(method, sent, socket)
        self.assertTrue(answer["ok"], answer)
        return answer["payload"]

    def error(self, method: str, sent: Any = None, socket: Socket | None = None) -> Any:
        """The error of an answer that must be none."""
        answer = self.ask(method, sent, socket)
        self.assertFalse(answer["ok"], answer)
        return answer["error"]


class PairTests(DeviceCase):
    """``device.pair.*``."""

    def test_the_list(self) -> None:
        """What waits with everything an operator needs, never the code; then what is paired."""
        details = self.wait()
        (row,) = self.good("device.pair.list")["pending"]
        public_key = row.pop("publicKey")
        self.assertEqual(
            row,
            {
                **ROW,
                "requestId": details["requestId"],
                "silent": False,
                "isRepair": False,
                "reason": "not-paired",
                "place": "lan",
                "ts": NOW_MS,
                "expiresAtMs": NOW_MS + 86_400_000,
            },
        )
        self.assertNotIn(details["pairingCode"], str(row))
        approved = self.good("device.pair.approve", {"requestId": details["requestId"]})
        device = {
            **ROW,
            "publicKey": public_key,
            "approvedVia": "owner",
            "createdAtMs": NOW_MS,
            "approvedAtMs": NOW_MS,
            "lastSeenAtMs": NOW_MS,
            "lastSeenReason": "approved",
            "connected": False,
            "tokens": [{"role": "operator", "scopes": READ, "createdAtMs": NOW_MS}],
        }
        self.assertEqual(approved, {"requestId": details["requestId"], "device": device})
        self.assertEqual(self.good("device.pair.list"), {"pending": [], "paired": [device]})

    def test_by_the_code_it_shows(self) -> None:
        """As typed; wrong ones are told as what they are, and the request stays."""
        code = self.wait()["pairingCode"]
        error = self.error("device.pair.approve", {"code": "AAAA-AAAA"})
        self.assertEqual(
            (error["code"], error["details"]["code"]), ("INVALID_REQUEST", "PAIRING_CODE_INVALID")
        )
        typed = f" {code[:4].lower()}-{code[4:]}"
        approved = self.good("device.pair.approve", {"code": typed})
        self.assertEqual(approved["device"]["deviceId"], D1.id)
        self.error("device.pair.approve", {"code": code})

    def test_one_handle_is_needed(self) -> None:
        """In the words of other missing properties."""
        self.assertEqual(
            self.error("device.pair.approve")["message"],
            "invalid device.pair.approve params: at : must have required property 'requestId'",
        )

    def test_rights(self) -> None:
        """Pairing to look, more to give; nobody gives what it does not hold."""
        reader = self.connect("cli/cli", scopes=READ)
        for method in METHODS:
            self.assertEqual(
                self.error(method, {}, reader)["details"]["missingScope"], "operator.pairing"
            )
        pairer = self.connect("cli/cli", scopes=["operator.pairing"])
        for sent, words in (
            ({"scopes": ALL5}, "missing scope: operator.admin"),
            ({"device": D2, **NODE}, "device pairing approval denied"),
        ):
            request = {"requestId": self.wait(**sent)["requestId"]}
            error = self.error("device.pair.approve", request, pairer)
            self.assertEqual((error["code"], error["message"]), ("INVALID_REQUEST", words))

    def test_rejecting(self) -> None:
        """Once."""
        request = {"requestId": self.wait()["requestId"]}
        self.assertEqual(self.good("device.pair.reject", request), {**request, "deviceId": D1.id})
        self.assertEqual(self.error("device.pair.reject", request)["message"], "unknown requestId")
        self.assertEqual(self.error("device.pair.approve", request)["message"], "unknown requestId")

    def test_renaming(self) -> None:
        """The same back, and the name in the list."""
        self.connect("cli/cli", device=D1)
        sent = {"deviceId": D1.id, "label": "Lab"}
        self.assertEqual(self.good("device.pair.rename", sent), sent)
        (row,) = self.good("device.pair.list")["paired"]
        self.assertEqual((row["operatorLabel"], row["connected"]), ("Lab", True))
        self.assertEqual(
            self.error("device.pair.rename", {**sent, "deviceId": "x"})["message"],
            "unknown deviceId",
        )

    def test_removing(self) -> None:
        """Its sockets are closed, and it is gone from the list."""
        socket = self.connect("cli/cli", device=D1)
        self.assertEqual(self.good("device.pair.remove", {"deviceId": D1.id}), {"deviceId": D1.id})
        self.assertEqual(self.ending(socket)[1], (4001, "device removed"))
        self.assertEqual(self.good("device.pair.list")["paired"], [])


class TokenTests(DeviceCase):
    """``device.token.*``."""

    def test_rotation_by_the_owner(self) -> None:
        """The token itself is not for the owner; the sockets are closed."""
        socket = self.connect("cli/cli", device=D1, scopes=READ)
        sent = {"deviceId": D1.id, "role": "operator"}
        self.assertEqual(
            self.good("device.token.rotate", sent),
            {
                **sent,
                "scopes": READ,
                "rotatedAtMs": NOW_MS,
                "tokenDelivery": "withheld-cross-device",
            },
        )
        self.assertEqual(self.ending(socket)[1], (4001, "device removed"))

    def test_rotation_by_the_device(self) -> None:
        """With its own token it gets the new one, and then the close; with the shared one not."""
        scopes = ["operator.pairing", *READ]
        first = self.connect("cli/cli", device=D1, scopes=scopes)
        sent = {"deviceId": D1.id, "role": "operator"}
        self.assertNotIn("token", self.good("device.token.rotate", sent, first))
        admitted: Any = self.rig.security.admission.admit(
            params(device=D1, scopes=scopes), LOCAL, NONCE
        )
        auth = {"deviceToken": admitted.device_token}
        own = self.connect("cli/cli", device=D1, scopes=scopes, auth=auth)
        own.send({"type": "req", "id": "r", "method": "device.token.rotate", "params": sent})
        said, closed = self.ending(own)
        payload = next(frame for frame in said if frame.get("id") == "r")["payload"]
        self.assertEqual((payload["tokenDelivery"], closed[0] if closed else 0), ("in-band", 4001))
        auth = {"deviceToken": payload["token"]}
        self.connect("cli/cli", device=D1, scopes=scopes, auth=auth)

    def test_fewer_scopes(self) -> None:
        """Asked for, never more."""
        self.connect("cli/cli", device=D1, scopes=["operator.write"])
        sent = {"deviceId": D1.id, "role": "operator"}
        rotated = self.good("device.token.rotate", {**sent, "scopes": READ})
        self.assertEqual(rotated["scopes"], READ)
        for scopes in (["operator.write"], ["operator.admin"], ["x"]):
            error = self.error("device.token.rotate", {**sent, "scopes": scopes})
            self.assertEqual(error["message"], "device token rotation denied")

    def test_revoking(self) -> None:
        """The time of it; unknown ones are denied."""
        socket = self.connect("cli/cli", device=D1)
        sent = {"deviceId": D1.id, "role": "operator"}
        self.assertEqual(self.good("device.token.revoke", sent), {**sent, "revokedAtMs": NOW_MS})
        self.assertEqual(self.ending(socket)[1], (4001, "device removed"))
        (row,) = self.good("device.pair.list")["paired"]
        self.assertEqual(
            (row["scopes"], row["roles"], row["tokens"][0]["revokedAtMs"]),
            ([], ["operator"], NOW_MS),
        )
        for method, what in (("rotate", "rotation"), ("revoke", "revocation")):
            error = self.error(f"device.token.{method}", {"deviceId": "ab" * 32, "role": "node"})
            self.assertEqual(error["message"], f"device token {what} denied")


class CodeTests(DeviceCase):
    """``pairing.*``."""

    def test_senders_and_devices(self) -> None:
        """One list, one place to type codes."""
        details = self.wait()
        code = self.successResultOf(self.senders.ask("telegram", "main", "123", "Phil"))
        listed = self.good("pairing.list")
        self.assertEqual([row["requestId"] for row in listed["devices"]], [details["requestId"]])
        sender = {
            "channel": "telegram",
            "account": "main",
            "senderId": "123",
            "displayName": "Phil",
            "ts": NOW_MS,
            "expiresAtMs": NOW_MS + 3_600_000,
        }
        self.assertEqual(listed["senders"], [sender])
        only = {"senders": [sender], "devices": []}
        self.assertEqual(self.good("pairing.list", {"channel": "telegram"}), only)
        self.assertEqual(self.good("pairing.approve", {"code": code}), {"sender": sender})
        self.assertTrue(self.senders.is_approved("telegram", "main", "123"))
        approved = self.good("pairing.approve", {"code": details["pairingCode"]})
        self.assertEqual(approved["device"]["deviceId"], D1.id)

    def test_a_channel_takes_no_code_of_a_device(self) -> None:
        """Nor of another channel."""
        device = self.wait()["pairingCode"]
        sender = self.successResultOf(self.senders.ask("telegram", "main", "123"))
        for code, channel in ((device, "telegram"), (sender, "matrix")):
            error = self.error("pairing.approve", {"code": code, "channel": channel})
            self.assertEqual(error["details"]["code"], "PAIRING_CODE_INVALID")
        self.good("pairing.approve", {"code": sender, "channel": "telegram"})

    def test_guessing_ends(self) -> None:
        """After ten in an hour."""
        self.wait()
        for _ in range(10):
            self.error("pairing.approve", {"code": "AAAAAAAA"})
        error = self.error("pairing.approve", {"code": "AAAAAAAA"})
        self.assertEqual((error["code"], error["retryable"]), ("UNAVAILABLE", True))
        self.assertGreater(error["retryAfterMs"], 3_590_000)
