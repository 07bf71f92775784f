"""matrix-nio as the judge of our stand-in: it has to take it for a homeserver."""

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.channels.channel_case import until
from tests.channels.matrix.counterpart import ADA, BOT, PASSWORD, SERVER, Homeserver
from tests.channels.matrix.real.environment import NotInstalled, python
from tests.channels.matrix.real.people import Person
from tests.channels.matrix.rig import BOB, DM


class NioTests(TestCase):
    timeout: float = 900  # Of the set-up, which may have to install; a test has a minute.

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        try:
            program = await deferToThread(python, os.environ)
        except NotInstalled as error:
            raise SkipTest(str(error)) from None
        self.timeout = 60
        self.homeserver = Homeserver()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.homeserver.stop()))
        self.homeserver.room(DM, ADA)
        self.tia = Person(str(program), self.homeserver.root, BOT)
        self.addCleanup(self.tia.stop)

    def saw(self, kind: str) -> list[dict[str, Any]]:
        """Events that it read as one of its classes."""
        return [event for name, _, event in self.tia.saw if name == kind]

    async def test_it_signs_in_receives_and_sends(self) -> None:
        await self.tia.sign_in(PASSWORD)
        sent = self.homeserver.say("hello", chat_id=DM, sender_id=ADA)
        await until(lambda: self.saw("RoomMessageText"))
        self.assertEqual(self.saw("RoomMessageText")[0]["event_id"], sent)
        content = {"msgtype": "m.text", "body": "hi", "m.mentions": {}}
        answer = await self.tia.ask("send", room=DM, content=content)
        (shown,) = self.homeserver.shown()
        self.assertEqual((shown.message_id, shown.text), (answer["event_id"], "hi"))

    async def test_it_follows_invitations_and_reads_what_happens_in_rooms(self) -> None:
        await self.tia.sign_in(PASSWORD)
        self.homeserver.invite("!new", ADA, name="Garden")
        await until(lambda: self.tia.joined == ["!new"])
        relation = {"rel_type": "m.annotation", "key": "👍"}
        said = self.homeserver.say("look", chat_id="!new", sender_id=ADA)
        about = {"m.relates_to": {**relation, "event_id": said}}
        self.homeserver.write("!new", ADA, about, "m.reaction")
        self.homeserver.enter("!new", BOB)
        await until(lambda: self.saw("ReactionEvent") and len(self.saw("RoomMemberEvent")) > 1)
        self.assertFalse([name for name, _, _ in self.tia.saw if "Bad" in name])

    async def test_it_stores_and_fetches_files(self) -> None:
        await self.tia.sign_in(PASSWORD)
        path = Path(self.mktemp()).absolute()
        path.write_bytes(b"\0\1\2")
        given = {"path": str(path), "mime": "image/png", "name": "x.png"}
        uri = (await self.tia.ask("upload", **given))["content_uri"]
        self.assertTrue(uri.startswith(f"mxc://{SERVER}/"))
        self.assertEqual((await self.tia.ask("download", uri=uri))["hex"], "000102")

    async def test_it_understands_refusals(self) -> None:
        error: Any = await self.assertFailure(
            Deferred.fromCoroutine(self.tia.sign_in("wrong")), AssertionError
        )
        self.assertIn("M_FORBIDDEN", str(error))
