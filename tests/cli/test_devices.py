"""Tests of the commands that decide about devices and codes, and of the QR code."""

import io
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.cli.qr import drawing
from tests.cli.running import CommandTestCase
from tests.client.stand_in import Connection, Refusal

REQUEST = "95ba636b-0000-4000-8000-000000000001"
PENDING = {
    "requestId": REQUEST,
    "displayName": "Ta\x1bblet",
    "role": "operator",
    "scopes": ["operator.read"],
    "remoteIp": "10.0.0.9",
    "expiresAtMs": 4_000_000_000_000,
}
PHONE = {
    "deviceId": "ab" * 32,
    "displayName": "Phone",
    "role": "operator",
    "roles": ["operator"],
    "scopes": ["operator.read"],
    "tokens": [{"role": "operator"}],
}
BOTH = {
    "deviceId": "cd" * 32,
    "displayName": "Mac",
    "operatorLabel": "Desk",
    "role": "operator",
    "scopes": ["operator.admin"],
    "tokens": [{"role": "operator"}, {"role": "node"}],
}


class DecidingTestCase(CommandTestCase):
    """A gateway that notes what it is asked."""

    def setUp(self) -> None:
        """One waits, two are paired."""
        self.asked: list[tuple[str, Any]] = []
        super().setUp()
        self.answers("device.pair.list", {"pending": [PENDING], "paired": [PHONE, BOTH]})

    def answers(self, method: str, payload: Any) -> None:
        """What a method answers."""

        def answer(connection: Connection, params: dict[str, Any]) -> Any:
            if method != "device.pair.list":
                self.asked.append((method, params))
            return payload

        self.gateway.methods[method] = answer

    def scopes(self) -> Any:
        """What the last connection asked for."""
        connects = [one for one in self.gateway.requests if one["method"] == "connect"]
        return connects[-1]["params"]["scopes"]


class DevicesTests(DecidingTestCase):
    """``openclaw devices``."""

    async def test_approving(self) -> None:
        """By request or code; the scope that deciding takes, and no other."""
        self.answers("device.pair.approve", {"requestId": REQUEST, "device": PHONE})
        for handle, params in (
            (REQUEST, {"requestId": REQUEST}),
            ("4qk7-m2wp", {"code": "4qk7-m2wp"}),
        ):
            ran = await self.run_command("devices", "approve", handle)
            self.assertEqual((ran.status, ran.out), (0, "Approved Phone: read.\n"))
            self.assertEqual(self.asked.pop(), ("device.pair.approve", params))
            self.assertEqual(self.scopes(), ["operator.admin"])

    async def test_approving_nothing_shows_what_waits(self) -> None:
        """And fails: what was not named is not approved."""
        ran = await self.run_command("devices", "approve")
        self.assertEqual((ran.status, self.asked), (1, []))
        for words in (REQUEST, "Tablet", "10.0.0.9", "read"):
            self.assertIn(words, ran.out)
        self.assertIn(f"openclaw devices approve {REQUEST}", ran.err)
        self.answers("device.pair.list", {"pending": [], "paired": []})
        self.assertIn("No device waits", (await self.run_command("devices", "approve")).err)

    async def test_a_refusal_is_told(self) -> None:
        """In the gateway's words, with its advice."""

        def refuse(connection: Connection, params: Any) -> Any:
            raise Refusal(
                "INVALID_REQUEST", "unknown pairing code", details={"next": "Look again."}
            )

        self.gateway.methods["device.pair.approve"] = refuse
        ran = await self.run_command("devices", "approve", "AAAA-AAAA")
        self.assertEqual(ran.status, 1)
        for words in ("unknown pairing code", "Look again."):
            self.assertIn(words, ran.err)

    async def test_rejecting(self) -> None:
        """By its request."""
        self.answers("device.pair.reject", {"requestId": REQUEST, "deviceId": "x"})
        self.assertEqual((await self.run_command("devices", "reject", REQUEST)).status, 0)
        self.assertEqual(self.asked, [("device.pair.reject", {"requestId": REQUEST})])

    async def test_devices_are_named_as_people_do(self) -> None:
        """Id, beginning of it, name, label; never by what fits several or none."""
        self.answers("device.pair.remove", {"deviceId": PHONE["deviceId"]})
        for name in ("ab" * 32, "ababab", "ABABABAB", "Phone"):
            ran = await self.run_command("devices", "remove", name)
            self.assertEqual((ran.status, ran.out), (0, "Removed Phone.\n"), name)
            self.assertEqual(
                self.asked.pop(), ("device.pair.remove", {"deviceId": PHONE["deviceId"]})
            )
        for name in ("abab", "Mac", "nobody", ""):
            ran = await self.run_command("devices", "remove", name)
            self.assertEqual((ran.status, self.asked), (1, []), name)
            self.assertIn("No paired device", ran.err)

    async def test_renaming(self) -> None:
        """The label goes out as it was given."""
        self.answers("device.pair.rename", {"deviceId": "x", "label": "Bad Küche"})
        ran = await self.run_command("devices", "rename", "Desk", "Bad Küche")
        self.assertEqual((ran.status, ran.out), (0, "Desk is now Bad Küche.\n"))
        params = {"deviceId": BOTH["deviceId"], "label": "Bad Küche"}
        self.assertEqual(self.asked, [("device.pair.rename", params)])

    async def test_tokens(self) -> None:
        """The only role is meant; of several one is named."""
        self.answers("device.token.rotate", {"tokenDelivery": "withheld-cross-device"})
        self.answers("device.token.revoke", {"revokedAtMs": 1})
        await self.run_command("devices", "rotate", "Phone", "--scope", "operator.read")
        ran = await self.run_command("devices", "revoke", "Desk", "--role", "node")
        self.assertIn("may no longer connect as node", ran.out)
        phone, desk = PHONE["deviceId"], BOTH["deviceId"]
        self.assertEqual(
            self.asked,
            [
                (
                    "device.token.rotate",
                    {"deviceId": phone, "role": "operator", "scopes": ["operator.read"]},
                ),
                ("device.token.revoke", {"deviceId": desk, "role": "node"}),
            ],
        )
        ran = await self.run_command("devices", "revoke", "Desk")
        self.assertEqual((ran.status, len(self.asked)), (1, 2))
        self.assertIn("--role", ran.err)
        self.assertEqual(
            (await self.run_command("devices", "revoke", "Desk", "--role", "king")).status, 2
        )

    async def test_for_programs(self) -> None:
        """One document each."""
        self.answers("device.pair.approve", {"requestId": REQUEST, "device": PHONE})
        ran = await self.run_command("devices", "approve", REQUEST, "--json")
        self.assertEqual(ran.document, {"requestId": REQUEST, "device": PHONE})
        ran = await self.run_command("devices", "revoke", "Desk", "--json")
        self.assertEqual(ran.document["error"]["code"], "ROLE_NEEDED")


