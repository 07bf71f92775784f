"""The keys of an account: the original's spellings mean what ours mean."""

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.accounts import read_accounts
from openclaw.channels.platforms.matrix.settings import MatrixSettings
from openclaw.channels.registry import Registry
from openclaw.routing.rules import access_rules

ROOM = "!ops:example.org"


class SettingsTests(SynchronousTestCase):
    def read(self, section: Mapping[str, Any], **environ: str) -> MatrixSettings:
        """Read the only account."""
        (one,), self.remarks = read_accounts({"matrix": section}, environ, Registry(lambda: []))
        self.secrets = one.secrets
        settings = one.settings
        assert isinstance(settings, MatrixSettings)
        return settings

    def test_direct_messages_in_the_original_spelling(self) -> None:
        known = self.read({"dm": {"policy": "open", "allowFrom": ["*"]}})
        self.assertEqual((known.dm_policy, known.allow_from), ("open", ("*",)))
        self.assertEqual(self.read({"dm": {"enabled": False}}).dm_policy, "disabled")
        self.assertEqual(self.read({"dm": {"policy": "pairing"}}).dm_policy, "pairing")

    def test_rooms_in_the_original_spelling(self) -> None:
        people = ["@ada:example.org"]
        for key in ("groups", "rooms"):
            known = self.read(
                {key: {ROOM: {"allow": True, "users": people}, "!b": {"allow": False}}}
            )
            rules = access_rules(known, "matrix", "channels.matrix", ())
            self.assertEqual(rules.groups[ROOM].allow_from, set(people))
            self.assertEqual(
                (rules.groups[ROOM].enabled, rules.groups["!b"].enabled), (True, False)
            )
            self.assertEqual(self.remarks, ())
        known = self.read({"rooms": {ROOM: {"allow": False}}, "groups": {ROOM: {}}})
        self.assertTrue(known.groups[ROOM].enabled)

    def test_encryption_is_not_promised(self) -> None:
        self.read({"encryption": True})
        self.assertEqual(self.remarks, ("channels.matrix.encryption: understood, not yet served",))

    def test_the_environment_says_what_the_file_does_not(self) -> None:
        known = self.read(
            {"deviceName": "mine"},
            MATRIX_HOMESERVER="https://matrix.example.org",
            MATRIX_USER_ID="@tia:example.org",
            MATRIX_ACCESS_TOKEN="syt_token",
            MATRIX_PASSWORD="pass-word",
            MATRIX_DEVICE_ID="DEVICE",
            MATRIX_DEVICE_NAME="theirs",
        )
        self.assertEqual(known.homeserver, "https://matrix.example.org")
        self.assertEqual((known.user_id, known.device_id), ("@tia:example.org", "DEVICE"))
        self.assertEqual((known.access_token, known.password), ("syt_token", "pass-word"))
        self.assertEqual(known.device_name, "mine")
        self.assertEqual(self.secrets, ("syt_token", "pass-word"))
