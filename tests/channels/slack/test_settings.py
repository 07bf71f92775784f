"""The keys of an account: the original's spellings mean what ours mean."""

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.platforms.slack.settings import EVENTS_PATH, SlackSettings


def settings(**keys: object) -> SlackSettings:
    """Read an account's section."""
    return msgspec.convert(keys, SlackSettings)


class AccessTests(SynchronousTestCase):
    def test_channels_and_groups_are_one_table(self) -> None:
        known = settings(groups={"C1": {}, "C2": {}}, channels={"C2": {"requireMention": False}})
        self.assertEqual(set(known.access()), {"C1", "C2"})
        self.assertIs(known.access()["C2"].require_mention, False)

    def test_a_channel_that_is_not_allowed(self) -> None:
        for said in ({"allow": False}, {"enabled": False}, {"allow": True, "enabled": False}):
            self.assertFalse(settings(channels={"C1": said}).access()["C1"].enabled, said)
        self.assertTrue(settings(channels={"C1": {"allow": True}}).access()["C1"].enabled)

    def test_the_users_of_a_channel_are_those_who_may_speak(self) -> None:
        known = settings(channels={"C1": {"users": ["U1"]}, "C2": {"users": []}, "C3": {}}).access()
        self.assertEqual(known["C1"].allow_from, ("U1",))
        self.assertEqual(known["C2"].allow_from, ())
        self.assertIsNone(known["C3"].allow_from)

    def test_direct_messages_in_the_older_spelling(self) -> None:
        known = settings(dm={"policy": "open", "allowFrom": ["*"]})
        self.assertEqual((known.dm_policy, known.allow_from), ("open", ("*",)))
        self.assertEqual(settings(dm={"enabled": False}).dm_policy, "disabled")
        self.assertEqual(settings(dmPolicy="allowlist", dm={}).dm_policy, "allowlist")


class KeyTests(SynchronousTestCase):
    def test_path_of_requests(self) -> None:
        self.assertEqual(settings(mode="http").webhook_path, EVENTS_PATH)
        self.assertEqual(settings(mode="http", webhookPath="/x").webhook_path, "/x")
        self.assertIsNone(settings().webhook_path)
