"""What a session takes away from its agent, as ``sessions.patch`` says it."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.tools.session_rules import rules_of_session, skills_without
from openclaw.protocol.schema.sessions import PatchParams, SessionRow, ToolOverrides
from tests.sessions.rig import MAIN, WorldCase, answers_itself

ALL = ("read", "write", "web_fetch", "web_search", "gh__get", "gh__put", "hg__get")


class SessionRulesTests(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        self.world.runtime.on_run = answers_itself
        self.successResultOf(self.world.accept("r1"))
        self.world.turn()

    def patched(self, **changes: Any) -> SessionRow:
        patch = PatchParams(key=MAIN, **changes)
        return self.successResultOf(self.world.conversations.patch(patch))

    def permitted(self, **changes: Any) -> list[str]:
        rules = rules_of_session(self.patched(**changes))
        assert rules is not None
        return [name for name in ALL if rules.permits(name)]

    def test_lists(self) -> None:
        self.assertEqual(self.permitted(inherited_tool_deny=["group:fs", "*__*"]), [*ALL[2:4]])
        self.assertEqual(
            self.permitted(inherited_tool_allow=["group:fs"], inherited_tool_deny=None),
            ["read", "write"],
        )
        self.assertEqual(self.permitted(inherited_tool_deny=["read"]), ["write"])
        self.assertEqual(self.permitted(inherited_tool_allow=[]), [])

    def test_overrides(self) -> None:
        for overrides, lost in (
            (ToolOverrides(mcp_servers={"gh": False, "hg": True}), ["gh__get", "gh__put"]),
            (ToolOverrides(mcp_tools_deny={"gh": ["put"]}), ["gh__put"]),
            (ToolOverrides(web_search=False), ["web_search"]),
            (ToolOverrides(web_search=True, skills={"sew": False}), []),
        ):
            found = self.permitted(tool_overrides=overrides)
            self.assertEqual([name for name in ALL if name not in found], lost)
        self.assertEqual(skills_without(self.patched()), {"sew"})

    def test_null_gives_back_and_a_new_start_does_not(self) -> None:
        self.patched(inherited_tool_deny=["read"], tool_overrides=ToolOverrides(web_search=False))
        self.successResultOf(self.world.conversations.reset(MAIN))
        world = self.world.crash()
        self.successResultOf(world.conversations.load())
        row = world.conversations.row(MAIN)
        rules = rules_of_session(row)
        assert rules is not None
        self.assertFalse(rules.permits("read") or rules.permits("web_search"))
        patch = PatchParams(key=MAIN, inherited_tool_deny=None, tool_overrides=None)
        row = self.successResultOf(world.conversations.patch(patch))
        self.assertIsNone(rules_of_session(row))


class NothingTests(SynchronousTestCase):
    def test_no_session_has_no_rules(self) -> None:
        self.assertIsNone(rules_of_session(None))
        self.assertEqual(skills_without(None), ())
