"""Which requests ask for a second factor, and for whom showing one counts how long."""

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.gateway.broadcast import Broadcaster
from openclaw.gateway.dispatcher import Dispatcher
from openclaw.gateway.step_up import LIFETIME_MS, StepUp
from openclaw.protocol.base import Raw
from openclaw.protocol.events import EVENTS
from openclaw.protocol.frames import decode_request
from openclaw.protocol.methods import METHODS
from openclaw.protocol.scopes import PAIRING, READ, SCOPES, WORKER_RUN
from tests.gateway.people import Person

NOTHING_LEFT = {name for name in METHODS if name.startswith("mfa.")}


class StepUpCase(SynchronousTestCase):
    """A step-up, and a dispatcher whose handlers all answer."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.enrolled = True

    def make(self, *required: str) -> StepUp:
        """One that asks for some methods and scopes."""
        return StepUp(
            required, METHODS, lambda: self.enrolled, lambda: round(self.clock.seconds() * 1000)
        )

    def ask(self, step_up: StepUp, person: Person, method: str) -> Any:
        """Call a method; its error, or ``None``."""
        dispatcher = Dispatcher(
            METHODS,
            {name: lambda client, params: {} for name in METHODS},
            lambda: "ref",
            lambda method: step_up.check if step_up.covers(method) else None,
        )
        text = f'{{"type":"req","id":"1","method":"{method}"}}'
        dispatcher.dispatch(person.client, decode_request(text.encode()))
        (answer,) = person.heard()
        return answer.get("error")


class CoverageTests(StepUpCase):
    def covered(self, *required: str) -> set[str]:
        """The methods that ask."""
        step_up = self.make(*required)
        return {name for name, method in METHODS.items() if step_up.covers(method)}

    def test_each_scope_covers_exactly_its_methods(self) -> None:
        """Generated from the one table: scope by method, in both spellings."""
        for scope in sorted(SCOPES):
            needing = {name for name, method in METHODS.items() if method.scope == scope}
            for spelling in (scope, scope.removeprefix("operator.")):
                self.assertEqual(self.covered(spelling), needing - NOTHING_LEFT, spelling)

    def test_a_method_can_be_named(self) -> None:
        self.assertEqual(self.covered("chat.send", "health"), {"chat.send", "health"})

    def test_nothing_is_asked_unless_configured(self) -> None:
        self.assertEqual(self.covered(), set())

    def test_the_way_out_is_never_closed(self) -> None:
        """Else nobody could enrol, or show a code."""
        self.assertFalse(self.covered(*SCOPES) & NOTHING_LEFT)

    def test_what_is_neither_is_named(self) -> None:
        for name in ("root", "operator.root", "mfa.enroll", ""):
            error: ConfigError = self.assertRaises(ConfigError, self.make, "admin", name)
            self.assertEqual(error.path, "access.authentication.mfa.requiredFor[1]")


class AskingTests(StepUpCase):
    def test_every_covered_method_is_refused_until_then(self) -> None:
        """Each method, before and after: with all rights, and still not without the factor."""
        step_up, person = self.make(*SCOPES), Person()
        covered = [name for name, method in METHODS.items() if step_up.covers(method)]
        self.assertGreater(len(covered), 30)
        for name in covered:
            error = self.ask(step_up, person, name)
            self.assertEqual(
                (error["code"], error["details"]["code"]), ("FORBIDDEN", "MFA_REQUIRED")
            )
            self.assertIn("mfa.verify", error["details"]["next"])
        step_up.passed(person.client)
        for name in covered:
            error = self.ask(step_up, person, name)
            self.assertNotEqual((error or {}).get("details", {}).get("code"), "MFA_REQUIRED", name)

    def test_a_missing_scope_is_told_first(self) -> None:
        """Showing a code would not help."""
        error = self.ask(self.make("admin"), Person(scopes=("operator.read",)), "system-event")
        self.assertEqual(error["details"]["code"], "MISSING_SCOPE")

    def test_nobody_enrolled_says_how_to_enrol(self) -> None:
        self.enrolled = False
        error = self.ask(self.make("admin"), Person(), "system-event")
        self.assertEqual(error["details"]["enrolled"], False)
        self.assertIn("openclaw mfa enroll", error["details"]["next"])

    def test_it_counts_for_fifteen_minutes(self) -> None:
        step_up, person = self.make("admin"), Person()
        self.assertEqual(step_up.passed(person.client), LIFETIME_MS)
        self.clock.advance(899.999)
        self.assertIsNone(self.ask(step_up, person, "dashboard.link"))
        self.clock.advance(0.001)
        self.assertEqual(
            self.ask(step_up, person, "dashboard.link")["details"]["code"], "MFA_REQUIRED"
        )

    def test_it_counts_for_one_connection_without_a_device(self) -> None:
        step_up = self.make("admin")
        step_up.passed(Person("c1").client)
        self.assertIsNone(step_up.verified_until_ms(Person("c2").client))
        self.assertIsNone(step_up.verified_until_ms(Person("c1", device_id="d1").client))

    def test_it_counts_for_all_connections_of_a_device(self) -> None:
        step_up = self.make("admin")
        step_up.passed(Person("c1", device_id="d1").client)
        self.assertIsNotNone(step_up.verified_until_ms(Person("c2", device_id="d1").client))
        self.assertIsNone(step_up.verified_until_ms(Person("c1", device_id="d2").client))
        self.assertTrue(step_up.is_device_verified("d1"))
        self.assertFalse(step_up.is_device_verified("d2"))
        self.assertFalse(step_up.is_device_verified(None))
        # A connection's name is no device's name.
        step_up.passed(Person("d3").client)
        self.assertFalse(step_up.is_device_verified("d3"))

    def test_a_removed_factor_counts_no_more(self) -> None:
        step_up, person = self.make("admin"), Person()
        step_up.passed(person.client)
        step_up.forget_all()
        self.assertIsNone(step_up.verified_until_ms(person.client))

    def test_memory_is_bounded_and_the_newest_stay(self) -> None:
        step_up = self.make("admin")
        for number in range(5000):
            step_up.passed(Person(f"c{number}").client)
        known = [n for n in range(5000) if step_up.verified_until_ms(Person(f"c{n}").client)]
        self.assertEqual(known, list(range(5000 - 4096, 5000)))


class HearingTests(StepUpCase):
    """What may not be read without the factor may not be heard either."""

    def setUp(self) -> None:
        super().setUp()
        self.broadcaster = Broadcaster()

    def hears(self, step_up: StepUp, person: Person) -> set[str]:
        """The events that reach somebody who follows everything."""
        self.broadcaster.may_hear = step_up.may_hear if step_up.withholds_events() else None
        self.broadcaster.join(person.client)
        person.client.follows_sessions = True
        person.client.followed.add("s")
        for event in EVENTS:
            self.broadcaster.publish(event, Raw(b"{}"), "s")
        return {frame["event"] for frame in person.heard()}

    def test_events_of_a_protected_scope_wait_for_it(self) -> None:
        reading = {name for name, kind in EVENTS.items() if kind.scope == READ}
        pairing = {name for name, kind in EVENTS.items() if kind.scope == PAIRING}
        self.assertTrue(reading and pairing)
        step_up, person = self.make("read"), Person()
        self.assertFalse(self.hears(step_up, person) & reading)
        self.assertLessEqual(pairing, self.hears(step_up, person))
        step_up.passed(person.client)
        self.assertLessEqual(reading, self.hears(step_up, person))
        self.clock.advance(LIFETIME_MS / 1000)
        self.assertFalse(self.hears(step_up, person) & reading)
        self.assertFalse(self.broadcaster.wanted("chat", "s"))

    def test_protected_methods_withhold_nothing(self) -> None:
        step_up = self.make("sessions.list")
        self.assertFalse(step_up.withholds_events())
        everything = {name for name, kind in EVENTS.items() if kind.scope != WORKER_RUN}
        self.assertEqual(self.hears(step_up, Person()), everything)
