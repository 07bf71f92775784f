"""The rules of tools: of all agents, of one, of a model, of a session."""

import json
from pathlib import Path
from typing import Any

from msgspec import UNSET
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.tools import make_rules
from openclaw.config.settings import Options, Settings, read_settings
from openclaw.interfaces.tools import ToolPlace
from openclaw.protocol.schema.sessions import SessionRow

KEY = "agent:main:main"


def row_with(**fields: Any) -> SessionRow:
    return SessionRow(
        key=KEY,
        kind="direct",
        classification="main",
        agent_id="main",
        is_main=True,
        updated_at=1,
        archived=False,
        model_provider="mock",
        model="mock-1",
        context_tokens=0,
        has_active_run=False,
        active_run_ids=[],
        **fields,
    )


class RulesTests(SynchronousTestCase):
    def settings(self, config: Any) -> Settings:
        path = Path(self.mktemp())
        path.write_text(json.dumps(config))
        return read_settings(Options(config=str(path)), {}, Path(self.mktemp()))

    def permitted(
        self, config: Any, agent: str = "main", model: str = "", deny: Any = UNSET
    ) -> list[str]:
        row = row_with(inherited_tool_deny=deny)
        rules = make_rules(self.settings(config), lambda key: row if key == KEY else None)(
            ToolPlace(agent_id=agent, session_key=KEY, model=model)
        )
        return [name for name in ("message", "read", "web_fetch") if rules.permits(name)]

    def test_each_layer_takes_away(self) -> None:
        config = {
            "tools": {"deny": ["message"]},
            "agents": {"list": [{"id": "main"}, {"id": "small", "tools": {"allow": ["read"]}}]},
        }
        self.assertEqual(self.permitted({}), ["message", "read", "web_fetch"])
        self.assertEqual(self.permitted(config), ["read", "web_fetch"])
        self.assertEqual(self.permitted(config, "small"), ["read"])
        self.assertEqual(self.permitted(config, deny=["group:web"]), ["read"])

    def test_by_provider(self) -> None:
        config = {
            "tools": {"byProvider": {"local": {"deny": ["message"]}}},
            "agents": {
                "defaults": {"tools": {"byProvider": {"local/tiny": {"profile": "coding"}}}},
                "list": [
                    {"id": "main"},
                    {"id": "other", "tools": {"byProvider": {"local": {"allow": []}}}},
                ],
            },
        }
        self.assertEqual(self.permitted(config, model="far/big"), ["message", "read", "web_fetch"])
        self.assertEqual(self.permitted(config, model="local/big"), ["read", "web_fetch"])
        self.assertEqual(self.permitted(config, model="local/tiny"), ["read", "web_fetch"])
        self.assertEqual(self.permitted(config, "other", model="local/big"), [])
        self.assertEqual(self.permitted(config, "other"), ["message", "read", "web_fetch"])

    def test_approval_by_provider(self) -> None:
        config = {"tools": {"byProvider": {"local": {"approval": ["read"]}}}}
        rules_at = make_rules(self.settings(config), lambda key: None)
        for model, asked in (("local/x", True), ("far/x", False)):
            place = ToolPlace(agent_id="main", session_key=KEY, model=model)
            self.assertEqual(rules_at(place).needs_approval("read"), asked)
