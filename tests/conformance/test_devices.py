"""Connects that prove a device's key: signatures, silent pairing, device tokens (rung 13)."""

import base64
from typing import Any

from tests.conformance.cases import ALL_SCOPES, ConformanceCase, connect_frame
from tests.conformance.devices import Device
from tests.conformance.raw import Closed, Frame
from tests.conformance.recorded import difference


class DeviceTests(ConformanceCase):
    """A local command line with a device of its own."""

    def params(self, **changes: Any) -> dict[str, Any]:
        """Connect params of a local command line with a device."""
        client = {"id": "cli", "version": "1", "platform": "linux", "deviceFamily": "Linux"}
        client["mode"] = "cli"
        return self.backend(**{"client": client, "scopes": ["operator.read"], **changes})

    def connect(
        self, device: Device, params: dict[str, Any] | None = None, **how: Any
    ) -> tuple[Frame, Closed | None]:
        """Connect with a signed device; the response, and the close if it was refused."""
        params = params or self.params()
        with self.dial() as connection:
            proof = device.proof(params, self.challenge(connection), **how)
            connection.send(connect_frame({**params, "device": proof}))
            response = connection.response("c1")
            return response, None if response["ok"] else connection.until_closed()

    def granted(self, device: Device, params: dict[str, Any] | None = None, **how: Any) -> Any:
        """The ``auth`` part of a hello that must come."""
        response, _ = self.connect(device, params, **how)
        self.assertTrue(response["ok"], response.get("error"))
        return response["payload"]["auth"]

    def refused(self, device: Device, params: Any = None, **how: Any) -> tuple[str, str, Any]:
        """Code, message and details of a refusal that must come, closed with 1008 and it."""
        response, closed = self.connect(device, params, **how)
        self.assertFalse(response["ok"], response)
        error = response["error"]
        assert closed is not None
        self.assertEqual(closed.code, 1008)
        self.assertTrue(closed.reason.startswith(error["message"][:123]), closed.reason)
        return error["code"], error["message"], error.get("details", {})

    def test_a_new_local_device_is_paired_silently(self) -> None:
        """Loopback and a valid token: paired at once, with a device token of 43 characters."""
        auth = self.granted(Device())
        self.assertEqual((auth["method"], auth["role"]), ("token", "operator"))
        self.assertEqual(auth["scopes"], ["operator.read"])
        self.assertRegex(auth["deviceToken"], r"^[A-Za-z0-9_-]{43}$")
        self.assertIs(type(auth["issuedAtMs"]), int)

    def test_the_same_token_is_given_again(self) -> None:
        """The device token stays until it is rotated or its scopes grow."""
        device = Device()
        first, again = self.granted(device), self.granted(device)
        self.assertEqual(first["deviceToken"], again["deviceToken"])
        self.assertEqual(first["issuedAtMs"], again["issuedAtMs"])

    def test_wider_scopes_bring_a_new_token(self) -> None:
        """On loopback, with the shared token, a paired device widens itself silently."""
        device = Device()
        first = self.granted(device)
        wider = self.granted(device, self.params(scopes=["operator.read", "operator.admin"]))
        self.assertEqual(wider["scopes"], ["operator.read", "operator.admin"])
        self.assertNotEqual(first["deviceToken"], wider["deviceToken"])

    def test_a_device_token_lets_in(self) -> None:
        """Rung 13: in ``auth.token``, in ``auth.deviceToken``, or in both."""
        device = Device()
        token = self.granted(device)["deviceToken"]
        for auth in (
            {"token": token},
            {"deviceToken": token},
            {"token": token, "deviceToken": token},
        ):
            granted = self.granted(device, self.params(auth=auth))
            self.assertEqual(granted["method"], "device-token")
            self.assertEqual(granted["deviceToken"], token)

    def test_a_foreign_device_token_is_refused(self) -> None:
        """Another device's token, an invented one, or one of another role: the same answer."""
        owner, other = Device(), Device()
        token = self.granted(owner)["deviceToken"]
        node = {"id": "node-host", "version": "1", "platform": "linux", "mode": "node"}
        node["deviceFamily"] = "Linux"
        both = {"token": token, "deviceToken": token}
        as_node = self.params(client=node, role="node", scopes=[], auth=both)
        cases = [
            (other, self.params(auth=both)),
            (owner, self.params(auth={"deviceToken": "A" * 43})),
            (owner, as_node),
        ]
        for device, params in cases:
            code, message, details = self.refused(device, params)
            self.assertEqual(code, "INVALID_REQUEST")
            text = "unauthorized: device token mismatch (rotate/reissue device token)"
            self.assertEqual(message, text)
            self.assertEqual(details["code"], "AUTH_DEVICE_TOKEN_MISMATCH")
            self.assertEqual(details["authReason"], "device_token_mismatch")

    def test_a_wrong_token_of_a_paired_device(self) -> None:
        """A paired device is told to try its device token."""
        device = Device()
        self.granted(device)
        code, message, details = self.refused(device, self.params(auth={"token": "wrong"}))
        self.assertEqual(code, "INVALID_REQUEST")
        self.assertTrue(message.startswith("unauthorized: gateway token mismatch ("), message)
        expected = {
            "code": "AUTH_TOKEN_MISMATCH",
            "authReason": "token_mismatch",
            "canRetryWithDeviceToken": True,
            "recommendedNextStep": "retry_with_device_token",
        }
        self.assertEqual(difference(expected, details), "")

    def test_a_device_without_credentials(self) -> None:
        """A proven device alone is not enough."""
        params = self.params()
        del params["auth"]
        code, message, details = self.refused(Device(), params)
        self.assertEqual(code, "INVALID_REQUEST")
        self.assertTrue(message.startswith("unauthorized: gateway token missing ("), message)
        self.assertEqual(details["code"], "AUTH_TOKEN_MISSING")
        self.assertEqual(details["authReason"], "token_missing")
        self.assertEqual(details["recommendedNextStep"], "update_auth_configuration")

    def test_both_signed_texts_and_both_key_encodings(self) -> None:
        """Version 3 and the older version 2 of the text; the key in base64 of either kind."""
        self.granted(Device(), version=3)
        self.granted(Device(), version=2)
        device = Device()
        self.granted(device, publicKey=base64.b64encode(device.raw).decode())

    def test_backends_are_not_paired(self) -> None:
        """A backend with a device gets in, but neither a token nor a pairing."""
        auth = self.granted(Device(), self.backend())
        self.assertNotIn("deviceToken", auth)
        self.assertEqual(auth["scopes"], ALL_SCOPES)

    def test_bad_proofs(self) -> None:
        """Each way to get a proof wrong has its code and its reason."""
        invalid = "INVALID_REQUEST"
        table: list[tuple[dict[str, Any], str, str, str]] = [
            (
                {"signature": "A" * 86},
                "device signature invalid",
                "DEVICE_AUTH_SIGNATURE_INVALID",
                "device-signature",
            ),
            (
                {"age_ms": 660_000},
                "device signature expired",
                "DEVICE_AUTH_SIGNATURE_EXPIRED",
                "device-signature-stale",
            ),
            (
                {"nonce": "wrong"},
                "device nonce mismatch",
                "DEVICE_AUTH_NONCE_MISMATCH",
                "device-nonce-mismatch",
            ),
            (
                {"id": "ab" * 32},
                "device identity mismatch",
                "DEVICE_AUTH_DEVICE_ID_MISMATCH",
                "device-id-mismatch",
            ),
            (
                {"publicKey": "AAAA"},
                "device identity mismatch",
                "DEVICE_AUTH_DEVICE_ID_MISMATCH",
                "device-id-mismatch",
            ),
        ]
        for how, message, code, reason in table:
            found = self.refused(Device(), **how)
            self.assertEqual(found[:2], (invalid, message))
            self.assertEqual((found[2]["code"], found[2]["reason"]), (code, reason))

    def test_a_proof_needs_a_nonce(self) -> None:
        """A missing or empty nonce is a schema error, not a mismatch."""
        missing = self.refused(Device(), nonce=None)[1]
        empty = self.refused(Device(), nonce="")[1]
        start = "invalid connect params: at /device"
        self.assertEqual(missing, f"{start}: must have required property 'nonce'")
        self.assertEqual(empty, f"{start}/nonce: must not have fewer than 1 characters")

    def test_another_platform_must_be_approved(self) -> None:
        """A paired device that says it is another machine has to be approved anew."""
        device = Device()
        self.granted(device)
        client = {**self.params()["client"], "platform": "windows", "deviceFamily": "Windows"}
        code, message, details = self.refused(device, self.params(client=client))
        self.assertEqual(code, "NOT_PAIRED")
        self.assertEqual(
            message, "pairing required: device identity changed and must be re-approved"
        )
        self.assertEqual(details["code"], "PAIRING_REQUIRED")
        self.assertEqual(details["reason"], "metadata-upgrade")
        self.assertEqual(details["deviceId"], device.id)
        self.assertTrue(details["requestId"])

    def test_another_role_must_be_approved(self) -> None:
        """A paired operator that comes as a node; the reason is cut to what a close frame holds."""
        device = Device()
        self.granted(device)
        client = {**self.params()["client"], "id": "node-host", "mode": "node"}
        params = self.params(client=client, role="node", scopes=[])
        response, closed = self.connect(device, params)
        error = response["error"]
        text = "pairing required: device is asking for a higher role than currently approved"
        self.assertEqual((error["code"], error["message"]), ("NOT_PAIRED", text))
        self.assertEqual(error["details"]["reason"], "role-upgrade")
        assert closed is not None
        self.assertTrue(closed.reason.startswith(f"{text} (requestId: "), closed.reason)
        self.assertTrue(120 <= len(closed.reason.encode()) <= 123, closed.reason)

    def test_an_origin_does_not_make_a_device(self) -> None:
        """A page of the gateway's own origin still needs a device of its own."""
        client = {"id": "openclaw-control-ui", "version": "1", "platform": "web", "mode": "webchat"}
        connection = self.dial({"Origin": self.gateway.http})
        error = self.hello(connection, self.backend(client=client))["error"]
        self.assertEqual(error["details"]["code"], "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")
