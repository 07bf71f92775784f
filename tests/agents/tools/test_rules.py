"""Rules of tools: profiles, groups, lists, and that deny beats everything."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.tools.rules import LayeredRules, ToolRules

ALL = ("message", "sessions_list", "web_fetch", "read", "write", "session_status", "cron", "gh__x")


def permitted(*layers: ToolRules) -> list[str]:
    rules = LayeredRules(layers)
    return [name for name in ALL if rules.permits(name)]


class RulesTests(SynchronousTestCase):
    def test_nothing_said_allows_everything(self) -> None:
        self.assertEqual(permitted(), list(ALL))
        self.assertEqual(permitted(ToolRules()), list(ALL))

    def test_lists(self) -> None:
        for layers, names in (
            ([ToolRules(allow=("read",))], ["read"]),
            ([ToolRules(allow=())], []),
            ([ToolRules(allow=("group:fs",), deny=("write",))], ["read"]),
            ([ToolRules(allow=("READ ",))], ["read"]),
            ([ToolRules(allow=("s*",))], ["sessions_list", "session_status"]),
            ([ToolRules(allow=("gh__*",))], ["gh__x"]),
            ([ToolRules(deny=("bundle-mcp", "group:web", "*s*"))], ["read", "write", "cron"]),
            ([ToolRules(deny=("*",), allow=("*",))], []),
            ([ToolRules(allow=("r[e]ad",))], []),
            ([ToolRules(profile="minimal")], ["session_status"]),
            ([ToolRules(profile="minimal", also_allow=("cron",))], ["session_status", "cron"]),
            ([ToolRules(profile="minimal", allow=("read",))], []),
            ([ToolRules(profile="minimal"), ToolRules(profile="full")], list(ALL)),
            ([ToolRules(allow=("read", "write")), ToolRules(allow=("read", "cron"))], ["read"]),
            ([ToolRules(deny=("read",)), ToolRules(allow=("read",))], []),
            ([ToolRules(allow=("read",), also_allow=("cron",))], ["read", "cron"]),
        ):
            with self.subTest(repr(layers)):
                self.assertEqual(permitted(*layers), names)

    def test_profiles(self) -> None:
        self.assertEqual(
            permitted(ToolRules(profile="messaging")),
            ["message", "sessions_list", "session_status", "gh__x"],
        )
        self.assertNotIn("message", permitted(ToolRules(profile="coding")))
