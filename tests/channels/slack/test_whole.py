"""Slack inside a whole gateway."""

from openclaw.channels.counterpart import Counterpart
from tests.channels.slack.counterpart import SlackCounterpart
from tests.channels.whole import WholeCase, WholeContract
from tests.integration.running import reactor


class SlackTests(WholeContract, WholeCase):
    channel = "slack"
    person = ("D042", "U042")
    group = "C100"

    def make_counterpart(self) -> Counterpart:
        self.slack = SlackCounterpart(reactor)
        self.slack.listen()
        return self.slack

    async def stop_counterpart(self) -> None:
        await self.slack.stop()
