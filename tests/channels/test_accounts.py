"""The accounts of the configuration."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from typing import Annotated, Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.channels.accounts import ConfiguredAccount, read_accounts
from openclaw.channels.registry import GROUP, Registry
from openclaw.config.schema.channels import ChannelSettings
from openclaw.config.schema.fields import Secret, now
from openclaw.errors import ConfigError
from openclaw.interfaces.channels import Manifest, TextLimit, Variable

SECRET = "s3cret-t0ken"


class SmsSettings(ChannelSettings, frozen=True, kw_only=True):
    """A stranger's settings."""

    token: Annotated[Secret | None, now("The key.")] = None
    token_file: Annotated[str, now("Where the key lies.")] = ""
    pin: Annotated[int, now("A number.")] = 0


MANIFEST = Manifest(
    id="sms",
    label="SMS",
    settings=f"{__name__}:SmsSettings",
    factory="nowhere:Sms",
    text=TextLimit(default=100, hard=160),
    variables=(Variable(name="SMS_TOKEN", key="token", unless=("tokenFile",)),),
)
OTHER_NAME = Manifest(
    id="mms", label="", settings="", factory="", text=TextLimit(default=1, hard=1)
)
NO_MANIFEST = "text"


def point(name: str, value: str) -> EntryPoint:
    """What another package offers."""
    return EntryPoint(name, value, GROUP)


REGISTRY = Registry(
    lambda: [
        point("sms", f"{__name__}:MANIFEST"),
        point("broken", "no_such_package.manifest:MANIFEST"),
        point("renamed", f"{__name__}:OTHER_NAME"),
        point("odd", f"{__name__}:NO_MANIFEST"),
    ]
)


class AccountsCase(SynchronousTestCase):
    def read(
        self, section: Any, environ: Mapping[str, str] | None = None, channel: str = "sms"
    ) -> list[ConfiguredAccount]:
        found, self.remarks = read_accounts({channel: section}, environ or {}, REGISTRY)
        return list(found)

    def refused(self, section: Any, environ: Mapping[str, str] | None = None) -> str:
        with self.assertRaises(ConfigError) as caught:
            self.read(section, environ)
        return str(caught.exception)


class ReadTests(AccountsCase):
    def test_one_account_without_a_name(self) -> None:
        (one,) = self.read({"token": SECRET, "dmPolicy": "open", "allowFrom": ["*"]})
        self.assertEqual((one.channel, one.account, one.is_default), ("sms", "default", True))
        self.assertEqual(one.settings.token, SECRET)  # type: ignore[attr-defined]
        self.assertEqual(one.secrets, (SECRET,))

    def test_accounts_share_what_stands_beside_them(self) -> None:
        first, second = self.read(
            {
                "dmPolicy": "disabled",
                "pin": 1,
                "defaultAccount": "b",
                "accounts": {"a": {"pin": 2}, "b": {"dmPolicy": "pairing"}},
            }
        )
        self.assertEqual(
            (first.settings.dm_policy, second.settings.dm_policy), ("disabled", "pairing")
        )
        self.assertEqual([one.is_default for one in (first, second)], [False, True])

    def test_defaults_of_all_channels(self) -> None:
        found, _ = read_accounts(
            {"defaults": {"groupPolicy": "disabled"}, "sms": {}, "modelByChannel": {}}, {}, REGISTRY
        )
        self.assertEqual([one.settings.group_policy for one in found], ["disabled"])

    def test_secrets_are_found_where_they_are_referred_to(self) -> None:
        (one,) = self.read({"token": "${SMS_TOKEN}"}, {"SMS_TOKEN": SECRET})
        self.assertEqual(one.secrets, (SECRET,))

    def test_a_secret_that_is_not_there(self) -> None:
        words = self.refused({"accounts": {"a": {"token": "${SMS_TOKEN}"}}})
        self.assertIn("channels.sms.accounts.a.token", words)
        self.assertIn("SMS_TOKEN", words)
        (one,) = self.read({"enabled": False, "token": "${SMS_TOKEN}"})
        self.assertIsNone(one.settings.token)  # type: ignore[attr-defined]

    def test_the_environment_says_what_the_default_account_does_not(self) -> None:
        environ = {"SMS_TOKEN": SECRET}
        for section in ({}, {"token": ""}, {"enabled": True, "accounts": {"default": {}}}):
            (one,) = self.read(section, environ)
            self.assertEqual(one.settings.token, SECRET)  # type: ignore[attr-defined]
            self.assertEqual(one.secrets, (SECRET,))
        first, second = self.read({"accounts": {"a": {}, "default": {}}}, environ)
        self.assertIsNone(first.settings.token)  # type: ignore[attr-defined]
        self.assertEqual(second.settings.token, SECRET)  # type: ignore[attr-defined]

    def test_the_configuration_goes_before_the_environment(self) -> None:
        environ = {"SMS_TOKEN": SECRET}
        (one,) = self.read({"token": "mine"}, environ)
        self.assertEqual(one.settings.token, "mine")  # type: ignore[attr-defined]
        (one,) = self.read({"tokenFile": "/run/token"}, environ)
        self.assertIsNone(one.settings.token)  # type: ignore[attr-defined]
        (one,) = self.read({}, {"SMS_TOKEN": "  "})
        self.assertIsNone(one.settings.token)  # type: ignore[attr-defined]

    def test_the_variables_of_the_original_are_known(self) -> None:
        known = {
            "telegram": {"TELEGRAM_BOT_TOKEN": "bot_token"},
            "slack": {"SLACK_BOT_TOKEN": "bot_token", "SLACK_APP_TOKEN": "app_token"},
            "discord": {"DISCORD_BOT_TOKEN": "token"},
        }
        for channel, variables in known.items():
            environ = {name: f"value-of-{name}" for name in variables}
            (one,) = self.read({}, environ, channel)
            for name, field in variables.items():
                self.assertEqual(getattr(one.settings, field), environ[name])

    def test_no_secret_in_what_is_shown(self) -> None:
        (one,) = self.read({"token": SECRET})
        self.assertNotIn(SECRET, repr(one) + str(one) + repr(one.settings))
        self.assertNotIn(SECRET, self.refused({"token": {"source": SECRET}, "pin": "x"}))

    def test_wrong_values_name_their_place(self) -> None:
        self.assertIn("channels.sms.pin", self.refused({"pin": "many"}))
        self.assertIn(
            "channels.sms.accounts.a.dmPolicy",
            self.refused({"accounts": {"a": {"dmPolicy": "anybody"}}}),
        )
        self.assertIn(
            "channels.sms.defaultAccount",
            self.refused({"defaultAccount": "x", "accounts": {"a": {}}}),
        )
        self.assertIn("channels.sms.accounts", self.refused({"accounts": ["a"]}))
        self.assertIn("channels.sms", self.refused(True))

    def test_unknown_keys_are_remarked(self) -> None:
        self.read({"tokenn": "x"})
        self.assertEqual(len(self.remarks), 1)
        self.assertIn("channels.sms.tokenn", self.remarks[0])


