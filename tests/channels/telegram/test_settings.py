"""The keys of an account: what they say of groups, as the original reads them."""

from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.telegram.settings import TelegramSettings
from openclaw.interfaces.routing import AccessRules
from openclaw.routing.rules import access_rules

GROUPS: dict[str, Any] = {"-100": {}}


def rules(**keys: Any) -> AccessRules:
    """An account's section as rules."""
    settings = msgspec.convert(keys, TelegramSettings)
    return access_rules(settings, "telegram", "channels.telegram", ("main",))


class GroupSenderTests(SynchronousTestCase):
    def test_those_who_may_write_are_those_who_may_speak_in_listed_groups(self) -> None:
        found = rules(allowFrom=["tg:42"], groups=GROUPS)
        self.assertEqual(found.group_allow_from, frozenset(("42",)))

    def test_a_list_for_groups_goes_before_it(self) -> None:
        for said in ([], ["*"], ["43"]):
            found = rules(allowFrom=["42"], groupAllowFrom=said, groups=GROUPS)
            self.assertEqual(found.group_allow_from, frozenset(said))

    def test_nobody_is_let_into_groups_that_nobody_named(self) -> None:
        self.assertIsNone(rules(allowFrom=["42"]).group_allow_from)

    def test_where_everybody_may_speak(self) -> None:
        for keys in (
            {"groups": GROUPS},
            {"groups": GROUPS, "dmPolicy": "open", "allowFrom": ["*"]},
            {"groups": GROUPS, "groupPolicy": "open", "allowFrom": ["42"]},
        ):
            self.assertIsNone(rules(**keys).group_allow_from, keys)
        one = rules(groups={"-100": {"groupPolicy": "open"}}, allowFrom=["42"]).groups["-100"]
        self.assertEqual(one.allow_from, frozenset("*"))
