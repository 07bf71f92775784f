"""Limits as a whole gateway applies them: from the configuration to the answer."""

from typing import Any

import msgspec
from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from openclaw.errors import ConfigError
from openclaw.gateway.client import Client
from openclaw.interfaces.security import Admitted, Peer
from openclaw.protocol.connect import ClientInfo
from openclaw.protocol.frames import Request
from openclaw.protocol.methods import METHODS
from openclaw.protocol.scopes import SCOPES
from openclaw.security.limits.buckets import Rate
from openclaw.security.limits.work import BURST, PER_MINUTE
from tests.http.exchanges import ELSEWHERE, HERE, Connection, Port, request
from tests.http.test_port import UPGRADE

INSIDE = "10.1.2.3"
PROXY = "203.0.113.50"


class LimitsCase(SynchronousTestCase):
    """A gateway in memory."""

    def make(self, **configuration: Any) -> Port:
        """One with this configuration, ready."""
        self.port = Port(self.mktemp(), configuration)
        self.port.parts.door.ready = True
        self.limits = self.port.parts.limits
        return self.port


class AddressTests(LimitsCase):
    """``access.ipWhitelist``."""

    def setUp(self) -> None:
        """One network is listed, one proxy trusted."""
        self.make(access={"ipWhitelist": ["10.0.0.0/8"]}, gateway={"trustedProxies": [PROXY]})
        self.noted: list[tuple[str, str]] = []
        self.guarded = self.limits.guarded(
            self.port.parts.factory, lambda kind, detail: self.noted.append((kind, detail))
        )

    def accepts(self, host: str) -> bool:
        """Whether a socket from there is kept."""
        return self.guarded.buildProtocol(IPv4Address("TCP", host, 5)) is not None

    def test_sockets(self) -> None:
        """Kept or closed before anything is read, and noted."""
        self.assertEqual(
            [self.accepts(host) for host in (INSIDE, HERE, PROXY, ELSEWHERE)],
            [True, True, True, False],
        )
        self.assertEqual(self.noted, [("address-refused", ELSEWHERE)])

    def test_without_a_list_nothing_stands_before_the_port(self) -> None:
        """Not even a look."""
        self.make()
        factory = self.port.parts.factory
        self.assertIs(self.limits.guarded(factory, lambda kind, detail: None), factory)
        self.assertTrue(self.limits.may_connect(Peer(ELSEWHERE, loopback=False)))

    def test_clients_behind_a_proxy(self) -> None:
        """The reported address, for pages and for sockets."""
        for reported, status in ((INSIDE, 200), (ELSEWHERE, 403)):
            for host in (PROXY,):
                answer = self.port.ask("/healthz", host=host, X_Forwarded_For=reported)
                self.assertEqual(answer.status, status, (reported, host))
        self.assertEqual(answer.document["error"]["type"], "address_not_allowed")
        for reported, status in ((INSIDE, 101), (ELSEWHERE, 403)):
            connection = self.port.connect(PROXY)
            answer = connection.ask("/", X_Forwarded_For=reported, **UPGRADE)
            self.assertEqual(answer.status, status, reported)

    def test_the_proxy_itself_is_not_listed(self) -> None:
        """Only whom it speaks for."""
        self.assertEqual(self.port.ask("/healthz", host=PROXY).status, 403)

    def test_an_upgrade_on_a_connection_that_has_spoken_http(self) -> None:
        """The way round the first look is watched as well."""
        connection = self.port.connect(PROXY)
        self.assertEqual(connection.ask("/healthz", X_Forwarded_For=INSIDE).status, 200)
        answer = connection.ask("/", X_Forwarded_For=ELSEWHERE, **UPGRADE)
        self.assertEqual(answer.status, 403)

    def test_the_owner(self) -> None:
        """Is never kept out."""
        self.assertEqual(self.port.ask("/healthz").status, 200)

    def test_names_have_a_watch(self) -> None:
        """Among the services that start and stop with the gateway."""
        self.assertIsNone(self.limits.names)
        self.make(access={"ipWhitelist": ["vpn.company.example"]})
        self.assertIn(self.limits.names, self.port.parts.helpers)

    def test_what_is_no_address(self) -> None:
        """Refused when the configuration is read."""
        error = self.assertRaises(ConfigError, self.make, access={"ipWhitelist": ["10.0.0"]})
        self.assertEqual(error.path, "access.ipWhitelist[0]")


