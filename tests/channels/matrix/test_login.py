"""Signing in, and what happens when a token is no longer one."""

from typing import Any

from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from tests.channels.channel_case import until
from tests.channels.matrix.counterpart import BOT, PASSWORD
from tests.channels.matrix.rig import ServiceCase, text
from tests.channels.matrix.server import MatrixError

SIGNED_OUT = "openclaw channels reload matrix"


class TokenTests(ServiceCase):
    async def test_a_token_is_used_as_it_is(self) -> None:
        await self.connect()
        self.assertEqual(self.link.names, [f"Tia ({BOT})"])
        self.assertEqual(self.homeserver.asked("login"), [])
        self.assertEqual(await self.channel.probe(), f"Tia ({BOT})")

    async def test_a_wrong_token_is_fatal_and_says_the_remedy(self) -> None:
        self.make(accessToken="syt_other")
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels.matrix.accessToken", failed.message)
        self.assertNotIn("syt_other", failed.message)
        self.assertEqual(len(self.homeserver.calls), 1)

    async def test_a_token_that_dies_later_is_fatal_too(self) -> None:
        await self.connect()
        self.homeserver.revoke()
        # The HTTP client asks once more where a used connection breaks; the answer is no.
        self.homeserver.drop()
        await self.ended(ChannelFailed)

    async def test_a_token_of_somebody_else_is_not_taken(self) -> None:
        self.make(userId="@max:hs.test")
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn(BOT, failed.message)
        self.assertIn("channels.matrix.userId", failed.message)

    async def test_nothing_to_sign_in_with(self) -> None:
        self.make(accessToken=None)
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels.matrix.password", failed.message)

    async def test_another_account_has_a_position_of_its_own(self) -> None:
        await self.connect()
        self.assertEqual([key for key in self.state.values if "sync" in key], [f"sync:{BOT}"])

    async def test_a_name_that_is_not_told_is_the_name_in_the_id(self) -> None:
        self.homeserver.fault("displayname", error=MatrixError(404, "M_NOT_FOUND"))
        await self.connect()
        self.assertEqual(self.link.names, [f"tia ({BOT})"])


class PasswordTests(ServiceCase):
    def make(self, **changes: Any) -> Any:
        given = {"accessToken": None, "userId": BOT, "password": PASSWORD}
        return super().make(**{**given, **changes})

    def tokens(self) -> list[str]:
        """The tokens that sign-ins got."""
        return [token for token in self.homeserver.tokens if "login" in token]

    async def test_it_signs_in_once(self) -> None:
        await self.connect()
        await self.stop()
        await self.connect()
        (call,) = self.homeserver.asked("login")
        self.assertEqual(call.json["identifier"], {"type": "m.id.user", "user": BOT})
        self.assertEqual(call.json["initial_device_display_name"], "OpenClaw gateway")
        self.assertEqual(len(self.tokens()), 1)

    async def test_the_device_is_on_disk_before_it_is_used(self) -> None:
        self.homeserver.fault("login", does="lose")  # A sign-in is not repeated by itself.
        self.make()
        self.start()
        await self.ended(ChannelDown)
        self.start()
        await until(lambda: self.link.events)
        first, second = (call.json["device_id"] for call in self.homeserver.asked("login"))
        self.assertEqual(first, second)
        self.assertEqual(len(self.tokens()), 1)

    async def test_a_configured_device_is_used(self) -> None:
        await self.connect(deviceId="OURS", deviceName="Kitchen")
        body = self.homeserver.asked("login")[0].json
        self.assertEqual(
            (body["device_id"], body["initial_device_display_name"]), ("OURS", "Kitchen")
        )

    async def test_soft_sign_out_signs_in_again_as_the_same_device(self) -> None:
        await self.connect()
        (token,) = self.tokens()
        device = self.homeserver.tokens.pop(token)[1]
        self.homeserver.soft.add(token)
        self.say("meanwhile")  # It ends the sync that waits; the next one is refused.
        await self.ended(ChannelDown)
        self.start()
        await until(lambda: len(self.link.events) == 2)
        self.assertEqual([one[1] for one in self.homeserver.tokens.values()][1:], [device])
        await self.came("meanwhile")

    async def test_a_device_that_was_signed_out_waits_for_somebody(self) -> None:
        await self.connect()
        self.homeserver.revoke()
        self.say("x")
        failed = await self.ended(ChannelFailed)
        self.assertIn(SIGNED_OUT, failed.message)
        self.assertNotIn("login", self.state.values)
        await self.connect()

    async def test_wrong_password(self) -> None:
        self.make(password="wrong")
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels.matrix.password", failed.message)
        self.assertNotIn("wrong", failed.message)

    async def test_a_server_that_takes_no_passwords(self) -> None:
        self.homeserver.fault("login", error=MatrixError(400, "M_UNKNOWN", "Unknown login type"))
        self.make()
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels.matrix.accessToken", failed.message)

    async def test_too_many_sign_ins_wait(self) -> None:
        limit = MatrixError(429, "M_LIMIT_EXCEEDED", retry_after_ms=7_500)
        self.homeserver.fault("login", error=limit)
        self.make()
        self.start()
        self.assertEqual((await self.ended(ChannelDown)).after_seconds, 7.5)

    async def test_a_token_for_another_server_or_user_is_not_shown_here(self) -> None:
        await self.connect()
        await self.stop()
        self.make(userId="tia")
        self.start()
        await until(lambda: self.link.events)
        self.assertEqual(len(self.homeserver.asked("login")), 2)

    async def test_a_token_that_is_refused_softly_falls_back_to_the_password(self) -> None:
        self.homeserver.soft.add("syt_old")
        await self.connect(accessToken="syt_old")
        self.assertEqual(len(self.tokens()), 1)
        await self.channel.send(text("works"))


class AddressTests(ServiceCase):
    async def test_an_address_that_is_no_homeserver(self) -> None:
        root = self.homeserver.root
        self.homeserver.fault("whoami", does="raw", error=MatrixError(404, ""), body=b"<html>")
        self.make()
        self.start()
        failed = await self.ended(ChannelFailed)
        self.assertIn("channels.matrix.homeserver", failed.message)
        for given, says in (
            ("", "channels.matrix.homeserver"),
            ("example.org", "expected https://"),
            ("http://example.org", "unencrypted"),
            ("https://u@h?x=y", "expected https://"),
        ):
            self.make(homeserver=given)
            self.start()
            self.assertIn(says, (await self.ended(ChannelFailed)).message)
        await self.connect(homeserver=f"{root}/_matrix/client/v3/")

    async def test_a_server_that_is_down_is_tried_again(self) -> None:
        for does, times in (("raw", 1), ("cut", 2)):
            self.homeserver.fault("whoami", does=does, times=times, error=MatrixError(502, ""))
            self.make()
            self.start()
            await self.ended(ChannelDown)
        self.make(homeserver="http://127.0.0.1:1")
        self.start()
        await self.ended(ChannelDown)

    async def test_odd_answers_are_no_answers(self) -> None:
        for body in (b"", b"[]", b"null", b"nonsense", b"\xff", b"[" * 100_000):
            self.homeserver.fault("whoami", does="raw", error=MatrixError(200, ""), body=body)
            self.make()
            self.start()
            await self.ended(ChannelDown)

    async def test_a_deactivated_account(self) -> None:
        self.homeserver.fault("whoami", error=MatrixError(403, "M_USER_DEACTIVATED"))
        self.make()
        self.start()
        self.assertIn("deactivated", (await self.ended(ChannelFailed)).message)
