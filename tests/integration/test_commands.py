"""Commands about runs and approvals in a whole gateway, while the run that they are about hangs."""

import re
from typing import Any

from twisted.internet.task import deferLater

from openclaw.channels.counterpart import Counterpart
from openclaw.testing.running import Place, model_configuration, model_stand_in, reactor
from tests.channels.webhook.counterpart import Service, close
from tests.channels.whole import SECONDS, WholeCase
from tests.integration.running import Running

OWNER, OTHER = "ada", "eve"
GROUP = "room-1"
ALL = ("operator.admin", "operator.read", "operator.write", "operator.approvals")
TOOL = "[call=session_status {}]"
ID = re.compile(r"`/approve ([0-9a-f]{8})`")
ALLOWED = "Allowed, once: session_status."


class CommandCase(WholeCase):
    """One account, one owner, and one tool that needs an approval."""

    channel = "webhook"
    person = (OWNER, OWNER)
    group = GROUP

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        self.counterpart = self.service = Service()
        self.addCleanup(lambda: close(self.service))
        self.place = Place(self.mktemp())
        self.model, self.model_port = await model_stand_in(
            self.place.directory, "tests.standins.model"
        )
        self.addCleanup(self.model.stop, "KILL")
        self.configure()
        await self.run_it()
        await self.reaches("connected")

    def make_counterpart(self) -> Counterpart:
        return self.service

    def configure(self, **more: Any) -> None:
        self.place.configure(
            {
                **model_configuration(self.model_port),
                "channels": {self.channel: self.counterpart.settings()},
                "gateway": {"auth": {"admin_channels": [f"{self.channel}:{OWNER}"]}},
                "tools": {"approval": ["session_status"]},
            }
        )

    async def run_it(self) -> Running:
        self.service.gateway = self.place.port
        return await super().run_it()

    def write(self, text: str, sender: str = OWNER, group: bool = False) -> str:
        """Let somebody write, in private or in the group."""
        chat = GROUP if group else sender
        return self.counterpart.say(text, chat_id=chat, sender_id=sender, group=group)

    def seen(self, chat: str) -> list[str]:
        """What was said to one chat."""
        return [one.text.strip() for one in self.counterpart.shown() if one.chat_id == chat]

    async def reads(self, text: str, chat: str = OWNER, times: int = 1) -> None:
        """Wait until a chat was told something so often."""
        await self.until(
            lambda: sum(text in one for one in self.seen(chat)) == times, f"{text!r} in {chat}"
        )

    async def ask(self, method: str, **params: Any) -> Any:
        """Ask the gateway, as one who may decide."""
        client = self.place.client(scopes=ALL)
        await client.connect()
        try:
            return await client.request(method, params)
        finally:
            await client.close()

    async def active(self, count: int) -> None:
        """Wait until that many runs are running or waiting."""
        deadline = reactor.seconds() + SECONDS
        while True:
            rows = (await self.ask("sessions.list"))["sessions"]
            found = [run for row in rows for run in row.get("activeRunIds", ())]
            if len(found) == count:
                return
            if reactor.seconds() > deadline:
                self.fail(f"{rows}\n{self.running.printed[-3000:]}")
            await deferLater(reactor, 0.05)

    async def asked_for(self, chat: str = OWNER) -> str:
        """Wait for the notice of an approval; its id."""
        await self.until(lambda: any(ID.search(one) for one in self.seen(chat)), "a notice")
        return next(found[1] for one in self.seen(chat) if (found := ID.search(one)))

    async def pending(self) -> list[str]:
        """The ids of what waits."""
        return [one["id"] for one in await self.ask("exec.approval.list")]