class TrafficTests(LimitsCase):
    """``access.rateLimiting``."""

    def test_off_unless_configured(self) -> None:
        """No frame and no request is looked at."""
        self.make()
        self.assertIsNone(self.limits.traffic)
        self.assertIsNone(self.port.parts.door.traffic)
        connection = self.port.connect()
        self.assertEqual({connection.ask("/healthz").status for _ in range(500)}, {200})

    def limited(self, **rates: str) -> Port:
        """A gateway with these limits."""
        return self.make(access={"rateLimiting": rates})

    def test_one_connection(self) -> None:
        """429, when to come again in the body and the header; then it is served."""
        self.limited(perConnection="6rpm")
        connection = self.port.connect()
        self.assertEqual({connection.ask("/healthz").status for _ in range(6)}, {200})
        refused = connection.ask("/healthz")
        self.assertEqual(refused.status, 429)
        self.assertEqual(refused.headers["retry-after"], "10")
        self.assertEqual(refused.document["error"]["type"], "rate_limited")
        self.assertEqual(refused.document["error"]["retryAfterMs"], 10_000)
        self.assertEqual(self.port.ask("/healthz").status, 200)
        self.port.reactor.advance(10)
        self.assertEqual(connection.ask("/healthz").status, 200)

    def test_one_address_over_http_and_upgrades(self) -> None:
        """Both kinds of requests from one bucket, mapped addresses folded."""
        self.limited(perIp="4rpm")
        for host in (ELSEWHERE, f"::ffff:{ELSEWHERE}", ELSEWHERE):
            self.assertEqual(self.port.ask("/healthz", host=host).status, 200)
        self.assertEqual(self.upgrade(ELSEWHERE), 101)
        self.assertEqual(self.upgrade(ELSEWHERE), 429)
        self.assertEqual(self.port.ask("/healthz", host=ELSEWHERE).status, 429)
        self.assertEqual(self.upgrade(HERE), 101)

    def upgrade(self, host: str) -> int:
        """The status of one upgrade."""
        connection = self.port.connect(host)
        connection.feed(request("/", **UPGRADE))
        return int(connection.taken().split()[1])

    def test_the_whole_gateway(self) -> None:
        """Whoever asks."""
        self.limited(**{"global": "10rpm"})
        statuses = [self.port.ask("/healthz", host=f"10.0.0.{n}").status for n in range(12)]
        self.assertEqual(statuses, [200] * 10 + [429] * 2)

    def test_an_upgrade_on_a_used_connection(self) -> None:
        """Counted once."""
        self.limited(perIp="2rpm")
        connection = self.port.connect()
        self.assertEqual(connection.ask("/healthz").status, 200)
        connection.feed(request("/", **UPGRADE))
        self.assertTrue(connection.taken().startswith(b"HTTP/1.1 101 "))
        connection.lose()

    def test_websocket_places_are_given_back(self) -> None:
        """A connection that became a socket is no page any more."""
        self.make()
        connection = self.port.connect(ELSEWHERE)
        connection.ask("/healthz")
        self.assertEqual((len(self.limits.pages), len(self.limits.waiting)), (1, 0))
        connection.feed(request("/", **UPGRADE))
        self.assertEqual((len(self.limits.pages), len(self.limits.waiting)), (0, 1))
        connection.lose()
        self.assertEqual(len(self.limits.waiting), 0)


