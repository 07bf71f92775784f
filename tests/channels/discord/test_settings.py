"""The keys of an account: the original's spellings mean what ours mean."""

from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.discord.commands import fingerprint, registration
from openclaw.channels.platforms.discord.manifest import MANIFEST
from openclaw.channels.platforms.discord.settings import USUAL_COMMANDS, DiscordSettings
from openclaw.routing.rules import access_rules


def settings(**keys: Any) -> DiscordSettings:
    """Read an account's section."""
    return msgspec.convert(keys, DiscordSettings)


class AccessTests(SynchronousTestCase):
    def test_a_guild_is_a_group_by_its_id(self) -> None:
        known = settings(guilds={"1": {"requireMention": False, "users": ["7"], "roles": ["50"]}})
        rules = known.access()["1"]
        self.assertEqual((rules.enabled, rules.require_mention), (True, False))
        self.assertEqual(rules.allow_from, ("7", "role:50"))

    def test_listed_channels_shut_the_others_out(self) -> None:
        known = settings(guilds={"1": {"requireMention": False, "channels": {"10": {}}}}).access()
        self.assertFalse(known["1"].enabled)
        self.assertEqual((known["10"].enabled, known["10"].require_mention), (True, False))

    def test_a_star_stands_for_the_other_channels(self) -> None:
        channels = {"*": {"requireMention": True}, "10": {"allow": False}, "11": {"users": [7]}}
        known = settings(guilds={"1": {"users": ["8"], "channels": channels}}).access()
        self.assertEqual((known["1"].enabled, known["1"].allow_from), (True, ("8",)))
        self.assertFalse(known["10"].enabled)
        self.assertEqual(known["11"].allow_from, (7,))

    def test_channels_may_be_called_by_their_names(self) -> None:
        channels = {"general": {"enabled": True}, "#My Room": {"autoThread": True}, "#2026": {}}
        known = settings(guilds={"123456789012345678": {"channels": channels}})
        rules = access_rules(known, "discord", "channels.discord", ())
        self.assertEqual(
            {key for key, group in rules.groups.items() if group.enabled},
            {f"123456789012345678#{name}" for name in ("general", "my-room", "2026")},
        )
        self.assertFalse(rules.groups["123456789012345678"].enabled)
        self.assertTrue(known.opens_threads("123456789012345678", "5", "my-room"))
        self.assertFalse(known.opens_threads("123456789012345678", "5", "general"))

    def test_people_as_the_original_writes_them(self) -> None:
        ids = ["discord:123456789012345678", "user:123456789012345679", "<@123456789012345670>"]
        rules = access_rules(settings(allowFrom=ids), "discord", "channels.discord", ())
        self.assertEqual(
            rules.allow_from, {"123456789012345678", "123456789012345679", "123456789012345670"}
        )

    def test_groups_win_over_guilds(self) -> None:
        known = settings(guilds={"1": {}}, groups={"1": {"enabled": False}}).access()
        self.assertFalse(known["1"].enabled)

    def test_direct_messages_in_the_older_spelling(self) -> None:
        known = settings(dm={"policy": "open", "allowFrom": ["*"]})
        self.assertEqual((known.dm_policy, known.allow_from), ("open", ("*",)))
        self.assertEqual(settings(dm={"enabled": False}).dm_policy, "disabled")
        self.assertEqual(settings(dmPolicy="allowlist", dm={}).dm_policy, "allowlist")


class KeyTests(SynchronousTestCase):
    def test_intents(self) -> None:
        usual = settings().intent_bits()
        self.assertEqual(usual, sum(1 << bit for bit in (0, 9, 10, 12, 13, 15)))
        self.assertEqual(settings(intents={"guildMembers": True}).intent_bits(), usual | 2)
        self.assertEqual(
            settings(intents={"messageContent": False}).intent_bits(), usual & ~(1 << 15)
        )
        self.assertEqual(settings(intents=["guilds"]).intent_bits(), 1)
        self.assertRaises(msgspec.ValidationError, settings, intents=["everything"])

    def test_commands(self) -> None:
        self.assertEqual(settings().slash_commands(), USUAL_COMMANDS)
        self.assertEqual(settings(commands={"native": "auto"}).slash_commands(), USUAL_COMMANDS)
        self.assertIsNone(settings(commands={"native": False}).slash_commands())
        self.assertEqual(settings(commands=[]).slash_commands(), ())
        bad = [{"name": "no spaces", "description": "x"}]
        self.assertRaises(msgspec.ValidationError, settings, commands=bad)

    def test_a_registration_that_did_not_change_has_the_same_fingerprint(self) -> None:
        listed = registration(USUAL_COMMANDS)
        self.assertEqual(fingerprint("1", listed), fingerprint("1", registration(USUAL_COMMANDS)))
        self.assertNotEqual(fingerprint("1", listed), fingerprint("2", listed))
        self.assertNotEqual(fingerprint("1", listed), fingerprint("1", listed[1:]))

    def test_the_token_is_not_shown(self) -> None:
        self.assertNotIn("hush-hush", repr(settings(token="hush-hush")))

    def test_a_public_key_has_64_hex_digits(self) -> None:
        self.assertRaises(msgspec.ValidationError, settings, publicKey="abc")
        self.assertTrue(settings(publicKey="ab" * 32).public_key)

    def test_the_manifest_names_what_exists(self) -> None:
        from importlib import import_module

        for named in (MANIFEST.settings, MANIFEST.factory):
            module, _, name = named.partition(":")
            self.assertTrue(hasattr(import_module(module), name))
