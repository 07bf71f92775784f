"""The second factor from the owner's chair: a real gateway, a real terminal, a real app's codes."""

import re
import sys
import time
from typing import Any

from pyotp import TOTP

from tests.cli.running import CommandTestCase, child_environment, reactor
from tests.cli.test_against_gateway import RealGatewayCase
from tests.cli.test_terminal import Typist
from tests.client.stand_in import Connection, Refusal

CONFIG = {"access": {"authentication": {"mfa": {"requiredFor": ["admin"]}}}}


class Reader(Typist):
    """Somebody who remembers all that was shown."""

    everything = ""

    def outReceived(self, data: bytes) -> None:
        """Read, and remember."""
        self.everything += data.decode(errors="replace")
        super().outReceived(data)


class OwnerTests(RealGatewayCase):
    """From nothing to protected, and back."""

    config = CONFIG

    def at_terminal(self, *arguments: str) -> Reader:
        """Start a command where somebody can type."""
        typist = Reader()
        process = reactor.spawnProcess(
            typist,
            sys.executable,
            [sys.executable, "-m", "openclaw.cli", *arguments],
            env=child_environment(self.home),
            usePTY=True,
        )
        self.addCleanup(lambda: process.pid and process.signalProcess("KILL"))
        return typist

    async def enrol(self) -> tuple[TOTP, list[str]]:
        """Scan, type, note."""
        typist = self.at_terminal("mfa", "enroll")
        await typist.sees("Code that the app shows now:")
        found = re.search(r"(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", typist.everything)
        assert found is not None, typist.everything
        app = TOTP(found[0].replace(" ", ""))
        typist.types(f"{app.at(time.time() - 30)}\n")
        await typist.sees("Each is good once:")
        self.assertEqual(await typist.ended, 0)
        codes = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", typist.shown)
        self.assertEqual(len(codes), 10)
        return app, codes

    async def test_from_enrolment_to_removal(self) -> None:
        refused = await self.run_command("dashboard")
        self.assertEqual(refused.status, 1)
        self.assertIn("openclaw mfa enroll", refused.err)

        app, recovery = await self.enrol()

        # Nobody is there to type a code: the script learns why, and what to do.
        refused = await self.run_command("dashboard", "--json")
        self.assertEqual(refused.status, 1)
        self.assertEqual(refused.document["error"]["details"]["code"], "MFA_REQUIRED")

        typist = self.at_terminal("dashboard")
        await typist.sees("needs your second factor")
        await typist.sees("authenticator app:")
        typist.types("000000\n" if app.now() != "000000" else "000001\n")
        await typist.sees("That code is not good")
        typist.types(f"{app.at(time.time() + 30)}\n")  # The next one is good already.
        await typist.sees("/chat/#code=")
        self.assertEqual(await typist.ended, 0)

        # The next command asks again, as it is another connection; a recovery code will do.
        typist = self.at_terminal("dashboard")
        await typist.sees("authenticator app:")
        typist.types(f"{recovery[0]}\n")
        await typist.sees("/chat/#code=")
        self.assertEqual(await typist.ended, 0)

        status = await self.run_command("mfa", "status", "--json")
        self.assertEqual(status.document["recoveryCodesLeft"], 9)
        self.assertIn("dashboard.link", status.document["requiredFor"])
        self.assertNotIn("status", status.document["requiredFor"])
        self.assertEqual((await self.run_command("status")).status, 0)

        typist = self.at_terminal("mfa", "disable")
        await typist.sees("recovery code:")
        typist.types(f"{recovery[0]}\n")
        await typist.sees("That code is not good")
        typist.types(f"{recovery[1]}\n")
        await typist.sees("removed")
        self.assertEqual(await typist.ended, 0)
        self.assertFalse((await self.run_command("mfa", "status", "--json")).document["enrolled"])

        log = self.home / ".openclaw/gateway/logs/gateway.log"
        for secret in (app.secret, *recovery):
            self.assertNotIn(secret, log.read_text())

    async def test_a_script_brings_its_code_along(self) -> None:
        """Once; and where nobody asks for it, it is not used up."""
        _, (code, *_) = await self.enrol()
        plain = await self.run_command("sessions", "--json", "--mfa-code", code)
        self.assertEqual(plain.status, 0)
        shown = await self.run_command("dashboard", "--json", "--mfa-code", code)
        self.assertIn("/chat/#code=", shown.document["url"])
        refused = await self.run_command("dashboard", "--json", "--mfa-code", code)
        self.assertEqual(refused.status, 1)
        self.assertEqual(refused.document["error"]["details"]["code"], "MFA_CODE_INVALID")
        self.assertNotIn("url", refused.document)


