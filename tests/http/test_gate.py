"""HTTP asks for the same scopes as the WebSocket does, from whoever vouches for the caller."""

import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.http.gate import PAGE_ROUTES, ROUTES
from openclaw.protocol.scopes import SCOPES, expand
from tests.http.exchanges import ELSEWHERE, HERE, TOKEN, Answer, Connection, Port
from tests.security.identities.provider import CLIENT, ISSUER, key_set, token

GUARDED = {path: scope for path, scope in ROUTES.items() if scope is not None}
READ_ONLY = {*PAGE_ROUTES, "/openapi.json", "/v1/models", "/v1/models/{model}"}
CONFIG = "/control-ui-config.json"
PROXY = "10.0.0.2"


def fresh(**changes: Any) -> str:
    """An ID token of now: a whole gateway has the real clock."""
    now = int(time.time())
    return token(**{"iat": now - 10, "exp": now + 600, **changes})


class GateCase(SynchronousTestCase):
    def make(self, **sections: Any) -> None:
        """A gateway with a Control UI, so that its configuration is served."""
        root = Path(self.mktemp())
        root.mkdir()
        (root / "index.html").write_text("<title>x</title>")
        gateway = {"controlUi": {"root": str(root.absolute())}, **sections.pop("gateway", {})}
        self.port = Port(self.mktemp(), {"gateway": gateway, **sections})

    def provider(self, **authentication: Any) -> None:
        """A gateway that knows one user for each scope."""
        oidc = {
            "issuer": ISSUER,
            "audience": CLIENT,
            "jwks": key_set(),
            "scopes": {scope: [scope] for scope in sorted(SCOPES)},
        }
        self.make(access={"authentication": {"oidc": oidc, **authentication}})

    def bearer(self, text: str, path: str = CONFIG, host: str = ELSEWHERE) -> Answer:
        """Ask with a bearer."""
        return self.ask_at(path, host=host, Authorization=f"Bearer {text}")

    def ask_at(self, path: str, host: str = HERE, **headers: str) -> Answer:
        """Ask for a route of the table, the way it is to be asked."""
        method = "GET" if path in READ_ONLY else "POST"
        return self.port.ask(path.format(model="openclaw"), method, host=host, **headers)

    def good(self, path: str) -> int:
        """The status for who may ask: where a body is wanted, having none is a mistake."""
        return 200 if path in READ_ONLY else 400


class ScopeTests(GateCase):
    def test_every_route_asks_for_its_scope(self) -> None:
        """Generated from the table: route by scope."""
        self.provider()
        self.assertTrue(GUARDED)
        for path, needed in GUARDED.items():
            for scope in sorted(SCOPES):
                answer = self.bearer(fresh(sub=scope), path)
                good = needed in expand([scope])
                self.assertEqual(answer.status, self.good(path) if good else 403, (path, scope))
                if not good:
                    self.assertEqual(answer.document["error"]["type"], "missing_scope")
                    self.assertIn(needed, answer.document["error"]["message"])

    def test_nobody_is_401(self) -> None:
        self.provider()
        for path in GUARDED:
            self.assertEqual(self.ask_at(path).status, 401)
            for text in ("wrong", fresh(exp=1), fresh(sub="mallory"), fresh()[:-4] + "AAAA"):
                self.assertEqual(self.bearer(text, path).status, 401)

    def test_the_shared_token_has_them_all(self) -> None:
        self.provider()
        for path in GUARDED:
            self.assertEqual(self.bearer(TOKEN, path).status, self.good(path))

    def test_what_is_open_stays_open(self) -> None:
        self.provider()
        for path in ROUTES.keys() - GUARDED.keys():
            self.assertNotIn(self.port.ask(path, host=ELSEWHERE).status, (401, 403), path)