class StopTests(CommandCase):
    """``/stop`` does not wait behind what it stops."""

    async def test_it_frees_a_hung_run_and_takes_back_what_waits(self) -> None:
        self.write("[hang]")
        await self.active(1)
        self.write("[echo]behind")
        await self.active(2)
        self.write("/stop")
        await self.reads("Stopped. Also taken back, because it was still waiting: 1.")
        await self.active(0)
        self.write("[echo]free again")
        await self.reads("free again")
        self.assertNotIn("behind", self.seen(OWNER))

    async def test_it_stops_no_other_session(self) -> None:
        self.write("[hang]", group=True)
        await self.active(1)
        self.write("/stop")
        await self.reads("Nothing runs here.")
        await self.active(1)
        self.write("/stop", group=True)
        await self.reads("Stopped.", GROUP)
        await self.active(0)

    async def test_others_are_refused_also_by_the_owners_name(self) -> None:
        self.write("[hang]", group=True)
        await self.active(1)
        for number, sender in enumerate((OTHER, "Ada", OWNER.upper(), f"webhook:{OWNER}"), 1):
            self.write("/stop", sender, group=True)
            await self.reads("/stop is for the owner of this gateway.", GROUP, number)
        await self.active(1)

    async def again(self, message: str, times: int) -> None:
        """Tell of a message once more; what it might have done is over afterwards."""
        self.counterpart.repeat(message)
        await self.until(lambda: self.service.events[message].taken == times, "another word of it")
        self.write("/approve 00000000")  # Commands of one session are taken in order.
        await self.reads("No approval of that id waits", times=times - 1)

    async def test_it_comes_again_and_stops_nothing_that_came_after(self) -> None:
        self.write("[hang]")
        await self.active(1)
        stop = self.write("/stop")
        await self.reads("Stopped.")
        self.write("[hang]")
        await self.active(1)
        await self.again(stop, 2)
        await self.running.stop("KILL")
        await self.run_it()
        await self.again(stop, 3)
        await self.active(1)
        await self.reads("Stopped.")


class ApproveTests(CommandCase):
    """The owner is told, and decides, where they are."""

    async def test_the_owner_allows_it_in_the_chat_that_waits(self) -> None:
        self.write(TOOL)
        name = await self.asked_for()
        (notice,) = self.seen(OWNER)
        self.assertIn("session_status {}", notice)
        command = self.write(f"/approve {name}")
        await self.reads(ALLOWED)
        await self.reads("The tool said:")
        self.assertEqual(await self.pending(), [])
        before = len(self.counterpart.shown())
        self.counterpart.repeat(command)
        await self.until(lambda: self.service.events[command].taken == 2, "the second word of it")
        self.write(f"/approve {name}")
        await self.reads("No approval of that id waits")
        self.assertEqual(len(self.counterpart.shown()), before + 1)

    async def test_it_is_refused(self) -> None:
        self.write(TOOL)
        self.write(f"/deny {await self.asked_for()}")
        await self.reads("Refused: session_status.")
        await self.reads("a person refused it")

    async def test_a_stop_takes_the_question_back(self) -> None:
        self.write(TOOL)
        name = await self.asked_for()
        self.write("/stop")
        await self.reads("Stopped.")
        self.assertEqual(await self.pending(), [])
        self.write(f"/approve {name} once")
        await self.reads("No approval of that id waits")

    async def test_what_others_asked_for_is_told_to_the_owner_in_private(self) -> None:
        self.write("[echo]here I am")
        await self.reads("here I am")
        self.write(TOOL, OTHER, group=True)
        name = await self.asked_for()
        self.assertIn(f"Asked for by `webhook:{OTHER}`.", self.seen(OWNER)[-1])
        self.assertEqual(self.seen(GROUP), [])
        for number, (words, sender) in enumerate(
            ((f"/approve {name}", OTHER), (f"/deny {name}", OTHER), (f"/approve {name}", "Ada")), 1
        ):
            self.write(words, sender, group=True)
            await self.reads("is for the owner of this gateway.", GROUP, number)
        self.assertEqual(len(await self.pending()), 1)
        self.write(f"/approve {name}")
        await self.reads(ALLOWED)
        await self.reads("The tool said:", GROUP)

    async def test_a_client_decides_by_chat_send(self) -> None:
        self.write(TOOL)
        await self.asked_for()
        (approval,) = await self.pending()
        sent = {"sessionKey": "main", "message": f"/approve {approval}", "idempotencyKey": "k1"}
        await self.ask("chat.send", **sent)
        await self.reads("The tool said:")
        waited = await self.ask("agent.wait", runId="k1", timeoutMs=20_000)
        self.assertEqual(waited["status"], "ok")
        said = (await self.ask("chat.history", sessionKey="main"))["messages"]
        self.assertEqual(said[-1]["content"][0]["text"], ALLOWED)
        self.assertNotIn(ALLOWED, self.seen(OWNER))
