"""Tests of settings made into rules: every fault has its path, and names are no ids."""

from collections.abc import Mapping
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.schema.channels import ChannelSettings, GroupSettings
from openclaw.errors import ConfigError
from openclaw.interfaces.routing import AccessRules, GroupRules
from openclaw.routing.rules import access_rules, warnings_of

NAMES = {
    "telegram": ("@owner", "owner", "t.me/owner", "owner@example.org", "0", "+4915112345678"),
    "discord": ("owner", "owner#0001", "@owner", "<@owner>", "<@&1>"),
    "slack": ("@owner", "owner", "#general", "owner@example.org", "u012abc", "C012ABC"),
    "matrix": ("owner", "Owner", "@owner", "owner:example.org", "#room"),
    "irc": ("ada", "ada!*@home", "*!*!a@b", "*!*@home", "account:Ada", "*!Ada@home", "$a:ada"),
    "elsewhere": ("@owner", "The Owner", "", " ", "a,b"),
}
IDS = {
    "telegram": (123456789, "123456789", "telegram:5", "tg:5", "TG:5", "-1001234567890"),
    "discord": ("80351110224678912", "user:5", "<@!5>", "role:5"),
    "slack": ("U012ABCDEF", "W012ABCDEF", "B012ABCDEF", "U1", "slack:U1", "user:U012ABCDEF"),
    "matrix": ("@alice:example.org",),
    "irc": (
        "account:ada",
        "*!~ada@home.example",
        "ada[1]!~ada@home.example",
        "*!ada@2001:db8::1",
        "irc:account:ada",
    ),
    "elsewhere": ("alice", "@alice:example.org", "1:2"),
}


def read(channel: str = "telegram", **keys: Any) -> AccessRules:
    """Settings as the file has them."""
    settings = msgspec.convert(keys, ChannelSettings)
    return access_rules(settings, channel, f"channels.{channel}", ("main", "ops"))