class FactorTests(GateCase):
    def test_where_a_scope_needs_a_second_factor_http_is_no_way_around(self) -> None:
        """There is no connection to show one on; a device that has shown one is let through."""
        self.provider(mfa={"requiredFor": ["read"]})
        for text in (TOKEN, fresh(sub="operator.admin")):
            answer = self.bearer(text)
            self.assertEqual(answer.status, 403)
            self.assertEqual(answer.document["error"]["type"], "mfa_required")
            self.assertTrue(answer.document["error"]["next"])

    def test_other_scopes_are_not_concerned(self) -> None:
        self.provider(mfa={"requiredFor": ["admin", "write"]})
        self.assertEqual(self.bearer(TOKEN).status, 200)


class ProxyTests(GateCase):
    def setUp(self) -> None:
        users = {"userHeader": "X-User", "allowUsers": ["alice"]}
        auth = {"mode": "trusted-proxy", "trustedProxy": users}
        self.make(gateway={"auth": auth, "trustedProxies": [PROXY]})

    def ask(self, host: str = PROXY, **headers: str) -> int:
        """Ask as the proxy does; the status."""
        through = {"X_Forwarded_For": "203.0.113.7", "X_User": "alice"}
        return self.port.ask(CONFIG, host=host, **{**through, **headers}).status

    def test_the_proxys_users_come_in(self) -> None:
        self.assertEqual(self.ask(), 200)
        self.assertEqual(self.ask(X_User="mallory"), 401)
        self.assertEqual(self.ask(X_User=""), 401)

    def test_nobody_else_says_who_he_is(self) -> None:
        for host in (HERE, ELSEWHERE, "10.0.0.3"):
            self.assertEqual(self.ask(host), 403, host)
            self.assertEqual(self.ask(host, X_Forwarded_For=""), 401, host)

    def test_a_page_under_a_foreign_name_has_no_use_of_it(self) -> None:
        """A browser is signed in with every request; the name it used has to be ours."""
        self.assertEqual(self.ask(Host="evil.example"), 403)
        self.assertEqual(self.ask(Origin="https://evil.example"), 403)

    def test_the_shared_token_counts_here_only(self) -> None:
        self.assertEqual(self.bearer(TOKEN, host=ELSEWHERE).status, 401)
        self.assertEqual(self.bearer(TOKEN, host=HERE).status, 200)


class TailscaleTests(GateCase):
    def setUp(self) -> None:
        auth = {"identityScopes": {"alice@b.example": ["read"]}}
        tailscale = {"mode": "serve", "port": 0}
        origins = {"allowedOrigins": ["https://host.tail1.ts.net"]}
        self.make(gateway={"auth": auth, "tailscale": tailscale, **origins})

    def ask(self, factory: Any, **headers: str) -> int:
        """Ask on one of the two ports; the status."""
        connection = Connection(factory)
        answer = connection.ask(CONFIG, **{"Host": "host.tail1.ts.net", **headers})
        connection.lose()
        return answer.status

    def test_its_users_come_in_by_its_port_only(self) -> None:
        alice = {"Tailscale_User_Login": "alice@b.example", "X_Forwarded_For": "100.64.0.7"}
        parts = self.port.parts
        self.assertEqual(self.ask(parts.tailscale_factory, **alice), 200)
        self.assertEqual(self.ask(parts.factory, **alice), 403)
        self.assertEqual(self.ask(parts.factory, Tailscale_User_Login="alice@b.example"), 403)

    def test_who_is_not_named_or_from_the_internet_does_not(self) -> None:
        factory = self.port.parts.tailscale_factory
        self.assertEqual(self.ask(factory), 401)
        self.assertEqual(self.ask(factory, Tailscale_User_Login="mallory@b.example"), 401)
        funnel = {"Tailscale_User_Login": "alice@b.example", "Tailscale_Funnel_Request": "?1"}
        self.assertEqual(self.ask(factory, **funnel), 401)

    def test_a_name_made_to_point_here_is_refused(self) -> None:
        """Such a page could set the header itself."""
        factory = self.port.parts.tailscale_factory
        forged = {"Host": "evil.example", "Tailscale_User_Login": "alice@b.example"}
        self.assertEqual(self.ask(factory, **forged), 403)
