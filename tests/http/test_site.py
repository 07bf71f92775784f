"""What each route answers, to whom, and which requests are not served at all."""

from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from tests.http.exchanges import ELSEWHERE, HERE, TOKEN, Answer, Port

PROBES = ["/health", "/healthz", "/ready", "/readyz", "/startupz"]
PAGES = ["/", "/chat/", "/chat/index.html", "/control-ui-config.json", "/nowhere", "/v1/models"]
FOREIGN = [
    "https://evil.example",
    "http://evil.example:18789",
    "http://127.0.0.1:18790",
    "https://127.0.0.1",
    "http://localhost:18789",
    "http://127.0.0.1",
    "http://127.0.0.1.evil.example:18789",
    "http://127.0.0.1:18789.evil.example",
    "http://evil.example/127.0.0.1:18789",
    "http://user@127.0.0.1:18789",
    "http://[::1]:18789",
    "http://0.0.0.0:18789",
    "http://2130706433:18789",
    "http://127.1:18789",
    "chrome-extension://abcdefgh",
    "moz-extension://abcdefgh",
    "file://",
    "file:///etc/passwd",
    "null",
    "about:blank",
    "data:text/html,x",
    "ws://127.0.0.1:18789",
    "app://127.0.0.1:18789",
    "javascript:alert(1)",
    "http://",
    "//127.0.0.1:18789",
    "127.0.0.1:18789",
    "http://127.0.0.1:99999",
    "http://127.0.0.1:18789 http://evil.example",
    "*",
]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class PortCase(SynchronousTestCase):
    """A gateway that says it is ready, without its journal."""

    configuration: ClassVar[Any] = None

    def setUp(self) -> None:
        self.port = Port(self.mktemp(), self.configure())
        self.parts = self.port.parts
        self.ask = self.port.ask

    def configure(self) -> Any:
        return self.configuration

    def refused(self, answer: Answer, kind: str) -> None:
        self.assertEqual(answer.status, 403, answer)
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))
        self.assertEqual(answer.document["error"]["type"], kind)