class OriginalTests(AccountsCase):
    """What the original's files say, and what it means here."""

    def test_every_way_to_say_how_an_answer_grows(self) -> None:
        shown: tuple[Any, ...] = (
            "partial",
            "block",
            "progress",
            "quiet",
            True,
            {"mode": "partial"},
        )
        hidden: tuple[Any, ...] = ("off", False, {"mode": "off", "preview": {"toolProgress": True}})
        for said, wanted in ((shown, True), (hidden, False)):
            for streaming in said:
                (one,) = self.read({"streaming": streaming}, channel="telegram")
                self.assertIs(one.streaming, wanted, streaming)
        nothing: tuple[Any, ...] = ({}, {"streaming": {}}, {"streaming": None})
        for silent in nothing:
            (one,) = self.read(silent, channel="telegram")
            self.assertTrue(one.streaming, silent)
            (one,) = self.read(silent, channel="irc")
            self.assertFalse(one.streaming, silent)
        self.assertIn("channels.sms.streaming", self.refused({"streaming": "often"}))
        self.assertIn("channels.sms.streaming.mode", self.refused({"streaming": {"mode": "x"}}))

    def test_answers_that_quote_once_per_batch(self) -> None:
        (one,) = self.read({"replyToMode": "batched"})
        self.assertEqual(one.settings.reply_to_mode, "batched")


class AddressTests(AccountsCase):
    def test_the_path_that_a_platform_was_given(self) -> None:
        for url, path in (
            ("https://bots.example/telegram-webhook", "/telegram-webhook"),
            ("https://bots.example/a/b/?x=1", "/a/b"),
            ("https://bots.example/", ""),
            ("https://bots.example", ""),
            (None, ""),
        ):
            (one,) = self.read({"webhookUrl": url} if url else {})
            self.assertEqual(one.public_path, path, url)


class RegistryTests(AccountsCase):
    def test_a_channel_that_nobody_knows_is_left_out(self) -> None:
        for channel in ("carrier-pigeon", "broken", "renamed", "odd"):
            self.assertEqual(self.read({}, channel=channel), [])
            self.assertIn(f"channels.{channel}", self.remarks[0])
            self.assertIn("left out", self.remarks[0])

    def test_what_is_offered(self) -> None:
        self.assertIn("sms", [one.id for one in REGISTRY.all()])
        self.assertNotIn("broken", [one.id for one in REGISTRY.all()])

    def test_figures_of_an_account(self) -> None:
        (one,) = self.read({"textChunkLimit": 1_000, "mediaMaxMb": 2, "editMinMs": 500})
        self.assertEqual((one.text_limit.default, one.media_bytes), (160, 2 << 20))
        self.assertEqual(one.edit_seconds(in_group=True), 0.5)
        self.assertFalse(one.streaming)
        self.assertEqual(one.webhook_path, "/webhook/sms/default")
