"""Others' programs as judges: a real server for our channel, a real client for our stand-in."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.words.protocols.irc import IRCClient

from openclaw.cli.tunnel import find_free_port
from openclaw.interfaces.channels import ChannelFailed
from tests.channels.irc.counterpart import ROOM
from tests.channels.irc.rig import ChannelCase, ServerCase, outgoing
from tests.channels.irc.server import reactor
from tests.conformance.cases import require
from tests.conformance.packages import Missing
from tests.integration.running import Running, run


class Ada(IRCClient):
    """A person's client."""

    nickname = "ada"
    username = "ada"
    lineRate = None

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.inside = False
        self.gone = False

    def signedOn(self) -> None:
        self.join(ROOM)

    def joined(self, channel: str) -> None:
        self.inside = True

    def privmsg(self, user: str, channel: str, message: str) -> None:
        self.seen.append((user.partition("!")[0], channel, message))

    def connectionLost(self, reason: Any = None) -> None:
        super().connectionLost(reason)
        self.gone = True


def miniircd() -> None:
    """Look for the server.

    :raises Missing: it is not there.
    """
    if find_spec("miniircd") is None:
        raise Missing("miniircd is not installed: pip install '.[test]' -c constraints.txt")


async def client(port: int) -> Any:
    """A person who is connecting."""
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    return await endpoint.connect(Factory.forProtocol(Ada))


class StandInTests(ServerCase):
    """Twisted's client on our stand-in, beside our channel."""

    async def test_a_real_client_talks_with_the_assistant(self) -> None:
        await self.start()
        ada = await client(self.irc.port)
        await self.until(lambda: ada.inside)
        ada.msg(ROOM, "tia: hello")
        ada.msg("tia", "psst")
        await self.until(lambda: self.texts() == ["hello", "psst"])
        await self.channel.send(outgoing("all", ROOM))
        await self.channel.send(outgoing("you", "ada"))
        await self.until(lambda: ada.seen == [("tia", ROOM, "all"), ("tia", "ada", "you")])
        ada.quit()
        await self.until(lambda: ada.gone)


class MiniircdTests(ChannelCase):
    """Our channel on miniircd, a process of its own; it has no extensions at all."""

    async def serve(self, *arguments: str) -> int:
        """Start the server; returns its port."""
        require(miniircd)
        port: int = find_free_port()
        words = [sys.executable, "-m", "miniircd", "--listen", "127.0.0.1", "--ports", f"{port}"]
        words += ["--setuid", "root"] if os.getuid() == 0 else []
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        running = run([*words, *arguments], dict(os.environ), directory)
        self.addCleanup(running.stop, "KILL")
        await self._listening(running, port)
        return port

    async def gone(self, probe: Any) -> None:
        """Wait until a connection has ended."""
        await self.until(lambda: probe.gone)

    async def _listening(self, running: Running, port: int) -> None:
        while True:
            self.assertIsNone(running.gone, running.printed)
            try:
                probe = await client(port)
            except ConnectError:
                await deferLater(reactor, 0.02)
            else:
                probe.transport.abortConnection()
                await self.gone(probe)
                return

    def told(self, port: int, **more: Any) -> dict[str, Any]:
        """Settings for it."""
        return {
            "host": "127.0.0.1",
            "port": port,
            "tls": False,
            "nick": "tia",
            "channels": [ROOM],
            "floodMs": 50,
            **more,
        }

    async def person(self, port: int) -> Any:
        """Ada, in the channel, under a name that is free."""
        ada = await client(port)
        ada.setNick("countess")
        await self.until(lambda: ada.inside)
        self.addCleanup(self.until, lambda: ada.gone)
        self.addCleanup(ada.transport.abortConnection)
        return ada

    async def test_they_talk(self) -> None:
        port = await self.serve()
        self.make(self.told(port))
        await self.up()
        ada = await self.person(port)
        ada.msg(ROOM, "tia: hello")
        ada.msg("tia", "psst")
        await self.until(lambda: [m.text for m in self.link.received] == ["hello", "psst"])
        one, two = self.link.received
        self.assertEqual((one.chat_id, one.mention), (ROOM, "native"))
        self.assertEqual((two.chat_id, two.sender.id), (ada.nickname, "*!ada@127.0.0.1"))
        await self.channel.send(outgoing("all\n\nof you", ROOM))
        await self.channel.send(outgoing("x" * 1200, two.chat_id))
        await self.until(lambda: len(ada.seen) > 4)
        self.assertEqual([text for _, _, text in ada.seen[:2]], ["all", "of you"])
        self.assertEqual("".join(text for _, _, text in ada.seen[2:]), "x" * 1200)

    async def test_it_says_who_is_not_there(self) -> None:
        self.make(self.told(await self.serve()))
        await self.up()
        error = await self.refused(self.channel.send(outgoing("x", "nobody")))
        self.assertEqual(error.kind, "never")
        self.assertIn("tia on", await self.channel.probe())

    async def test_a_wrong_password_is_said(self) -> None:
        port = await self.serve("--password", "right")
        self.make(self.told(port, password="wrong"))
        self.run_channel()
        error = await self.end()
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("channels.irc.password", error.message)
        self.make(self.told(port, password="right"))
        await self.up()

    async def test_a_long_silence_and_a_taken_nick(self) -> None:
        port = await self.serve()
        self.make(self.told(port))
        await self.up()
        await self.pause(1.0)
        self.assertEqual(self.ends, [])
        self.make(self.told(port))
        await self.up()
        self.assertTrue((await self.channel.probe()).startswith("tia_ on"))
