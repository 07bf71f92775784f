"""Tests of the pages: their examples are read like the file, and mean what the pages say."""

import re
from pathlib import Path

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.bindings import agent_ids, check_bindings
from openclaw.config.load import LoadedConfig, from_text
from openclaw.config.schema.channels import ChannelSettings
from openclaw.interfaces.routing import AccessRules
from openclaw.routing.access import refusal_of
from openclaw.routing.bindings import Bindings
from openclaw.routing.configured import configured
from openclaw.routing.groups import needs_mention
from openclaw.routing.identifiers import form_of
from openclaw.routing.patterns import matches
from openclaw.routing.rules import access_rules
from tests.routing.rig import inbound

DOCS = Path(__file__).parents[2] / "docs"


def examples(page: str) -> list[LoadedConfig]:
    """Every configuration on a page."""
    text = (DOCS / page).read_text("utf-8")
    found = re.findall(r".. code-block:: json\n\n((?:   .*\n|\n)+)", text)
    return [from_text(one, Path(page)) for one in found]


def rules_of(loaded: LoadedConfig) -> AccessRules:
    """What an example says of Telegram."""
    section = loaded.tree["channels"]["telegram"]
    settings = msgspec.convert(section, ChannelSettings)
    unknown = set(section) - {field.encode_name for field in msgspec.structs.fields(settings)}
    if unknown:
        raise AssertionError(f"nobody knows {unknown}")
    return access_rules(settings, "telegram", "channels.telegram", agent_ids(loaded.config.agents))


class AccessPageTests(SynchronousTestCase):
    def test_direct_messages(self) -> None:
        rules = rules_of(examples("channels/access.rst")[0])
        self.assertIsNone(refusal_of(inbound("123456789"), rules, lambda: False))
        self.assertEqual(refusal_of(inbound("1"), rules, lambda: True), "not_allowed")

    def test_groups(self) -> None:
        rules = rules_of(examples("channels/access.rst")[1])
        for chat, sender, refusal, mention in (
            ("-1001234567890", "1", None, False),
            ("-1009876543210", "123456789", None, True),
            ("-1009876543210", "1", "not_allowed", True),
            ("-5", "123456789", "disabled", True),
        ):
            message = inbound(sender, "group", chat_id=chat)
            self.assertEqual(refusal_of(message, rules, lambda: True), refusal)
            self.assertEqual(needs_mention(message, rules), mention)
        self.assertTrue(matches(rules.mention_patterns, "Claw?"))

    def test_ids_of_the_table_are_taken(self) -> None:
        page = (DOCS / "channels/access.rst").read_text("utf-8")
        rows = re.findall(
            r"^(telegram|discord|slack|matrix|irc) +``(\S+?)`` +(?:``(\S+?)``)?", page, re.M
        )
        self.assertEqual(len(rows), 5)
        for channel, person, chat in rows:
            self.assertTrue(form_of(channel).person.fullmatch(person), person)
            self.assertTrue(not chat or form_of(channel).chat.fullmatch(chat), chat)


class RoutingPageTests(SynchronousTestCase):
    def test_bindings(self) -> None:
        (loaded,) = examples("routing.rst")
        self.assertEqual((loaded.unknown_keys, loaded.not_served), ((), ()))
        check_bindings(loaded.config)
        rows = configured(loaded.config.bindings)
        table = Bindings(rows, "main", lambda channel: "default")
        guild, role = "41771983423143937", "80351110224678912"
        for message, agent in (
            (inbound(chat_type="group", chat_id="-1001234567890"), "family"),
            (inbound(), "main"),
            (
                inbound(
                    "1", "channel", channel="discord", space_id=guild, person={"roles": (role,)}
                ),
                "ops",
            ),
            (inbound("1", "channel", channel="discord", space_id=guild), "main"),
            (inbound("1", channel="slack", account="any"), "ops"),
        ):
            self.assertEqual(table.agent(message)[0], agent)
