"""The proxies' example configurations, run for real in front of a real gateway."""

import json
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from openclaw.cli.tunnel import find_free_port
from openclaw.client.address import GatewayAddress
from openclaw.client.dial import Dialer
from openclaw.client.gateway import GatewayClient
from openclaw.client.settings import Credentials, Introduction
from openclaw.config.load import load
from openclaw.security.tls.pairs import make_pair, write_pair
from tests.conformance import packages
from tests.conformance.cases import require
from tests.integration.programs import PATH, needed, program
from tests.integration.proxied import CLIENT, NAME, Outside
from tests.integration.running import ROOT, TOKEN, Place, Running, reactor, run

CONF = ROOT / "conf"
OWNER_SCOPES = ("operator.admin", "operator.read", "operator.pairing")
SPOOFED: tuple[Mapping[str, str], ...] = (
    {},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": "10.9.9.9, 127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"Forwarded": "for=127.0.0.1"},
    {"Forwarded": "for=10.9.9.9", "X-Forwarded-For": "10.9.9.9", "X-Real-IP": "10.9.9.9"},
    {"Tailscale-User-Login": "owner@example.com"},
)


def advised(name: str) -> dict[str, Any]:
    """The lines for openclaw.json in the comment of an example."""
    text = (CONF / name).read_text(encoding="utf-8")
    match = re.search(r'^#   ("gateway": \{\n(?:#   .*\n)*?#   \})', text, re.MULTILINE)
    assert match is not None
    found: dict[str, Any] = json.loads("{" + match[1].replace("\n#   ", "\n") + "}")
    return found


class ProxyCase(TestCase):
    """One proxy and one gateway, started by each test."""

    timeout = 120
    example = ""

    def setUp(self) -> None:
        self.place = Place(self.mktemp())
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.port = find_free_port()
        pair = make_pair([NAME], datetime.now(UTC), timedelta(days=1))
        write_pair(self.directory / "both.pem", pair)
        public = pair.certificate.public_bytes(Encoding.PEM)
        (self.directory / "public.pem").write_bytes(public)
        self.outside = Outside(self.port, self.directory / "public.pem")

    def proxy(self) -> Running:
        """Start the proxy with the example, the names and ports of this test in it."""
        raise NotImplementedError

    def changed(self, *changes: tuple[str, str]) -> str:
        """The example with each of these texts replaced, which must be there."""
        text = (CONF / self.example).read_text(encoding="utf-8")
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    async def start(self, **changed: Any) -> None:
        """Start both, the gateway with what the example advises."""
        tree = advised(self.example)
        tree["gateway"]["allowedOrigins"] = [self.outside.origin]
        tree["gateway"].update(changed)
        self.place.configure(tree)
        self.addCleanup((await self.place.started()).stop)
        proxy = self.proxy()
        self.addCleanup(proxy.stop)
        while not await self.answers():
            self.assertIsNone(proxy.gone, proxy.printed)
            await deferLater(reactor, 0.05)

    async def answers(self) -> bool:
        """Whether the proxy is there."""
        try:
            await deferToThread(self.outside.get, "/healthz")
        except OSError:
            return False
        return True

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask for a page through the proxy."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await deferToThread(self.outside.get, path, named)

    async def connect(self, headers: Mapping[str, str], **more: Any) -> dict[str, Any]:
        """Introduce ourselves through the proxy."""
        found: dict[str, Any] = await deferToThread(self.outside.connect, TOKEN, headers, **more)
        return found

    async def owner(self, method: str, params: object) -> Any:
        """Ask the gateway as its owner, past the proxy."""
        asked = Introduction(credentials=Credentials(TOKEN), scopes=OWNER_SCOPES)
        address = GatewayAddress("127.0.0.1", self.place.port)
        client = GatewayClient(Dialer(address, asked, reactor))
        await client.connect()
        try:
            return await client.request(method, params)
        finally:
            await client.close()


