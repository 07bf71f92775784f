"""Our channel on a real network over TLS: whom it believes, and whom the network takes it for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate
from twisted.web.client import BrowserLikePolicyForHTTPS

from openclaw.http.sockets import OutboundSockets
from openclaw.interfaces.channels import ChannelDown, ChannelFailed
from tests.channels.irc.counterpart import ROOM
from tests.channels.irc.network import Network, network_is_there
from tests.channels.irc.rig import ChannelCase, outgoing
from tests.channels.irc.server import reactor
from tests.channels.irc.test_judges import Ada
from tests.conformance.cases import require
from tests.http.test_outbound import certificate_for_loopback
from tests.http.test_pinned import OTHER, pin_of

REGISTERED = "correct-horse"
WRONG = "wrong-horse"


class Person(Ada):
    """Ada, who also hears services and what ``WHOIS`` says of accounts.

    :ivar notices: what services said.
    :ivar accounts: nick and account.
    """

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[str] = []
        self.accounts: list[tuple[str, str]] = []

    def noticed_by_services(self, words: str) -> bool:
        """Whether they said something like this."""
        return any(words in one for one in self.notices)

    def irc_NOTICE(self, prefix: str, params: list[str]) -> None:
        self.notices.append(params[-1])

    def irc_unknown(self, prefix: str, command: str, params: list[str]) -> None:
        if command == "330":
            self.accounts.append((params[1], params[2]))


class InspIRCdTests(ChannelCase):
    """One network for each test; its certificate is for 127.0.0.1."""

    timeout = 60

    async def setUp(self) -> None:  # type: ignore[override]  # Trial waits for it.
        super().setUp()
        require(network_is_there)
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        self.certificate = certificate_for_loopback()
        key = self.certificate.privateKey.original.to_cryptography_key()
        (directory / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        (directory / "server.pem").write_bytes(self.certificate.dumpPEM())
        self.network = Network(directory)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.network.stop()))
        await self.network.start()
        await self.believe()

    async def believe(self, *, certificate: bool = True, pins: Sequence[str] = ()) -> None:
        """Open connections that trust the server's certificate or not, and want these keys."""
        await self.sockets.stopService()
        policy = BrowserLikePolicyForHTTPS(Certificate(self.certificate.original))
        self.sockets = OutboundSockets(
            reactor,
            tls=policy if certificate else None,
            pins={"127.0.0.1": tuple(pins)} if pins else None,
        )
        self.sockets.startService()

    def told(self, **more: Any) -> dict[str, Any]:
        """Settings for it."""
        return {
            "host": "127.0.0.1",
            "port": self.network.port,
            "nick": "tia",
            "channels": [ROOM],
            "floodMs": 20,
            **more,
        }

    async def person(self, nick: str = "countess") -> Any:
        """Somebody in the room, connected without TLS."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.network.plain_port)
        ada: Any = await endpoint.connect(Factory.forProtocol(Person))
        ada.setNick(nick)
        await self.until(lambda: ada.inside)
        self.addCleanup(self.until, lambda: ada.gone)
        self.addCleanup(ada.transport.abortConnection)
        return ada

    async def register(self, nick: str) -> Any:
        """Somebody with an account of the name of the nick."""
        ada = await self.person(nick)
        ada.msg("NickServ", f"REGISTER {REGISTERED} {nick}@example.org")
        await self.until(lambda: ada.noticed_by_services("registered to"))
        return ada

    async def down_because(self) -> str:
        """Run it; what keeps it from connecting."""
        self.run_channel()
        error = await self.end()
        self.assertIsInstance(error, ChannelDown)
        return str(error.message)

    async def test_they_talk_and_know_each_other_by_account(self) -> None:
        ada = await self.register("ada")
        self.make(self.told())
        await self.up()
        ada.msg(ROOM, "tia: hello")
        ada.msg("tia", "psst")
        await self.until(lambda: [one.text for one in self.link.received] == ["hello", "psst"])
        room, direct = self.link.received
        self.assertEqual((room.chat_id, room.mention), (ROOM, "native"))
        self.assertEqual({one.sender.id for one in (room, direct)}, {"account:ada"})
        self.assertNotEqual(room.message_id, direct.message_id)
        sent = await self.channel.send(outgoing("all of you", ROOM))
        self.assertTrue(sent.message_id)
        await self.channel.send(outgoing("x" * 900, "ada"))
        await self.until(lambda: sum(len(text) for _, _, text in ada.seen[1:]) == 900)
        self.assertEqual(ada.seen[0], ("tia", ROOM, "all of you"))
        self.assertEqual("".join(text for _, _, text in ada.seen[1:]), "x" * 900)
        error = await self.refused(self.channel.send(outgoing("x", "nobody")))
        self.assertEqual(error.kind, "never")
        self.assertIn("tia on irc.test", await self.channel.probe())

    async def test_an_account_signs_in_before_all_else(self) -> None:
        owner = await self.register("owner")
        self.make(self.told(saslUsername="owner", saslPassword=REGISTERED))
        await self.up()
        owner.whois("tia")
        await self.until(lambda: owner.accounts == [("tia", "owner")])

    async def test_a_wrong_password_of_an_account_is_said(self) -> None:
        await self.register("owner")
        self.make(self.told(saslUsername="owner", saslPassword=WRONG))
        self.run_channel()
        error = await self.end()
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("channels.irc.saslPassword", error.message)
        self.assertNotIn(WRONG, error.message)

    async def test_services_without_sasl_are_told_the_password(self) -> None:
        owner = await self.register("owner")
        self.make(self.told(saslUsername="owner", nickservPassword=REGISTERED))
        await self.up()
        owner.whois("tia")
        await self.until(lambda: owner.accounts == [("tia", "owner")])
        self.make(self.told(nick="tio", saslUsername="owner", nickservPassword=WRONG))
        self.run_channel()
        error = await self.end()
        self.assertIsInstance(error, ChannelFailed)
        self.assertIn("channels.irc.nickservPassword", error.message)

    async def test_a_certificate_of_an_unknown_authority_is_refused(self) -> None:
        await self.believe(certificate=False)
        self.make(self.told())
        self.assertIn("certificate verify failed", await self.down_because())

    async def test_a_certificate_for_another_name_is_refused(self) -> None:
        self.make(self.told(host="localhost"))
        self.assertIn("certificate is for another name", await self.down_because())

    async def test_only_the_pinned_key_is_talked_to(self) -> None:
        await self.believe(pins=(OTHER,))
        self.make(self.told())
        self.assertIn("connections.pins", await self.down_because())
        await self.believe(pins=(OTHER, pin_of(self.certificate)))
        self.make(self.told())
        await self.up()
