"""One table of methods: everything that speaks of methods says the same."""

import json
from pathlib import Path
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.parts import Parts, assemble
from openclaw.config.settings import Options, read_settings
from openclaw.gateway.presence import Presence
from openclaw.protocol.base import encode
from openclaw.protocol.document import json_schema
from openclaw.protocol.events import EVENTS
from openclaw.protocol.methods import METHODS
from openclaw.protocol.schema.common import NoParams
from openclaw.protocol.scopes import ADMIN, PAIRING, READ, SCOPES, WORKER_RUN, WRITE
from tests.gateway.people import Person

ASKED_FOR = {
    "agent",
    "agent.identity.get",
    "agent.wait",
    "agents.list",
    "channels.status",
    "chat.abort",
    "chat.history",
    "chat.metadata",
    "chat.send",
    "chat.startup",
    "commands.list",
    "config.get",
    "cron.list",
    "cron.status",
    "device.pair.list",
    "diagnostics.stability",
    "exec.approval.list",
    "health",
    "last-heartbeat",
    "logs.tail",
    "models.list",
    "plugin.approval.list",
    "question.list",
    "send",
    "sessions.compact",
    "sessions.delete",
    "sessions.describe",
    "sessions.list",
    "sessions.messages.subscribe",
    "sessions.patch",
    "sessions.reset",
    "sessions.subscribe",
    "set-heartbeats",
    "status",
    "system-event",
    "system-presence",
    "usage.cost",
    "wake",
}


class TableTests(SynchronousTestCase):
    def test_what_was_asked_for_is_there(self) -> None:
        self.assertEqual(ASKED_FOR - METHODS.keys(), set())

    def test_scopes_are_known_and_as_documented(self) -> None:
        for name, method in METHODS.items():
            self.assertEqual(name, method.name)
            self.assertIn(method.scope, SCOPES | {None, WORKER_RUN})
        for scope, names in (
            (None, {"health"}),
            (ADMIN, {"sessions.compact", "set-heartbeats", "system-event"}),
            (WRITE, {"wake", "send", "chat.send", "chat.abort", "agent", "agent.wait",
                     "sessions.patch", "sessions.delete"}),
            (PAIRING, {"device.pair.list"}),
            (READ, {"status", "system-presence", "logs.tail", "sessions.list", "config.get"}),
        ):  # fmt: skip
            for name in names:
                self.assertEqual(METHODS[name].scope, scope, name)

    def test_only_health_is_for_everybody_and_the_second_factor(self) -> None:
        found = {name for name, one in METHODS.items() if one.scope is None}
        self.assertEqual(found - {"mfa.verify"}, {"health"})

    def test_keyed_methods_have_a_key_and_are_work(self) -> None:
        keyed = {name for name, one in METHODS.items() if one.keyed}
        self.assertEqual(keyed, {"agent", "chat.send", "message.action", "send"})
        for name, method in METHODS.items():
            has_key = "idempotency_key" in method.params.__struct_fields__
            self.assertEqual(has_key, method.keyed, name)
            if method.keyed:
                self.assertTrue(method.work, name)

    def test_a_method_without_params_has_nothing_to_decode(self) -> None:
        for name, method in METHODS.items():
            self.assertEqual(method.decoder is None, method.params is NoParams, name)

    def test_every_method_has_a_summary(self) -> None:
        summaries = {name: method.summary for name, method in METHODS.items()}
        summaries |= {name: kind.summary for name, kind in EVENTS.items()}
        for name, summary in summaries.items():
            self.assertRegex(summary, r"[.?]$", name)


class SameEverywhereTests(SynchronousTestCase):
    """Table, handlers, hello and schema of a whole gateway."""

    def whole(self) -> Parts:
        """Everything that a start would start."""
        home = Path(self.mktemp())
        settings = read_settings(Options(state_dir=str(home / "state")), {}, home)
        return assemble(settings, "token", b"s" * 32, 18789, MemoryReactorClock())

    def hello(self, parts: Parts) -> Any:
        return json.loads(encode(parts.door.greeting.hello(Person().client)))

    def test_handlers_hello_and_schema(self) -> None:
        parts = self.whole()
        self.assertEqual(parts.door.dispatcher.methods, sorted(METHODS))
        features = self.hello(parts)["features"]
        self.assertEqual(features["methods"], sorted(METHODS))
        self.assertEqual(features["events"], sorted(EVENTS))
        self.assertEqual(sorted(json_schema()["methods"]), sorted(METHODS))

    def test_the_hello_is_as_its_type_says(self) -> None:
        hello = self.hello(self.whole())
        self.assertEqual((hello["type"], hello["protocol"]), ("hello-ok", 4))
        self.assertIsInstance(hello["snapshot"]["health"]["ok"], bool)
        self.assertEqual(hello["snapshot"]["presence"][0]["mode"], "gateway")
        self.assertIsInstance(self.whole().door.presence, Presence)