class PairingTests(DecidingTestCase):
    """``openclaw pairing``."""

    async def test_list(self) -> None:
        """Senders and devices; nobody is not an empty screen."""
        sender = {
            "channel": "telegram",
            "account": "main",
            "senderId": "123",
            "displayName": "Phil",
            "expiresAtMs": 4_000_000_000_000,
        }
        listed = {"senders": [sender], "devices": [PENDING]}
        self.answers("pairing.list", listed)
        ran = await self.run_command("pairing", "list")
        for words in ("telegram", "123", "Phil", REQUEST, "Tablet"):
            self.assertIn(words, ran.out)
        ran = await self.run_command("pairing", "list", "--channel", "telegram", "--json")
        self.assertEqual(ran.document, listed)
        self.assertEqual(self.asked[1], ("pairing.list", {"channel": "telegram"}))
        self.assertEqual(self.scopes(), ["operator.pairing"])
        self.answers("pairing.list", {"senders": [], "devices": []})
        self.assertIn("Nobody waits", (await self.run_command("pairing", "list")).out)

    async def test_approve(self) -> None:
        """Sender or device, code or request."""
        self.answers("device.pair.approve", {"requestId": REQUEST, "device": PHONE})
        ran = await self.run_command("pairing", "approve", REQUEST)
        self.assertEqual((ran.status, ran.out), (0, "Approved Phone.\n"))
        self.assertEqual(self.asked.pop()[1], {"requestId": REQUEST})
        sender = {"channel": "telegram", "senderId": "123", "displayName": "Phil"}
        self.answers("pairing.approve", {"sender": sender})
        ran = await self.run_command("pairing", "approve", "4QK7-M2WP", "--channel", "telegram")
        self.assertEqual((ran.status, ran.out), (0, "Approved Phil on telegram.\n"))
        self.assertEqual(self.asked.pop()[1], {"code": "4QK7-M2WP", "channel": "telegram"})
        for words in (("telegram",), ("telegram", "--channel", "telegram")):
            ran = await self.run_command("pairing", "approve", words[0], "4QK7M2WP", *words[1:])
            self.assertEqual(ran.status, 0)
            self.assertEqual(self.asked.pop()[1], {"code": "4QK7M2WP", "channel": "telegram"})
        for wrong in (("irc", "C", "--channel", "telegram"), ("a", "b", "C"), ()):
            ran = await self.run_command("pairing", "approve", *wrong)
            self.assertEqual(ran.status, 2)
        self.assertEqual(self.asked, [])


