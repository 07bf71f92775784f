"""Which accounts a configuration names, and what the rest of the file says of all of them."""

from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.channel_plan import ChannelPlan, plan_channels
from openclaw.config.settings import Options, read_settings
from openclaw.errors import ConfigError

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"


class PlanTests(SynchronousTestCase):
    def plan(self, config: dict[str, Any], **environ: str) -> ChannelPlan:
        state = Path(self.mktemp())
        state.mkdir()
        self.file = state / "openclaw.json"
        self.file.write_bytes(msgspec.json.encode(config))
        return plan_channels(read_settings(Options(state_dir=str(state)), {}, state), environ)

    def test_tokens_may_come_from_the_environment_or_its_section(self) -> None:
        channels: dict[str, Any] = {"channels": {"telegram": {}}}
        for found in (
            self.plan(channels, TELEGRAM_BOT_TOKEN=TOKEN),
            self.plan({**channels, "env": {"vars": {"TELEGRAM_BOT_TOKEN": TOKEN}}}),
        ):
            self.assertEqual([one.settings.bot_token for one in found.accounts], [TOKEN])  # type: ignore[attr-defined]
            self.assertEqual(found.secrets, (TOKEN,))

    def test_what_is_said_of_groups_holds_for_every_channel_that_says_nothing_else(self) -> None:
        plan = self.plan(
            {
                "messages": {"groupChat": {"mentionPatterns": ["@claw"], "historyLimit": 7}},
                "channels": {"telegram": {}, "slack": {"mentionPatterns": [], "historyLimit": 1}},
            }
        )
        for accounts in (plan.accounts, plan.reread()):
            said = [(one.settings.mention_patterns, one.settings.history_limit) for one in accounts]
            self.assertEqual(said, [(("@claw",), 7), ((), 1)])

    def test_defaults_of_channels_go_before_what_is_said_of_all_messages(self) -> None:
        plan = self.plan(
            {
                "messages": {"groupChat": {"mentionPatterns": ["@claw"], "historyLimit": 7}},
                "channels": {"defaults": {"historyLimit": 2}, "telegram": {}},
            }
        )
        (one,) = plan.accounts
        self.assertEqual(
            (one.settings.mention_patterns, one.settings.history_limit), (("@claw",), 2)
        )

    def test_a_pattern_that_cannot_be_used_is_named_where_it_stands(self) -> None:
        patterns = {"messages": {"groupChat": {"mentionPatterns": ["ok", "(a+)+"]}}}
        refused = self.assertRaises(ConfigError, self.plan, {**patterns, "channels": {"irc": {}}})
        self.assertEqual(refused.path, "messages.groupChat.mentionPatterns[1]")