class WorkTests(LimitsCase):
    """``gateway.rate_limit``, and control-plane writes."""

    def client(
        self, device: str | None = "d1", address: str = ELSEWHERE, scopes: Any = SCOPES
    ) -> Client:
        """A client; what it is told ends up in ``said``."""
        self.said: list[Any] = []
        return Client(
            conn_id="c",
            info=ClientInfo(id="cli", version="1", platform="linux", mode="cli"),
            admitted=Admitted("operator", tuple(scopes), "device-token", device),
            peer=Peer(address, loopback=address == HERE),
            caps=frozenset(),
            connected_at_ms=0,
            send=lambda data: self.said.append(msgspec.json.decode(data)),
            congested=lambda: False,
        )

    def limited(self, client: Client, method: str, times: int) -> list[int]:
        """Which of so many requests were refused by a limit, by their numbers."""
        self.said.clear()
        dispatcher = self.port.parts.door.dispatcher
        for number in range(times):
            dispatcher.dispatch(client, Request(type="req", id=f"r{number}", method=method))
        return [
            int(one["id"][1:])
            for one in self.said
            if one.get("error", {}).get("details", {}).get("code") == "RATE_LIMITED"
        ]

    def test_methods_that_start_work(self) -> None:
        """The eleventh at once; bad params count, for they cost as well."""
        for method in ("agent", "chat.send", "send", "wake"):
            self.assertTrue(METHODS[method].work, method)
            self.make()
            self.assertEqual(self.limited(self.client(), method, 12), [10, 11], method)
            self.port.reactor.advance(1)
            self.assertEqual(self.limited(self.client(), method, 2), [1], method)

    def test_one_bucket_for_all_of_them(self) -> None:
        """Per device."""
        self.make()
        self.limited(self.client(), "agent", 10)
        self.assertEqual(self.limited(self.client(), "send", 1), [0])
        self.assertEqual(self.limited(self.client("d2"), "send", 1), [])

    def test_reading_is_free(self) -> None:
        """As is everything that starts nothing."""
        self.make()
        for method in ("health", "last-heartbeat", "models.list"):
            self.assertEqual(self.limited(self.client(), method, 100), [])

    def test_programs_on_this_machine_are_not_counted(self) -> None:
        """The owner's own scripts."""
        self.make()
        self.assertEqual(self.limited(self.client(address=HERE), "agent", 100), [])

    def test_who_may_not_is_told_that_first(self) -> None:
        """And uses up nothing."""
        self.make()
        self.assertEqual(self.limited(self.client(scopes=["operator.read"]), "agent", 20), [])
        self.assertEqual(self.limited(self.client(), "agent", 11), [10])

    def test_as_configured(self) -> None:
        """The seed's keys."""
        self.make(gateway={"rate_limit": {"requests_per_minute": 6, "burst": 2}})
        self.assertEqual(self.limited(self.client(), "agent", 3), [2])
        self.assertEqual(self.said[2]["error"]["retryAfterMs"], 10_000)

    def test_the_default_is_the_seeds(self) -> None:
        """In the schema and in the module that has the last word."""
        configured = self.make() and self.port
        self.assertEqual((PER_MINUTE, BURST), (60, 10))
        rate = configured.parts.limits.work._buckets.rate
        self.assertEqual(str(rate), str(Rate(PER_MINUTE, BURST)))

    def test_control_plane_writes(self) -> None:
        """Thirty a minute, all such methods together, on this machine too."""
        self.make()
        writes = [name for name, method in METHODS.items() if method.control]
        self.assertIn("device.pair.approve", writes)
        for address in (ELSEWHERE, HERE):
            client = self.client(f"device at {address}", address)
            for index in range(30):
                self.assertEqual(self.limited(client, writes[index % len(writes)], 1), [])
            for method in writes:
                self.assertTrue(self.limited(client, method, 1), method)
            self.assertEqual(self.limited(self.client("d9", address), writes[0], 1), [])


class ProxyPlaceTests(LimitsCase):
    """Connections of a trusted proxy, before it says whose they are."""

    def test_a_proxy_may_open_many(self) -> None:
        """A reconnect storm behind it would else be cut off; a stranger may open few."""
        self.make(gateway={"trustedProxies": [PROXY]})

        def kept(host: str) -> int:
            connections = [Connection(self.port.parts.factory, host) for _ in range(200)]
            held = sum(not one.transport.aborted for one in connections)
            for one in connections:
                one.lose()
            return held

        self.assertEqual((kept(PROXY), kept(ELSEWHERE)), (200, 32))