class RouteTests(PortCase):
    """Paths and methods."""

    def test_unknown_path_is_json_404(self) -> None:
        for path in ("/nowhere", "/healthz/", "/HEALTH", "/health%00", "//x", "/api/x", "/%ff"):
            answer = self.ask(path)
            self.assertEqual(answer.status, 404, path)
            self.assertEqual(answer.document["error"]["type"], "not_found")

    def test_unknown_path_is_404_whatever_the_method(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            self.assertEqual(self.ask("/nowhere", method).status, 404, method)

    def test_other_methods_are_refused_in_text(self) -> None:
        for path in (*PROBES, "/", "/chat/"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"):
                answer = self.ask(path, method)
                self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD"))
                self.assertTrue(answer.headers["content-type"].startswith("text/plain"))

    def test_head_has_the_length_and_no_body(self) -> None:
        for path in (*PROBES, "/chat/", "/nowhere"):
            get, head = self.ask(path), self.ask(path, "HEAD")
            self.assertEqual(head.body, b"")
            self.assertEqual((head.status, head.headers), (get.status, get.headers))
            self.assertEqual(int(head.headers["content-length"]), len(get.body))

    def test_root_leads_to_the_chat(self) -> None:
        for path in ("/", "/chat"):
            answer = self.ask(path)
            self.assertEqual((answer.status, answer.headers["location"]), (302, "/chat/"))

    def test_query_is_no_part_of_the_path(self) -> None:
        self.assertEqual(self.ask("/healthz?x=/nowhere").status, 200)

    def test_every_answer_keeps_browsers_careful(self) -> None:
        for path in (*PROBES, *PAGES):
            headers = self.ask(path).headers
            self.assertEqual(headers["x-content-type-options"], "nosniff", path)
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertEqual(headers["referrer-policy"], "no-referrer")

    def test_one_connection_carries_many_requests(self) -> None:
        connection = self.port.connect()
        for path in ("/healthz", "/nowhere", "/chat/", "/healthz"):
            self.assertEqual(connection.ask(path).status, 404 if path == "/nowhere" else 200)

    def test_control_page_configuration_needs_a_page(self) -> None:
        self.assertEqual(self.ask("/control-ui-config.json", **BEARER).status, 404)


class ProbeTests(PortCase):
    """What is told, and to whom."""

    def test_live_says_exactly_this(self) -> None:
        answer = self.ask("/healthz")
        self.assertEqual(answer.document, {"ok": True, "status": "live"})

    def test_starting(self) -> None:
        for path in ("/startupz", "/readyz", "/ready", "/health"):
            self.assertEqual(self.ask(path).status, 503, path)
        self.assertEqual(self.ask("/healthz").status, 200)
        self.assertEqual(self.ask("/startupz").document, {"ok": False, "status": "starting"})
        self.assertIn("startup-sidecars", self.ask("/readyz").document["failing"])

    def test_started_tells_version_here_only(self) -> None:
        self.parts.door.ready = True
        near = self.ask("/startupz").document
        self.assertEqual(set(near), {"ok", "status", "version", "uptimeMs"})
        far = self.ask("/startupz", host=ELSEWHERE).document
        self.assertEqual(far, {"ok": True, "status": "started"})

    def test_journal_that_does_not_work_degrades(self) -> None:
        self.parts.door.ready = True
        answer = self.ask("/health")
        self.assertEqual((answer.status, answer.document["status"]), (503, "degraded"))
        self.assertIs(answer.document["ok"], False)
        self.assertEqual(self.ask("/readyz").document["failing"], ["store"])

    def test_stopping_is_not_ready(self) -> None:
        self.parts.door.ready = True
        self.parts.stopping = True
        answer = self.ask("/readyz")
        self.assertEqual(answer.status, 503)
        self.assertIn("stopping", answer.document["failing"])

    def counts(self, **how: str) -> bool:
        return "connections" in self.ask("/health", **how).document

    def test_health_counts_for_whom_it_may(self) -> None:
        self.assertTrue(self.counts())
        self.assertTrue(self.counts(host=ELSEWHERE, **BEARER))
        self.assertFalse(self.counts(host=ELSEWHERE))
        self.assertFalse(self.counts(Host="gateway.example"))
        self.assertFalse(self.counts(host=ELSEWHERE, Authorization="Bearer wrong"))
        self.assertFalse(self.counts(host=ELSEWHERE, Authorization=f"Basic {TOKEN}"))
        self.assertFalse(self.counts(host=ELSEWHERE, Authorization="Bearer "))
        # A page of ours is a browser all the same.
        self.assertFalse(self.counts(Origin="http://127.0.0.1:18789"))

    def test_token_in_the_address_is_nothing(self) -> None:
        self.assertFalse(
            "connections" in self.ask(f"/health?token={TOKEN}", host=ELSEWHERE).document
        )


class StrangerTests(PortCase):
    """Pages of other sites, names that are not ours, proxies nobody vouches for."""

    configuration: ClassVar[Any] = {
        "gateway": {
            "trustedProxies": ["10.0.0.0/8"],
            "controlUi": {"allowedOrigins": ["https://gw.example"]},
        }
    }

    def test_foreign_origins_are_refused_everywhere(self) -> None:
        for origin in FOREIGN:
            for path in (*PROBES, *PAGES):
                for method in ("GET", "POST"):
                    answer = self.ask(path, method, Origin=origin, **BEARER)
                    self.refused(answer, "origin_not_allowed")

    def test_own_origin_is_served(self) -> None:
        for host in ("127.0.0.1:18789", "localhost:18789", "[::1]:18789", "192.0.2.7:18789"):
            answer = self.ask("/chat/", Host=host, Origin=f"http://{host}")
            self.assertEqual(answer.status, 200, host)

    def test_allowed_origin_is_served(self) -> None:
        answer = self.ask("/chat/", Host="gw.example", Origin="https://gw.example")
        self.assertEqual(answer.status, 200)

    def test_rebound_name_sees_nothing(self) -> None:
        """A page whose own name points here sends that name, and no Origin."""
        for host in ("evil.example", "evil.example:18789", "127.0.0.1.evil.example", "localhost.x"):
            for path in PAGES:
                self.refused(self.ask(path, Host=host), "host_not_allowed")
            for path in PROBES:
                told = self.ask(path, Host=host).document
                self.assertLessEqual(set(told), {"ok", "status", "ready", "failing"})

    def test_missing_or_broken_host_sees_nothing(self) -> None:
        for host in ("", "evil.example@127.0.0.1", "127.0.0.1:18789:80", "[::1", "a b"):
            for path in PAGES:
                answer = self.ask(path, Host=host)
                self.assertIn(answer.status, (400, 403), (host, answer))

    def test_program_with_the_token_may_use_any_name(self) -> None:
        self.assertEqual(self.ask("/chat/", Host="openclaw", **BEARER).status, 200)
        self.refused(
            self.ask("/chat/", Host="openclaw", Authorization="Bearer wrong"), "host_not_allowed"
        )

    def test_unvouched_proxy_is_refused(self) -> None:
        for header in (
            {"X_Forwarded_For": "198.51.100.4"},
            {"Forwarded": "for=198.51.100.4"},
            {"X_Real_IP": "198.51.100.4"},
            {"CF_Connecting_IP": "198.51.100.4"},
            {"X_Forwarded_Host": "gw.example"},
            {"Tailscale_User_Login": "somebody"},
        ):
            for path in (*PROBES, *PAGES):
                for host in (HERE, ELSEWHERE):
                    answer = self.ask(path, host=host, **header)
                    self.refused(answer, "proxy_attribution_required")

    def test_vouched_proxy_is_served(self) -> None:
        answer = self.ask("/healthz", host="10.1.2.3", X_Forwarded_For="198.51.100.4")
        self.assertEqual(answer.status, 200)

    def test_proxy_on_this_machine_makes_nobody_local(self) -> None:
        port = Port(self.mktemp(), {"gateway": {"trustedProxies": ["127.0.0.1"]}})
        answer = port.ask("/health", X_Forwarded_For="198.51.100.4")
        self.assertNotIn("connections", answer.document)


class ControlTests(PortCase):
    """The original's built page, where one is configured."""

    INDEX = (
        b'<!doctype html><html><head><link href="./a.css"><script>one()</script>'
        b'<SCRIPT data-x="1">\r\ntwo()\r\n</SCRIPT>'
        b'<script type="module" src="./assets/a.js"></script></head></html>'
    )

    def configure(self) -> Any:
        root = Path(self.mktemp()).absolute()
        (root / "assets").mkdir(parents=True)
        (root / "index.html").write_bytes(self.INDEX)
        (root / "assets" / "a.js").write_text("a()")
        self.root = root
        return {"gateway": {"controlUi": {"root": str(root)}}}

    def test_index_is_served_for_every_page_of_the_application(self) -> None:
        for path in ("/", "/index.html", "/sessions", "/chat", "/a/deep/one", "/chat/main"):
            answer = self.ask(path)
            self.assertEqual(answer.status, 200, path)
            self.assertTrue(answer.headers["content-type"].startswith("text/html"))
            self.assertIn(b'href="/a.css"', answer.body)
            self.assertIn(b'src="/assets/a.js"', answer.body)
            self.assertNotIn(b'="./', answer.body)

    def test_its_scripts_may_run_and_no_others(self) -> None:
        policy = self.ask("/").headers["content-security-policy"]
        sources = next(one for one in policy.split("; ") if one.startswith("script-src"))
        # Made with openssl: printf 'one()' | openssl dgst -sha256 -binary | base64
        self.assertIn("'sha256-HR7iaask9daLMRRskMI++QeJtjWDOjyPA6lGzYGzKW4='", sources)
        self.assertIn("'sha256-CO+FkcwFIluZ98XczjkmxJwzME+ATnUpm+699SF3auo='", sources)
        self.assertEqual(sources.count("sha256-"), 2)
        self.assertNotIn("unsafe-inline", sources)
        self.assertNotIn("unsafe-eval'", sources.replace("'wasm-unsafe-eval'", ""))

    def test_files_carry_no_hashes(self) -> None:
        answer = self.ask("/assets/a.js")
        self.assertEqual((answer.status, answer.body), (200, b"a()"))
        self.assertEqual(answer.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertNotIn("sha256-", answer.headers["content-security-policy"])

    def test_missing_files_are_404_text(self) -> None:
        for path in ("/assets/b.js", "/assets/", "/api/users/1/avatar", "/__openclaw__/x"):
            answer = self.ask(path)
            self.assertEqual(answer.status, 404, path)
            self.assertTrue(answer.headers["content-type"].startswith("text/plain"), path)

    def test_our_chat_is_still_there(self) -> None:
        self.assertIn(b"<script", self.ask("/chat/").body)
        self.assertNotIn(b"one()", self.ask("/chat/").body)

    def test_probes_are_still_there(self) -> None:
        self.assertEqual(self.ask("/healthz").document["status"], "live")

    def test_configuration_is_for_those_with_the_token(self) -> None:
        self.assertEqual(self.ask("/control-ui-config.json").status, 401)
        self.assertEqual(
            self.ask("/control-ui-config.json", Authorization="Bearer wrong").status, 401
        )
        told = self.ask("/control-ui-config.json", **BEARER).document
        self.assertEqual(told["basePath"], "")
        self.assertIn("assistantName", told)

    def test_root_without_an_index_says_so(self) -> None:
        (self.root / "index.html").unlink()
        answer = self.ask("/")
        self.assertEqual(answer.status, 404)
        self.assertIn(b"gateway.controlUi.root", answer.body)


class ChatPageTests(PortCase):
    """Our own page."""

    def test_policy_allows_nothing_from_elsewhere(self) -> None:
        answer = self.ask("/chat/")
        policy = answer.headers["content-security-policy"].split("; ")
        self.assertIn("default-src 'none'", policy)
        self.assertIn("script-src 'self'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertIn("connect-src 'self' ws://127.0.0.1:18789 wss://127.0.0.1:18789", policy)
        self.assertNotIn("unsafe", answer.headers["content-security-policy"])

    def test_no_script_stands_in_the_page(self) -> None:
        body = self.ask("/chat/").body.lower()
        for piece in body.split(b"<script")[1:]:
            head, _, rest = piece.partition(b">")
            self.assertIn(b"src=", head)
            self.assertTrue(rest.startswith(b"</script>"), rest[:80])
        self.assertNotIn(b" onclick=", body)
        self.assertNotIn(b"http://", body)

    def test_strange_host_does_not_reach_the_policy(self) -> None:
        answer = self.ask("/chat/", Host="x;script-src *", **BEARER)
        self.assertNotIn("*", answer.headers.get("content-security-policy", ""))

    def test_missing_file_is_404(self) -> None:
        self.assertEqual(self.ask("/chat/nothing.js").status, 404)
        self.assertEqual(self.ask("/chat//index.html").status, 404)