class ProxyContract:
    """What must hold behind every proxy; mixed into a :class:`ProxyCase`."""

    start: Any
    get: Any
    connect: Any
    owner: Any
    outside: Outside
    assertEqual: Any
    assertIn: Any
    assertNotIn: Any

    async def test_health_and_the_web_chat_are_served(self) -> None:
        await self.start()
        status, body = await self.get("/health")
        self.assertEqual((status, json.loads(body)), (200, {"ok": True, "status": "healthy"}))
        status, body = await self.get("/chat/", Origin=self.outside.origin)
        self.assertEqual(status, 200)
        self.assertIn("<html", body)
        status, _ = await self.get("/chat/", Origin="https://evil.example")
        self.assertEqual(status, 403)

    async def test_a_device_pairs_and_reconnects_and_is_known_by_its_own_address(self) -> None:
        await self.start()
        answer = await self.connect({})
        details = answer["error"]["details"]
        self.assertEqual(details["code"], "PAIRING_REQUIRED")
        pending = (await self.owner("device.pair.list", {}))["pending"]
        self.assertEqual([row["remoteIp"] for row in pending], [CLIENT])
        await self.owner("device.pair.approve", {"requestId": pending[0]["requestId"]})
        for headers in SPOOFED:
            answer = await self.connect(headers)
            self.assertEqual(answer.get("ok"), True, (headers, answer))

    async def test_what_a_client_says_about_its_address_is_not_believed(self) -> None:
        await self.start()
        for headers in SPOOFED:
            answer = await self.connect(headers)
            self.assertEqual(answer["error"]["details"]["code"], "PAIRING_REQUIRED", headers)
            pending = (await self.owner("device.pair.list", {}))["pending"]
            self.assertEqual({row["remoteIp"] for row in pending}, {CLIENT}, headers)
            status, body = await deferToThread(self.outside.get, "/health", headers)
            self.assertEqual((status, "uptime" in body), (200, False), headers)

    async def test_pages_of_others_may_not_connect(self) -> None:
        await self.start()
        answer = await self.connect({"Origin": "https://evil.example"})
        code = answer["error"]["details"]["code"]
        self.assertEqual(code, "CONTROL_UI_ORIGIN_NOT_ALLOWED")
        answer = await self.connect({"Origin": self.outside.origin})
        self.assertEqual(answer["error"]["details"]["code"], "PAIRING_REQUIRED")

    async def test_an_undeclared_proxy_is_refused_with_the_name_of_the_setting(self) -> None:
        await self.start(trustedProxies=[])
        for headers in ({}, {"Upgrade": "websocket", "Connection": "Upgrade"}):
            status, body = await deferToThread(self.outside.get, "/health", headers)
            error = json.loads(body)["error"]
            self.assertEqual((status, error["type"]), (403, "proxy_attribution_required"))
            self.assertIn("gateway.trustedProxies", error["message"])


@needed("nginx")
class NginxTests(ProxyContract, ProxyCase):
    example = "nginx.conf.example"

    def proxy(self) -> Running:
        server = self.changed(
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            ("/etc/ssl/certs/gateway.example.com.pem", f"{self.directory}/public.pem"),
            ("/etc/ssl/private/gateway.example.com.key", f"{self.directory}/both.pem"),
            ("127.0.0.1:18789", f"127.0.0.1:{self.place.port}"),
        )
        (self.directory / "server.conf").write_text(server)
        temporary = "".join(
            f"{kind}_temp_path {self.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.directory / "nginx.conf").write_text(
            f"daemon off; master_process off; worker_processes 1; pid {self.directory}/pid;\n"
            "error_log stderr; events { worker_connections 64; }\n"
            f"http {{ access_log off;\n{temporary}include {self.directory}/server.conf; }}\n"
        )
        arguments = [program("nginx"), "-p", str(self.directory), "-e", "stderr"]
        return run([*arguments, "-c", "nginx.conf"], {"PATH": PATH}, self.directory)


@needed("caddy")
class CaddyTests(ProxyContract, ProxyCase):
    example = "Caddyfile.example"

    def proxy(self) -> Running:
        certificate = (
            "/etc/ssl/certs/gateway.example.com.pem /etc/ssl/private/gateway.example.com.key"
        )
        site = self.changed(
            (f"\n{NAME} {{", f"\nhttps://{NAME}:{self.port} {{"),
            (f"# tls {certificate}", f"tls {self.directory}/public.pem {self.directory}/both.pem"),
            ("127.0.0.1:18789", f"127.0.0.1:{self.place.port}"),
        )
        options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n}\n"
        path = self.directory / "Caddyfile"
        path.write_text(options + site)
        home = {"HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory), "PATH": PATH}
        arguments = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(path)]
        return run(arguments, home, self.directory)


class ExampleTests(SynchronousTestCase):
    def test_what_is_advised_is_served(self) -> None:
        for name in ("nginx.conf.example", "Caddyfile.example", "traefik.yml.example"):
            path = Path(self.mktemp())
            path.write_text(json.dumps(advised(name)))
            loaded = load(path)
            self.assertEqual((loaded.unknown_keys, loaded.not_served), ((), ()))
            self.assertEqual(loaded.config.gateway.trusted_proxies, ("127.0.0.1",))
            self.assertEqual(loaded.config.gateway.allowed_origins, (f"https://{NAME}",))

    def test_traefiks_file_is_whole_and_passes_on_what_has_to_be(self) -> None:
        require(lambda: packages.package("yaml"))
        script = "const y=require('yaml'),f=require('fs');"
        script += "console.log(JSON.stringify(y.parse(f.readFileSync(0,'utf8'))))"
        done = subprocess.run(
            [packages.node(), "-e", script],
            input=(CONF / "traefik.yml.example").read_bytes(),
            stdout=subprocess.PIPE,
            cwd=packages.modules().parent,
            check=True,
        )
        tree = json.loads(done.stdout)
        http = tree["http"]
        router = http["routers"]["openclaw"]
        self.assertEqual((router["rule"], router["tls"]), (f"Host(`{NAME}`)", {}))
        balancer = http["services"][router["service"]]["loadBalancer"]
        self.assertIs(balancer["passHostHeader"], True)
        self.assertEqual(balancer["servers"], [{"url": "http://127.0.0.1:18789"}])
        (middleware,) = router["middlewares"]
        removed = http["middlewares"][middleware]["headers"]["customRequestHeaders"]
        self.assertEqual(
            {removed.get(name) for name in ("Forwarded", "Tailscale-User-Login")}, {""}
        )
        self.assertEqual(tree["tls"]["options"]["default"]["minVersion"], "VersionTLS13")
