"""Tests of agents' ids: every one that nobody could reach is named."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from tests.config.test_settings import settle


class AgentIdTests(SynchronousTestCase):
    def refused(self, agents: dict[str, Any]) -> str:
        """What a start says to agents that it does not take."""
        return str(self.assertRaises(ConfigError, settle, {"agents": agents}))

    def test_good_ids(self) -> None:
        listed = [{"id": "main"}, {"id": "4-you_2"}]
        settings = settle({"agents": {"list": listed, "entries": {"ops": {}}}})
        ids = [agent.id for agent in settings.config.agents.known]
        self.assertEqual(ids, ["main", "4-you_2", "ops"])

    def test_ids_that_no_session_key_can_carry(self) -> None:
        for id in ("a b", "Work", "-x", "a:b", "ü", "x" * 65):
            self.assertIn(
                "agents.list[0].id: expected an id of a-z", self.refused({"list": [{"id": id}]})
            )
        self.assertIn("agents.entries.A: expected", self.refused({"entries": {"A": {}}}))

    def test_no_id(self) -> None:
        words = self.refused({"list": [{"id": "main"}, {"name": "Poet"}]})
        self.assertRegex(words, r"agents\.list\[1\]\.id: expected .*, found nothing")

    def test_one_id_for_two(self) -> None:
        words = self.refused({"list": [{"id": "main"}, {"id": "main"}], "entries": {"main": {}}})
        own = "expected an id of its own, as agents.list[0].id has this one"
        self.assertIn(f"agents.list[1].id: {own}", words)
        self.assertIn(f"agents.entries.main: {own}", words)
