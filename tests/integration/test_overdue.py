"""A whole gateway whose agent does not take up what was accepted."""

import os
import signal
from typing import Any

from openclaw.channels.counterpart import Counterpart
from openclaw.channels.overdue import LATE
from openclaw.testing.running import model_configuration
from tests.channels.telegram.counterpart import Telegram
from tests.channels.whole import WholeCase


class OverdueTests(WholeCase):
    channel = "telegram"

    def make_counterpart(self) -> Counterpart:
        self.telegram = Telegram()
        return self.telegram

    async def stop_counterpart(self) -> None:
        await self.telegram.stop()

    def configure(self, **more: Any) -> None:
        """An operator with little patience."""
        self.place.configure(
            {
                **model_configuration(self.model_port),
                "channels": {"telegram": {**self.counterpart.settings(), **more}},
                "messages": {"noticeAfter": "1s"},
            }
        )

    def wake(self) -> None:
        """Let the agent go on."""
        os.kill(self.model.pid, signal.SIGCONT)

    def notices(self) -> int:
        """How often people were told."""
        return self.texts().count(LATE)

    async def overdue(self) -> int:
        """How many messages are, says health."""
        return int((await self.call("health")).get("overdueMessages", 0))

    async def alerts(self) -> list[dict[str, Any]]:
        """What the operator was told."""
        found = await self.call("diagnostics.stability", type="messages.overdue")
        return list(found["events"])

    async def test_an_agent_that_does_not_wake_is_told_of_once_and_nothing_is_lost(self) -> None:
        await self.start()
        self.model.signal("STOP")  # It accepts connections, and says nothing.
        self.say("first")
        self.say("second")  # Waits in the lane behind the first.
        await self.until(self.notices, "notice")
        (alert,) = await self.alerts()
        self.assertIn("telegram:default", alert["detail"])
        while await self.overdue() < 2:
            self.assertIsNone(self.running.gone)
        self.wake()
        await self.answered("first")
        await self.answered("second")
        self.assertEqual(await self.overdue(), 0)
        self.assertEqual((self.notices(), len(await self.alerts())), (1, 1))

    async def test_a_kill_in_the_middle_makes_no_second_notice_and_loses_nothing(self) -> None:
        await self.start()
        self.model.signal("STOP")
        self.say("before the kill")
        await self.until(self.notices, "notice")
        await self.running.stop("KILL")
        await self.run_it()
        while not await self.alerts():  # The next process has noticed it as well.
            self.assertIsNone(self.running.gone)
        self.wake()
        await self.answered("before the kill")
        self.assertEqual(self.notices(), 1)