class SetupTests(DecidingTestCase):
    """``openclaw qr``: codes for devices."""

    def setting(self) -> dict[str, Any]:
        """What the gateway makes."""
        made = {
            "setupCode": "eyJ1cmwiOiJ3c3M6Ly94In0",
            "gatewayUrl": "wss://192.168.1.5:18789",
            "auth": "token",
            "urlSource": "gateway.bind",
            "access": "limited",
            "expiresAtMs": 4_000_000_000_000,
        }
        self.answers("device.pair.setupCode", made)
        return made

    async def test_a_picture_and_the_code(self) -> None:
        made = self.setting()
        ran = await self.run_command("qr")
        self.assertEqual(ran.status, 0)
        for shown in (drawing(made["setupCode"]), made["setupCode"], made["gatewayUrl"]):
            self.assertIn(shown, ran.out)
        self.assertIn("Do not share", ran.err)
        self.assertEqual((await self.run_command("qr", "--json")).document, made)
        only = await self.run_command("qr", "--setup-code-only")
        self.assertEqual(only.out, made["setupCode"] + "\n")
        bare = await self.run_command("qr", "--no-ascii")
        self.assertNotIn("▄", bare.out)

    async def test_what_is_asked_for(self) -> None:
        self.setting()
        usual = {"includeQr": False, "preferRemoteUrl": False, "bootstrapProfile": "limited"}
        for arguments, params in (
            ((), usual),
            (("--node",), {**usual, "bootstrapProfile": "node"}),
            (("--remote",), {**usual, "preferRemoteUrl": True}),
            (("--public-url", "wss://g.example"), {**usual, "publicUrl": "wss://g.example"}),
        ):
            await self.run_command("qr", *arguments)
            self.assertEqual(self.asked.pop(), ("device.pair.setupCode", params))
        self.assertEqual((await self.run_command("qr", "--node", "--limited")).status, 2)


class QrTests(DecidingTestCase):
    """``openclaw qr --link``."""

    def setting(self, url: str) -> None:
        """What the gateway says its link is."""
        link = {"url": url, "code": "x", "expiresAtMs": 4_000_000_000_000}
        self.answers("dashboard.link", link)

    async def test_a_phone_cannot_reach_loopback(self) -> None:
        """Which is said, with what to do; a proxy's address may be named."""
        self.setting("http://127.0.0.1:18789/chat/#code=abc")
        ran = await self.run_command("qr", "--link")
        self.assertEqual(ran.status, 1)
        self.assertIn("--public-url", ran.err)
        ran = await self.run_command("qr", "--link", "--public-url", "https://gateway.example/")
        url = "https://gateway.example/chat/#code=abc"
        self.assertEqual((ran.status, ran.out), (0, f"{drawing(url)}\n{url}\n"))
        self.assertNotIn("code=abc", ran.err)

    async def test_where_it_listens(self) -> None:
        """Good enough for a phone in the house."""
        url = "https://192.168.1.5:18789/chat/#code=abc"
        self.setting(url)
        self.assertIn(url, (await self.run_command("qr", "--link")).out)
        self.assertEqual((await self.run_command("qr", "--link", "--json")).document["url"], url)

    async def test_nonsense(self) -> None:
        """Is wrong usage."""
        for url in ("gateway.example", "ftp://x", "https://"):
            self.assertEqual(
                (await self.run_command("qr", "--link", "--public-url", url)).status, 2, url
            )
        self.assertEqual(self.asked, [])


class DrawingTests(SynchronousTestCase):
    """The picture itself."""

    def test_it_is_the_code_row_by_row(self) -> None:
        """Half blocks read back are what the library says, quiet zone included."""
        import segno

        text = "https://gateway.example/chat/#code=" + "x" * 32
        out = io.StringIO()
        segno.make(text, error="l", micro=False).save(out, kind="txt", border=2)
        wanted = out.getvalue().split()
        rows: list[str] = []
        for line in drawing(text).splitlines():
            rows.append("".join("0" if sign in "█▀" else "1" for sign in line))
            rows.append("".join("0" if sign in "█▄" else "1" for sign in line))
        self.assertEqual(rows[: len(wanted)], wanted)