class ScriptTests(CommandTestCase):
    """Against a stand-in: what is asked, and how failures end."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.methods["mfa.enroll"] = lambda connection, params: {
            "secret": "ABCD" * 8,
            "uri": f"otpauth://totp/OpenClaw:host?secret={'ABCD' * 8}&issuer=OpenClaw",
            "expiresAtMs": 1,
        }
        self.gateway.methods["mfa.confirm"] = self.confirm

    def confirm(self, connection: Connection, params: dict[str, Any]) -> object:
        """Take one code and no other."""
        if params["code"] != "123456":
            raise Refusal(
                "FORBIDDEN",
                "the code is wrong",
                details={"code": "MFA_CODE_INVALID", "next": "Wait."},
            )
        return {"recoveryCodes": ["abcd-efgh-ijkl-mnop"]}

    async def test_a_code_can_come_from_a_pipe(self) -> None:
        ran = await self.run_command("mfa", "enroll", "--json", stdin="1\n123456\n")
        self.assertEqual(
            (ran.status, ran.document), (0, {"recoveryCodes": ["abcd-efgh-ijkl-mnop"]})
        )
        self.assertIn("ABCD ABCD", ran.err)

    async def test_three_wrong_ones_are_enough(self) -> None:
        ran = await self.run_command("mfa", "enroll", stdin="1\n2\n3\n123456\n")
        self.assertEqual(ran.status, 1)
        self.assertIn("Wait.", ran.err)
        asked = [one["params"] for one in self.gateway.requests if one["method"] == "mfa.confirm"]
        self.assertEqual([one["code"] for one in asked], ["1", "2", "3"])


class GivenCodeTests(CommandTestCase):
    """``--mfa-code`` against a stand-in: what is sent, and when."""

    def setUp(self) -> None:
        super().setUp()
        self.shown: list[str] = []
        self.good = {"123456"}
        self.gateway.methods["dashboard.link"] = self.link
        self.gateway.methods["mfa.verify"] = self.verify

    def link(self, connection: Connection, params: dict[str, Any]) -> object:
        """Ask for the factor until it was shown."""
        if not self.shown:
            raise Refusal("FORBIDDEN", "second factor required", details={"code": "MFA_REQUIRED"})
        return {"url": "http://127.0.0.1:1/chat/#code=x", "code": "x", "expiresAtMs": 1}

    def verify(self, connection: Connection, params: dict[str, Any]) -> object:
        """Take each code once."""
        if params["code"] not in self.good:
            details = {"code": "MFA_CODE_INVALID", "next": "Wait for the next code."}
            raise Refusal("FORBIDDEN", "the code is wrong", details=details)
        self.good.remove(params["code"])
        self.shown.append(params["code"])
        return {"verifiedUntilMs": 1, "recoveryCodesLeft": 0}

    async def test_it_is_shown_when_it_is_asked_for(self) -> None:
        ran = await self.run_command("dashboard", "--json", "--mfa-code", "123456")
        self.assertEqual((ran.status, self.shown), (0, ["123456"]))
        methods = [one["method"] for one in self.gateway.requests if one["method"] != "connect"]
        self.assertEqual(methods, ["dashboard.link", "mfa.verify", "dashboard.link"])

    async def test_a_used_one_is_sent_once_and_ends_the_command(self) -> None:
        self.good.clear()
        ran = await self.run_command("dashboard", "--mfa-code", "123456", stdin="654321\n")
        self.assertEqual(ran.status, 1)
        self.assertIn("Wait for the next code.", ran.err)
        tried = [one for one in self.gateway.requests if one["method"] == "mfa.verify"]
        self.assertEqual(len(tried), 1)
        self.assertNotIn("123456", ran.out + ran.err)

    async def test_nobody_gets_it_unasked(self) -> None:
        self.shown.append("before")
        ran = await self.run_command("dashboard", "--mfa-code", "123456")
        self.assertEqual(ran.status, 0)
        methods = [one["method"] for one in self.gateway.requests if one["method"] != "connect"]
        self.assertEqual(methods, ["dashboard.link"])
