"""Tests of the ``bindings`` list: the original's shape, and every fault with its path."""

from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.bindings import agent_ids, check_bindings
from openclaw.config.load import from_text
from openclaw.config.settings import Options, read_settings
from openclaw.errors import ConfigError
from openclaw.interfaces.routing import Binding
from openclaw.routing.configured import configured

AGENTS = {"list": [{"id": "main", "default": True}, {"id": "ops"}]}


def load(*rows: Any, agents: Any = AGENTS) -> Any:
    text = msgspec.json.encode({"agents": agents, "bindings": list(rows)}).decode()
    return from_text(text, Path("openclaw.json"))


def read(*rows: Any, agents: Any = AGENTS) -> tuple[Binding, ...]:
    """What the start checks, and what the table is then given."""
    config = load(*rows, agents=agents).config
    check_bindings(config)
    return configured(config.bindings)


class BindingsTests(SynchronousTestCase):
    def wrong(self, path: str, *rows: Any) -> str:
        refused = self.assertRaises(ConfigError, read, *rows)
        self.assertEqual(refused.path, path)
        return str(refused)

    def test_every_key(self) -> None:
        row = {
            "agentId": "ops",
            "comment": "night shift",
            "match": {
                "channel": "discord",
                "accountId": "work",
                "peer": {"kind": "dm", "id": 42},
                "guildId": 1,
                "teamId": "T1",
                "roles": [5, "6"],
            },
        }
        expected = Binding(
            agent_id="ops",
            channel="discord",
            account="work",
            peer_kind="direct",
            peer_id="42",
            guild_id="1",
            team_id="T1",
            roles=frozenset("56"),
        )
        loaded = load(row)
        self.assertEqual(configured(loaded.config.bindings), (expected,))
        self.assertEqual((loaded.unknown_keys, loaded.not_served), ((), ()))

    def test_the_least(self) -> None:
        row = {"agentId": "main", "match": {"channel": "irc"}}
        self.assertEqual(read(row), (Binding(agent_id="main", channel="irc"),))
        self.assertEqual(len(read(row, agents={})), 1)
        self.assertEqual(read({**row, "type": "acp", "acp": {"mode": "x"}}), ())

    def test_faults_have_paths(self) -> None:
        good = {"agentId": "main", "match": {"channel": "irc"}}
        for path, row in (
            ("bindings[1].agentId", {"agentId": "none", "match": {"channel": "irc"}}),
            ("bindings[1].agentId", {"match": {"channel": "irc"}}),
            ("bindings[1].match", {"agentId": "main"}),
            ("bindings[1].match.channel", {"agentId": "main", "match": {}}),
            ("bindings[1].match.channel", {"agentId": "main", "match": {"channel": " "}}),
            (
                "bindings[1].match.peer.kind",
                {"agentId": "main", "match": {"channel": "irc", "peer": {"kind": "a", "id": "1"}}},
            ),
            (
                "bindings[1].match.peer.id",
                {"agentId": "main", "match": {"channel": "irc", "peer": {"kind": "dm", "id": ""}}},
            ),
            (
                "bindings[1].match.guildId",
                {"agentId": "main", "match": {"channel": "discord", "roles": ["1"]}},
            ),
        ):
            self.wrong(path, good, row)
        said = self.wrong("bindings[0].agentId", {"agentId": "x", "match": {"channel": "irc"}})
        self.assertIn("main, ops", said)

    def test_all_faults_at_once(self) -> None:
        bad = {"agentId": "x", "match": {"channel": "irc"}}
        self.assertIn("bindings[1].agentId", self.wrong("bindings[0].agentId", bad, bad))

    def test_the_start_asks(self) -> None:
        path = Path(self.mktemp())
        path.write_text('{"bindings": [{"agentId": "x", "match": {"channel": "irc"}}]}')
        options = Options(config=str(path), state_dir=self.mktemp())
        self.assertRaises(ConfigError, read_settings, options, {}, Path())
        path.write_text('{"bindings": [{"agentId": "main", "match": {"channel": "irc"}}]}')
        self.assertEqual(len(read_settings(options, {}, Path()).config.bindings), 1)

    def test_the_one_agent_of_a_gateway_that_names_none(self) -> None:
        self.assertEqual(agent_ids(load(agents={}).config.agents), ("main",))
        self.assertEqual(agent_ids(load().config.agents), ("main", "ops"))
