"""Client certificates by subject, over real TLS: who comes in, with what, for how long."""

import json
import socket
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.internet.threads import deferToThread

from openclaw.client.address import GatewayAddress
from openclaw.client.blocking_socket import BlockingSocket, Deadline
from openclaw.client.errors import ClientError, ConnectionLost
from tests.attacks.live import connect
from tests.integration.authority import Authority, showing, subject
from tests.integration.test_tls import TlsCase

RULES: dict[str, Any] = {
    "cn:alice": {"scopes": ["read"]},
    "dn:CN=alice,O=Example": {"scopes": ["read", "write"]},
    'cn:smith, "bob"': {"scopes": ["admin"]},
}


class Guest:
    """A client that brings nothing but its certificate."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), 5)
        self._stream = context.wrap_socket(plain, server_hostname="localhost")
        self._socket = BlockingSocket(self._stream)

    def comes(self, port: int) -> Any:
        """Shake hands; the scopes, or the code of the refusal."""
        deadline = Deadline("the handshake", 10)
        self._socket.upgrade(GatewayAddress("127.0.0.1", port, secure=True), deadline)
        self.hears()
        request = connect(auth={}, scopes=["operator.read", "operator.write", "operator.admin"])
        self._socket.send(json.dumps(request).encode())
        answer = self.hears()
        if answer["ok"]:
            return answer["payload"]["auth"]["scopes"]
        return answer["error"]["details"]["code"]

    def hears(self) -> Any:
        """The next frame."""
        return json.loads(self._socket.read(Deadline("a frame", 10)))

    def leaves(self) -> None:
        """Hang up."""
        self._stream.close()


class SubjectTests(TlsCase):
    """One authority, several people."""

    async def serve(self) -> None:
        """A gateway that knows some subjects."""
        self.authority = Authority()
        self.place.state.mkdir(mode=0o700)
        pem = self.place.state / "authority.pem"
        pem.write_bytes(self.authority.pem())
        self.place.configure(
            {
                "gateway": {"tls": {"enabled": True, "caPath": str(pem)}},
                "access": {"authentication": {"certificates": RULES}},
            }
        )
        self.running = self.place.start(*self.place.options())
        self.addCleanup(self.running.stop)
        await self.until(lambda: (self.place.own / "runtime.json").exists())

    async def comes(self, name: x509.Name, **how: Any) -> Any:
        """Somebody with this subject shakes hands."""
        context = showing(self.authority.client(name, **how), Path(self.mktemp()))
        return await deferToThread(self.shake, context)

    def shake(self, context: ssl.SSLContext) -> Any:
        """In a thread: connect, ask, leave."""
        guest = Guest(self.place.port, context)
        try:
            return guest.comes(self.place.port)
        finally:
            guest.leaves()

    async def test_subjects_and_common_names(self) -> None:
        await self.serve()
        read, write = "operator.read", "operator.write"
        self.assertEqual(await self.comes(subject("alice")), [read])
        self.assertEqual(await self.comes(subject("alice", organization="Elsewhere")), [read])
        self.assertEqual(await self.comes(subject("alice", organization="Example")), [read, write])
        self.assertIn("operator.admin", await self.comes(subject('smith, "bob"')))

    async def test_nobody_comes_in_by_a_likeness(self) -> None:
        """What reads like a rule, and is another subject."""
        await self.serve()
        strangers = [
            subject("Alice"),
            subject("alice "),
            subject("alice,O=Example"),
            subject("alice\\,O=Example"),
            subject("alice\x00.example"),
            subject("mallory", "alice"),
            subject("alice", "alice"),
            subject(organization="alice"),
            subject("dn:CN=alice,O=Example"),
            subject("cn:alice"),
            subject("*"),
        ]
        for name in strangers:
            self.assertEqual(await self.comes(name), "AUTH_CERTIFICATE_UNKNOWN", name)

    async def test_only_the_authority_names_people(self) -> None:
        await self.serve()
        own, self.authority = self.authority, Authority()
        with self.assertRaises((OSError, ClientError)):
            await self.comes(subject("alice"))
        self.authority = own
        with self.assertRaises((OSError, ClientError)):
            await self.comes(subject("alice"), valid=timedelta(minutes=-1))
        with self.assertRaises((OSError, ClientError)):
            await self.comes(subject("alice"), for_servers=True)

    async def test_a_connection_ends_with_its_certificate(self) -> None:
        await self.serve()
        pem = self.authority.client(subject("alice"), timedelta(seconds=3))
        guest = Guest(self.place.port, showing(pem, Path(self.mktemp())))
        self.addCleanup(guest.leaves)
        self.assertEqual(await deferToThread(guest.comes, self.place.port), ["operator.read"])

        def until_the_end() -> None:
            while True:
                guest.hears()

        with self.assertRaises(ConnectionLost) as lost:
            await deferToThread(until_the_end)
        ended = lost.exception
        self.assertEqual((ended.code, ended.reason), (1008, "credential expired"))
