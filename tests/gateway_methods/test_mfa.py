"""Methods of the second factor, with the real factor and the real step-up behind them."""

import os
from typing import Any

from attrs import evolve
from pyotp import TOTP
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.gateway.dispatcher import Dispatcher
from openclaw.gateway.methods.mfa import MfaMethods
from openclaw.gateway.step_up import StepUp
from openclaw.protocol.base import encode
from openclaw.protocol.frames import decode_request
from openclaw.protocol.methods import METHODS
from openclaw.security.mfa.factor import SecondFactor
from openclaw.storage.memory import MemoryStore
from tests.gateway.people import Person

NOW = 1_795_160_010


class MfaCase(SynchronousTestCase):
    """A dispatcher with these methods, and one more that asks for the factor."""

    enabled = True

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        store = MemoryStore(self.clock)
        store.startService()
        self.factor = SecondFactor(
            store,
            clock=self.now_ms,
            seconds=self.clock.seconds,
            random_bytes=os.urandom,
            account="host",
        )
        step_up = StepUp(
            ("admin",),
            METHODS,
            lambda: self.factor.status().enrolled_at_ms is not None,
            self.now_ms,
        )
        methods = MfaMethods(
            factor=self.factor, step_up=step_up, enabled=self.enabled, required_for=["wake"]
        )
        handlers = {**methods.handlers(), "dashboard.link": lambda client, params: {"done": True}}
        self.dispatcher = Dispatcher(
            {name: METHODS[name] for name in handlers},
            handlers,
            lambda: "ref",
            lambda method: step_up.check if step_up.covers(method) else None,
        )
        self.owner = self.person("c1")

    def now_ms(self) -> int:
        """Unix milliseconds."""
        return round(self.clock.seconds() * 1000)

    def person(self, conn_id: str, local: bool = True, **facts: Any) -> Person:
        """Somebody who is admitted."""
        person = Person(conn_id, **facts)
        person.client.admitted = evolve(person.client.admitted, local=local)
        return person

    def ask(self, method: str, person: Person | None = None, **params: Any) -> Any:
        """Call a method; the payload, or the error's finest code."""
        asking = person or self.owner
        text = encode({"type": "req", "id": "1", "method": method, "params": params})
        self.dispatcher.dispatch(asking.client, decode_request(text))
        (answer,) = asking.heard()
        if answer["ok"]:
            return answer["payload"]
        return answer["error"].get("details", {}).get("code", answer["error"]["message"])

    def enrol(self) -> TOTP:
        """Enrol over the wire."""
        app = TOTP(self.ask("mfa.enroll")["secret"])
        self.assertEqual(len(self.ask("mfa.confirm", code=self.code(app))["recoveryCodes"]), 10)
        self.clock.advance(30)
        return app

    def code(self, app: TOTP) -> str:
        """What the app shows."""
        return app.at(self.clock.seconds())


class FlowTests(MfaCase):
    def test_from_nothing_to_served(self) -> None:
        self.assertEqual(self.ask("dashboard.link"), "MFA_REQUIRED")
        app = self.enrol()
        self.assertEqual(self.ask("dashboard.link"), {"done": True})
        other = self.person("c2")
        self.assertEqual(self.ask("dashboard.link", other), "MFA_REQUIRED")
        shown = self.ask("mfa.verify", other, code=self.code(app))
        self.assertEqual(
            shown, {"verifiedUntilMs": self.now_ms() + 900_000, "recoveryCodesLeft": 10}
        )
        self.assertEqual(self.ask("dashboard.link", other), {"done": True})
        self.clock.advance(900)
        self.assertEqual(self.ask("dashboard.link", other), "MFA_REQUIRED")

    def test_a_code_opens_one_connection_only(self) -> None:
        app = self.enrol()
        code = self.code(app)
        self.assertIn("verifiedUntilMs", self.ask("mfa.verify", self.person("c2"), code=code))
        third = self.person("c3")
        self.assertEqual(self.ask("mfa.verify", third, code=code), "MFA_CODE_INVALID")
        self.assertEqual(self.ask("dashboard.link", third), "MFA_REQUIRED")

    def test_status_tells_what_is_and_no_secret(self) -> None:
        plain = {"enabled": True, "requiredFor": ["wake"]}
        self.assertEqual(
            self.ask("mfa.status"), {**plain, "enrolled": False, "recoveryCodesLeft": 0}
        )
        self.enrol()
        status = self.ask("mfa.status", self.person("c2", scopes=("operator.read",)))
        self.assertEqual(
            status,
            {**plain, "enrolled": True, "enrolledAtMs": NOW * 1000, "recoveryCodesLeft": 10},
        )
        self.assertIn("verifiedUntilMs", self.ask("mfa.status"))


class RightsTests(MfaCase):
    def test_the_first_factor_is_enrolled_at_home(self) -> None:
        """A stolen token must not enrol the thief's app."""
        self.assertEqual(self.ask("mfa.enroll", self.person("c2", False)), "MFA_ENROLL_LOCALLY")

    def test_only_admin_enrols_and_removes(self) -> None:
        writer = self.person("c2", scopes=("operator.write", "operator.pairing"))
        for method in ("mfa.enroll", "mfa.confirm", "mfa.disable"):
            self.assertEqual(self.ask(method, writer, code="1"), "MISSING_SCOPE")

    def test_a_node_shows_no_code(self) -> None:
        app = self.enrol()
        node = self.person("c2", role="node", scopes=())
        code = self.code(app)
        self.assertEqual(self.ask("mfa.verify", node, code=code), "unauthorized role: node")
        self.assertIn("verifiedUntilMs", self.ask("mfa.verify", code=code))

    def test_removing_it_takes_one_more_code(self) -> None:
        """Of the app: having lately shown one is not enough."""
        app = self.enrol()
        self.assertEqual(self.ask("dashboard.link"), {"done": True})
        self.assertEqual(self.ask("mfa.disable"), "MFA_CODE_REQUIRED")
        self.assertEqual(self.ask("mfa.disable", code="1"), "MFA_CODE_INVALID")
        self.assertEqual(self.ask("mfa.disable", code=self.code(app)), {"ok": True})
        self.assertFalse(self.ask("mfa.status")["enrolled"])
        self.assertEqual(self.ask("dashboard.link"), "MFA_REQUIRED")

    def test_wrong_codes_are_counted_by_device_or_address(self) -> None:
        self.enrol()
        for number in range(11):
            last = self.ask("mfa.verify", self.person(f"c{number}", device_id="d1"), code="1")
        self.assertEqual(last, "MFA_RATE_LIMITED")
        self.assertEqual(self.ask("mfa.verify", code="1"), "MFA_CODE_INVALID")


class SwitchedOffTests(MfaCase):
    enabled = False

    def test_the_owner_of_the_file_may_remove_a_lost_one(self) -> None:
        self.enrol()
        far = self.person("c2", False)
        self.assertEqual(self.ask("mfa.disable", far), "MFA_ENROLL_LOCALLY")
        self.assertTrue(self.ask("mfa.status")["enrolled"])
        self.assertEqual(self.ask("mfa.disable"), {"ok": True})
