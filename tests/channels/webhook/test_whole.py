"""Custom webhooks inside a whole gateway."""

import os
import re
from pathlib import Path
from typing import Any

from openclaw.channels.counterpart import Counterpart
from tests.channels.webhook.counterpart import SECRET, Service
from tests.channels.whole import WholeCase, WholeContract
from tests.integration.running import ROOT, Running, run


class WebhookTests(WholeContract, WholeCase):
    """There is no connection of ours to wait for, to break or to count: the service calls."""

    channel = "webhook"
    person = ("ada", "ada")
    group = "room-1"

    def make_counterpart(self) -> Counterpart:
        self.service = Service()
        return self.service

    async def stop_counterpart(self) -> None:
        await self.service.stop()
        self.assertEqual(self.service.violations, [])

    async def start(self, **more: Any) -> Running:
        self.configure(**more)
        running = await self.run_it()
        await self.reaches("connected")
        return running

    async def run_it(self) -> Running:
        self.service.gateway = self.place.port
        return await super().run_it()

    async def test_a_connection_that_breaks_is_made_again(self) -> None:
        """An answer that cannot be posted is posted again."""
        await self.start()
        self.service.refuse(1, 503)
        self.service.lose_answers(1)
        self.say("after all")
        await self.answered("after all")
        self.assertLessEqual(len(self.service.statuses), 3)

    async def test_wrong_credentials_are_said_and_harm_nobody(self) -> None:
        """They show with the first answer; it waits until they are right again."""
        await self.start()
        self.service.revoke()
        self.say("too early")
        account = await self.reaches("failed")
        self.assertIn("outboundSecret", account["lastError"])
        self.assertEqual(self.texts(), [])
        later = self.say("meanwhile")
        accounts = self.service.settings()["accounts"]
        accounts["shop"]["outboundSecret"] = "another"
        self.configure(accounts=accounts)
        await self.call("channels.reload", channel="webhook")
        await self.answered("too early")
        await self.answered("meanwhile")
        self.assertTrue(self.service.acknowledged(later))

    async def test_what_is_larger_than_the_page_says_is_refused(self) -> None:
        await self.start()
        for size, status in ((256 << 10, 401), ((256 << 10) + 1, 413)):
            told, _ = await self.service.post(b"x" * size, {})
            self.assertEqual(told, status)

    async def test_the_commands_of_the_page_work(self) -> None:
        """With ``openssl`` and ``curl``, which know nothing of us."""
        await self.start()
        page = (ROOT / "docs" / "channels" / "webhook.rst").read_text(encoding="utf-8")
        found = re.search(r"code-block:: sh\n\n((?:   .*\n)+)", page)
        assert found is not None
        script = found[1].replace("18789", str(self.place.port))
        self.assertIn(str(self.place.port), script)
        environment = {"PATH": os.environ["PATH"], "SHOP_SECRET": SECRET}
        shell = run(["/bin/sh", "-c", script], environment, Path.cwd())
        await shell.ended()
        self.assertEqual(shell.out, '{"status":"accepted"}', shell.printed)
        await self.until(self.texts, "answer")
        self.assertEqual(self.counterpart.shown()[0].chat_id, "orders")