class RulesTests(SynchronousTestCase):
    def wrong(self, path: str, channel: str = "telegram", **keys: Any) -> str:
        refused = self.assertRaises(ConfigError, read, channel, **keys)
        self.assertEqual(refused.path, path)
        return str(refused)

    def test_nothing_said(self) -> None:
        self.assertEqual(read(), AccessRules())

    def test_everything_said(self) -> None:
        rules = read(
            dmPolicy="allowlist",
            allowFrom=[1, "2", "telegram:3"],
            groupPolicy="open",
            groupAllowFrom=[],
            groups={
                "-100": {"requireMention": False, "allowFrom": [4], "agent": "ops"},
                "*": {"enabled": False},
            },
            requireMention=False,
            mentionPatterns=["claw"],
            allowBots=True,
        )
        expected = AccessRules(
            dm="allowlist",
            allow_from=frozenset("123"),
            group="open",
            groups={
                "-100": GroupRules(require_mention=False, allow_from=frozenset("4"), agent="ops"),
                "*": GroupRules(enabled=False),
            },
            group_allow_from=frozenset(),
            require_mention=False,
            mention_patterns=("claw",),
            allow_bots=True,
        )
        self.assertEqual(rules, expected)

    def test_the_policy_of_one_group(self) -> None:
        groups = read(
            groups={
                "-1": {"groupPolicy": "open"},
                "-2": {"groupPolicy": "open", "allowFrom": [4]},
                "-3": {"groupPolicy": "disabled"},
                "-4": {"groupPolicy": "allowlist"},
            }
        ).groups
        self.assertEqual(groups["-1"], GroupRules(allow_from=frozenset("*")))
        self.assertEqual(groups["-2"], GroupRules(allow_from=frozenset("4")))
        self.assertEqual(groups["-3"], GroupRules(enabled=False))
        self.assertEqual(groups["-4"], GroupRules())

    def test_a_topic_says_what_its_group_does_but_for_what_it_says_itself(self) -> None:
        said = {
            "requireMention": True,
            "allowFrom": [4],
            "agent": "main",
            "topics": {
                "7": {"requireMention": False},
                "8": {"allowFrom": [5], "agentId": "ops"},
                "9": {"enabled": False},
                "*": {"groupPolicy": "open"},
            },
        }
        topics = read(groups={"-1": said}).groups["-1"].topics
        four = frozenset("4")
        self.assertEqual(
            topics["7"], GroupRules(require_mention=False, allow_from=four, agent="main")
        )
        self.assertEqual(
            topics["8"], GroupRules(require_mention=True, allow_from=frozenset("5"), agent="ops")
        )
        self.assertFalse(topics["9"].enabled)
        self.assertEqual(topics["*"].allow_from, four)
        self.wrong(
            "channels.telegram.groups.-1.topics.7.allowFrom[0]",
            groups={"-1": {"topics": {"7": {"allowFrom": ["Bob"]}}}},
        )
        self.wrong(
            "channels.telegram.groups.-1.topics.7.agentId",
            groups={"-1": {"topics": {"7": {"agentId": "nobody"}}}},
        )

    def test_names_are_refused_with_a_way_to_find_the_id(self) -> None:
        for channel, names in NAMES.items():
            for name in names:
                said = self.wrong(
                    f"channels.{channel}.allowFrom[1]", channel, allowFrom=["*", name]
                )
                self.assertIn("openclaw pairing list", said)
                self.wrong(f"channels.{channel}.groupAllowFrom[0]", channel, groupAllowFrom=[name])
            for one in IDS[channel]:
                self.assertEqual(len(read(channel, allowFrom=[one]).allow_from), 1)

    def test_prefixes_are_no_part_of_an_id(self) -> None:
        rules = read(allowFrom=["tg:5", "Telegram:6"], groups={"telegram:-7": {}})
        self.assertEqual((rules.allow_from, set(rules.groups)), (frozenset("56"), {"-7"}))
        rules = read("slack", allowFrom=["user:U5"], groups={"channel:C7": {}})
        self.assertEqual((rules.allow_from, set(rules.groups)), (frozenset(["U5"]), {"C7"}))

    def test_rooms_are_named_by_their_ids_too(self) -> None:
        self.wrong("channels.matrix.groups.#room", "matrix", groups={"#room": {}})
        self.wrong("channels.slack.groups.#general", "slack", groups={"#general": {}})
        self.wrong("channels.telegram.groups.Family", groups={"Family": {}})
        self.wrong(
            "channels.telegram.groups.-1.allowFrom[0]", groups={"-1": {"allowFrom": ["Bob"]}}
        )
        self.assertIn("!a:x", read("matrix", groups={"!a:x": {}}).groups)
        self.assertIn("#chan", read("irc", groups={"#chan": {}}).groups)

    def test_open_needs_everybody_on_the_list(self) -> None:
        self.wrong("channels.telegram.dmPolicy", dmPolicy="open", allowFrom=[1])
        self.assertEqual(read(dmPolicy="open", allowFrom=["*"]).dm, "open")

    def test_which_bots_are_heard(self) -> None:
        for said in (True, False, "mentions"):
            self.assertEqual(read(allowBots=said).allow_bots, said)

    def test_unknown_agents_and_bad_patterns(self) -> None:
        said = self.wrong("channels.telegram.groups.-1.agent", groups={"-1": {"agent": "none"}})
        self.assertIn("main, ops", said)
        self.wrong("channels.telegram.mentionPatterns[1]", mentionPatterns=["a", "(a+)+"])
        self.wrong("channels.telegram.mentionPatterns", mentionPatterns=["a"] * 21)

    def test_all_faults_are_named(self) -> None:
        said = self.wrong("channels.telegram.allowFrom[0]", allowFrom=["a"], mentionPatterns=["("])
        self.assertIn("channels.telegram.mentionPatterns[0]", said)

    def test_what_is_open_is_pointed_out(self) -> None:
        self.assertEqual(warnings_of(read(), "x"), ())
        for keys in (
            {"dmPolicy": "open", "allowFrom": ["*"]},
            {"allowFrom": ["*"]},
            {"groupPolicy": "open"},
            {"groupAllowFrom": ["*"]},
        ):
            self.assertEqual(len(warnings_of(read(**keys), "channels.telegram")), 1, keys)

    def test_a_platform_may_say_more_about_groups_in_its_own_keys(self) -> None:
        class Own(ChannelSettings, frozen=True, kw_only=True):
            def access(self) -> Mapping[str, GroupSettings]:
                return {**self.groups, "80351110224678912": GroupSettings(require_mention=False)}

        rules = access_rules(Own(), "discord", "channels.discord", ("main",))
        self.assertEqual(rules.groups, {"80351110224678912": GroupRules(require_mention=False)})
