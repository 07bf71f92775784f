"""A whole gateway on a real Synapse of stock limits: a person asks, and is answered once."""

from typing import Any
from urllib.parse import quote

from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.channels.matrix.real.environment import NotInstalled
from tests.channels.matrix.real.synapse import PASSWORD, shared
from tests.integration.running import Place, model_configuration, model_stand_in, reactor


class GatewayTests(TestCase):
    timeout: float = 900  # Of the set-up, which may have to install; a test has a minute.

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        try:
            self.synapse = await deferToThread(shared, True)
        except NotInstalled as error:
            raise SkipTest(str(error)) from None
        self.timeout = 60
        self.me = await deferToThread(self.synapse.register, "tia")
        self.ada = await self.synapse.person("ada")
        self.addCleanup(self.ada.stop)
        self.place = Place(self.mktemp())
        model, port = await model_stand_in(self.place.directory)
        self.addCleanup(model.stop, "KILL")
        account: dict[str, Any] = {
            "homeserver": self.synapse.root,
            "userId": self.me,
            "password": PASSWORD,
            "dmPolicy": "allowlist",
            "allowFrom": [self.ada.user_id],
            "groupPolicy": "open",
            "requireMention": False,
        }
        self.place.configure({**model_configuration(port), "channels": {"matrix": account}})

    async def start(self) -> Any:
        """Start the gateway."""
        running = await self.place.started()
        self.addCleanup(running.stop, "KILL")
        return running

    async def answers(self, room: str, count: int) -> list[str]:
        """Wait for so many messages of the assistant's."""
        while len(self.ada.messages(room, self.me)) < count:
            await deferLater(reactor, 0.02)
        return [one["content"]["body"] for one in self.ada.messages(room, self.me)]

    async def test_a_person_is_answered_once_across_a_kill(self) -> None:
        running = await self.start()
        room = (await self.ada.ask("create", invite=[self.me], direct=True))["room_id"]
        await self.says(room, "before you came")
        self.assertEqual(await self.answers(room, 1), ["before you came"])
        await self.says(room, "hello")
        await self.answers(room, 2)
        await running.stop("KILL")
        await self.says(room, "are you there")
        await self.start()
        heard = await self.answers(room, 3)
        self.assertEqual(heard, ["before you came", "hello", "are you there"])
        await self.says(room, "good")
        self.assertEqual(await self.answers(room, 4), [*heard, "good"])

    async def test_an_upgraded_room_goes_on_in_the_same_session(self) -> None:
        await self.start()
        public = {"type": "m.room.join_rules", "content": {"join_rule": "public"}}
        old = (await self.ada.ask("create", invite=[self.me], name="Friends", state=[public]))[
            "room_id"
        ]
        await self.says(old, "before")
        self.assertEqual(await self.answers(old, 1), ["before"])
        upgraded = await deferToThread(
            self.synapse.ask,
            "POST",
            f"/_matrix/client/v3/rooms/{quote(old)}/upgrade",
            {"new_version": "11"},
            self.ada.token,
        )
        new = upgraded["replacement_room"]
        await self.says(new, "after")
        self.assertEqual(await self.answers(new, 1), ["after"])
        client = self.place.client()
        await client.connect()
        try:
            (session,) = (await client.request("sessions.list", {}))["sessions"]
        finally:
            await client.close()
        self.assertEqual(session["messageCount"], 4)

    async def says(self, room: str, words: str) -> None:
        """Let Ada write what the model repeats."""
        content = {"msgtype": "m.text", "body": f"[echo]{words}"}
        await self.ada.ask("send", room=room, content=content)
