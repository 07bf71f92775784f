"""Set-up codes by method: what is inside, which addresses they may name."""

import json
from base64 import urlsafe_b64decode
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import InvalidRequest
from openclaw.gateway.methods.setup import Reached, SetupMethods, device_url
from openclaw.protocol.base import to_plain
from openclaw.protocol.schema.devices import SetupCodeParams
from tests.gateway.people import Person
from tests.security.clients import Door

PIN = ":".join(["AB"] * 32)


class SetupCase(SynchronousTestCase):
    """The method, at a door."""

    def make(self, own: str = "wss://192.168.1.5:18789", **params: Any) -> dict[str, Any]:
        """Ask for a code; the answer, with what is inside of it."""
        reached = Reached(
            own_url=lambda: own,
            remote_url="https://far.example:18789/ws/",
            fingerprint=lambda: PIN if own.startswith("wss") else "",
        )
        self.door = Door()
        methods = SetupMethods(
            admission=self.door.admission,
            reached=reached,
            auth="token",
            verified=lambda _: False,
            in_thread=maybeDeferred,
        )
        (handler,) = methods.handlers().values()
        asked = SetupCodeParams(**params)
        work: Any = handler(Person().client, asked)
        answer = self.successResultOf(Deferred.fromCoroutine(work))
        plain: dict[str, Any] = to_plain(answer)
        code = plain["setupCode"]
        plain["inside"] = json.loads(urlsafe_b64decode(code + "=" * (-len(code) % 4)))
        return plain

    def refused(self, **how: Any) -> str:
        """Ask for one that is not made; why."""
        with self.assertRaises(self.failureException) as caught:
            self.make(**how)
        self.assertIn("InvalidRequest", str(caught.exception))
        return str(caught.exception)


class CodeTests(SetupCase):
    def test_what_is_inside(self) -> None:
        made = self.make(include_qr=False)
        inside = made.pop("inside")
        self.assertEqual(inside["url"], "wss://192.168.1.5:18789")
        self.assertEqual(inside["tlsFingerprint"], "ab" * 32)
        self.assertEqual(inside["expiresAtMs"], made["expiresAtMs"])
        self.assertEqual(set(inside), {"url", "bootstrapToken", "expiresAtMs", "tlsFingerprint"})
        self.assertNotIn("qrDataUrl", made)
        self.assertNotIn("=", made["setupCode"])

    def test_a_picture_of_it(self) -> None:
        self.assertTrue(self.make()["qrDataUrl"].startswith("data:image/png;base64,"))

    def test_access(self) -> None:
        for profile, access, downgraded in (
            ({}, "limited", True),
            ({"bootstrap_profile": "limited"}, "limited", None),
            ({"bootstrap_profile": "node"}, "node", None),
        ):
            made = self.make(include_qr=False, **profile)
            self.assertEqual((made["access"], made.get("accessDowngraded")), (access, downgraded))

    def test_a_pin_only_for_our_own_certificate(self) -> None:
        """A proxy in front has its own."""
        made = self.make(include_qr=False, public_url="https://proxy.example/")
        self.assertNotIn("tlsFingerprint", made["inside"])
        self.assertEqual(made["inside"]["url"], "wss://proxy.example")
        self.assertEqual(made["urlSource"], "request.publicUrl")
        plain = self.make("ws://192.168.1.5:18789", include_qr=False)
        self.assertNotIn("tlsFingerprint", plain["inside"])
        remote = self.make(include_qr=False, prefer_remote_url=True)
        self.assertEqual(remote["inside"]["url"], "wss://far.example:18789/ws")

    def test_what_is_not_made(self) -> None:
        self.assertIn("only bound to loopback", self.refused(own=""))
        self.refused(join_url=True)
        self.refused(public_url="ws://gateway.example")
        self.assertIn("plain text", self.refused(own="ws://8.8.8.8:18789"))


class AddressTests(SynchronousTestCase):
    def test_one_spelling(self) -> None:
        for text, shown in (
            ("https://gateway.example", "wss://gateway.example"),
            (" WSS://Gateway.Example:443/ ", "wss://gateway.example"),
            ("wss://gateway.example:8443/ws/", "wss://gateway.example:8443/ws"),
            ("http://127.0.0.1:80", "ws://127.0.0.1"),
            ("ws://[fd00::5]:18789", "ws://[fd00::5]:18789"),
            ("ws://phone.local:1", "ws://phone.local:1"),
            ("ws://100.64.0.9:1", "ws://100.64.0.9:1"),
        ):
            self.assertEqual(device_url(text), shown)

    def test_what_is_none(self) -> None:
        for text in (
            *("", "gateway.example", "ftp://x", "https://", "wss://user@x", "wss://x?a=b"),
            *(
                "wss://x#f",
                "ws://gateway.example",
                "ws://8.8.8.8",
                "ws://[2606::1]",
                "wss://x:99999",
            ),
            *("wss://[::1", "ws://0.0.0.0", "javascript:alert(1)"),
        ):
            self.assertRaises(InvalidRequest, device_url, text)
