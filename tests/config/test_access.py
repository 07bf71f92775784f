"""What may be configured about credentials, and what is refused by its name."""

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import openclaw
from openclaw.config.access import AccessSettings, CertificateRule, scopes_of
from openclaw.config.load import from_text
from openclaw.config.serving import check_serving
from openclaw.config.settings import Options, Settings, effective, find_places
from openclaw.errors import ConfigError
from openclaw.protocol.scopes import ADMIN, READ, SCOPES, WRITE

HOME = Path("/home/someone")
OIDC = {"issuer": "https://i", "audience": "a", "jwks": "keys.json", "scopes": {"x": ["read"]}}
PRINT = "ab" * 32
PROXY = {"userHeader": "X-User"}


def settle(tree: dict[str, Any]) -> Settings:
    """The settings of one file."""
    places = find_places(Options(), {}, HOME)
    loaded = from_text(json.dumps(tree), places.config_path)
    return effective(Options(), {}, loaded, places, HOME)


def access(tree: dict[str, Any]) -> AccessSettings:
    """What they say about credentials."""
    return settle(tree).access


def by(authentication: dict[str, Any]) -> dict[str, Any]:
    """A file with one section."""
    return {"access": {"authentication": authentication}}


def proxied(**more: Any) -> dict[str, Any]:
    """A file for users of a proxy."""
    auth = {"mode": "trusted-proxy", "trustedProxy": {**PROXY, **more}}
    return {"gateway": {"auth": auth, "trustedProxies": ["10.0.0.2"]}}


# A file, and the path of its fault.
REFUSED: list[tuple[dict[str, Any], str]] = [
    (by({"oidc": {**OIDC, "issuer": " "}}), "access.authentication.oidc.issuer"),
    (by({"oidc": {**OIDC, "audience": []}}), "access.authentication.oidc.audience"),
    (by({"oidc": {**OIDC, "audience": ["a", ""]}}), "access.authentication.oidc.audience"),
    (by({"oidc": {**OIDC, "claim": ""}}), "access.authentication.oidc.claim"),
    (by({"oidc": {**OIDC, "scopes": {}}}), "access.authentication.oidc.scopes"),
    (
        by({"oidc": {**OIDC, "scopes": {"x": ["read", "root"]}}}),
        'access.authentication.oidc.scopes["x"][1]',
    ),
    (by({"oidc": {**OIDC, "jwks": "https://i/keys"}}), "access.authentication.oidc.jwks"),
    (by({"oidc": {**OIDC, "jwks": {"kty": "RSA"}}}), "access.authentication.oidc.jwks"),
    (by({"oidc": {**OIDC, "jwks": ""}}), "access.authentication.oidc.jwks"),
    (by({"oidc": {**OIDC, "algorithms": ["none"]}}), "access.authentication.oidc.algorithms[0]"),
    (by({"oidc": {**OIDC, "algorithms": ["HS256"]}}), "access.authentication.oidc.algorithms[0]"),
    (by({"oidc": {"issuer": "i"}}), "access.authentication.oidc.audience"),
    (by({"methods": ["face"]}), "access.authentication.methods[0]"),
    (by({"mfa": {"requiredFor": "admin"}}), "access.authentication.mfa.requiredFor"),
    (
        by({"certificates": {"ab": {"scopes": ["read"]}}}),
        'access.authentication.certificates["ab"]',
    ),
    (
        by({"certificates": {"cn: ": {"scopes": ["read"]}}}),
        'access.authentication.certificates["cn: "]',
    ),
    (
        by({"certificates": {"dn:alice": {"scopes": ["read"]}}}),
        'access.authentication.certificates["dn:alice"]',
    ),
    (
        by({"certificates": {"dn:": {"scopes": ["read"]}}}),
        'access.authentication.certificates["dn:"]',
    ),
    (
        by({"certificates": {PRINT: {"device": "d"}, PRINT.upper(): {"scopes": ["admin"]}}}),
        f'access.authentication.certificates["{PRINT.upper()}"]',
    ),
    (
        by({"certificates": {PRINT: {}}}),
        f'access.authentication.certificates["{PRINT}"]',
    ),
    (
        by({"certificates": {PRINT: {"device": "d", "scopes": ["read"]}}}),
        f'access.authentication.certificates["{PRINT}"]',
    ),
    (
        by({"certificates": {PRINT: {"scopes": ["root"]}}}),
        f'access.authentication.certificates["{PRINT}"].scopes[0]',
    ),
    ({"gateway": {"auth": {"mode": "trusted-proxy"}}}, "gateway.auth.trustedProxy"),
    (
        {"gateway": {"auth": {"mode": "trusted-proxy", "trustedProxy": PROXY}}},
        "gateway.trustedProxies",
    ),
    (proxied(userHeader=""), "gateway.auth.trustedProxy.userHeader"),
    (proxied(userHeader="x user"), "gateway.auth.trustedProxy.userHeader"),
    (proxied(requiredHeaders=["x-a", "x:b"]), "gateway.auth.trustedProxy.requiredHeaders[1]"),
    (
        {"gateway": {"auth": {"identityScopes": {"a@b": ["root"]}}}},
        'gateway.auth.identityScopes["a@b"][0]',
    ),
    (
        {**by({"required": False}), "gateway": {"auth": {"mode": "token"}}},
        "access.authentication.required",
    ),
    (
        {**by({"required": True}), "gateway": {"auth": {"mode": "none"}}},
        "access.authentication.required",
    ),
    ({"gateway": {"tailscale": {"mode": "on"}}}, "gateway.tailscale.mode"),
    ({"gateway": {"tailscale": {"port": 70000}}}, "gateway.tailscale.port"),
]


class FaultTests(SynchronousTestCase):
    def test_faults_are_named(self) -> None:
        for tree, path in REFUSED:
            error: ConfigError = self.assertRaises(ConfigError, settle, tree)
            self.assertEqual(error.path, path, tree)

    def test_every_scope_is_known_in_both_spellings(self) -> None:
        for scope in SCOPES:
            short = scope.removeprefix("operator.")
            self.assertEqual(scopes_of((scope, short), "x"), (scope,))


class PageTests(SynchronousTestCase):
    def test_every_example_of_the_page_is_understood(self) -> None:
        page = (Path(openclaw.__file__).parents[1] / "docs" / "access.rst").read_text("utf-8")
        examples = re.findall(r".. code-block:: json\n\n((?:   .*\n|\n)+)", page)
        self.assertEqual(len(examples), 4)
        for example in examples:
            settings = settle(json.loads(example))
            self.assertEqual((settings.loaded.unknown_keys, settings.loaded.not_served), ((), ()))
            self.assertNotEqual(settings.access, AccessSettings())


class ValueTests(SynchronousTestCase):
    def test_nothing_configured_changes_nothing(self) -> None:
        self.assertEqual(access({}), AccessSettings())

    def test_the_seeds_example_is_served(self) -> None:
        """Its kinds are accepted ones; what is named and not set up is told at the start."""
        settings = settle(
            by(
                {
                    "required": True,
                    "methods": ["token", "oauth", "certificate"],
                    "mfa": {"enabled": True, "requiredFor": ["admin", "write"]},
                }
            )
        )
        self.assertEqual(settings.access.kinds, {"token", "oidc", "certificate"})
        self.assertEqual(settings.access.mfa_required_for, ("admin", "write"))
        self.assertEqual(settings.auth_mode, "token")
        told = [one for one in settings.warnings if "access.authentication" in one]
        self.assertEqual(len(told), 2, told)
        self.assertEqual(settings.loaded.not_served, ())

    def test_a_provider(self) -> None:
        oidc = access(by({"oidc": OIDC})).oidc
        assert oidc is not None
        self.assertEqual((oidc.audience, oidc.jwks), (("a",), Path("keys.json")))
        self.assertEqual((oidc.claim, oidc.scopes), ("sub", {"x": (READ,)}))
        own = access(by({"oidc": {**OIDC, "jwks": "~/keys.json", "audience": ["a", "b"]}})).oidc
        assert own is not None
        self.assertEqual((own.audience, own.jwks), (("a", "b"), HOME / "keys.json"))

    def test_certificates_in_any_spelling(self) -> None:
        spelled = ":".join(["AB"] * 32)
        for text in (PRINT, PRINT.upper(), spelled, f"sha256:{PRINT}"):
            rules = access(by({"certificates": {text: {"scopes": ["read", "write"]}}})).certificates
            self.assertEqual(rules, {spelled: CertificateRule(None, (READ, WRITE))})
        rules = access(by({"certificates": {PRINT: {"device": "d1"}}})).certificates
        self.assertEqual(rules, {spelled: CertificateRule("d1", ())})

    def test_certificates_by_subject(self) -> None:
        """Names of attributes, blanks after commas and escapes are spelled one way."""
        for text, name in (
            ("cn:alice", "cn:alice"),
            ("CN: Alice B. ", "cn:Alice B."),
            ("dn:CN=alice,O=Example", "dn:CN=alice,O=Example"),
            ("DN:CN=a\\2Cb,O=x", "dn:CN=a\\,b,O=x"),
            ("dn:CN=a,emailAddress=a@b.example", "dn:CN=a,1.2.840.113549.1.9.1=a@b.example"),
        ):
            rules = access(by({"certificates": {text: {"device": "d1"}}})).certificates
            self.assertEqual(rules, {name: CertificateRule("d1", ())})

    def test_users_of_a_proxy(self) -> None:
        """The shared token does not count from there, unless somebody says so."""
        found = access(proxied(allowUsers=["alice"], requiredHeaders=["X-Forwarded-Proto"]))
        assert found.proxy_users is not None and found.kinds is not None
        self.assertEqual(found.proxy_users.header, "x-user")
        self.assertEqual(found.proxy_users.required, ("x-forwarded-proto",))
        self.assertEqual(found.proxy_users.allowed, {"alice"})
        self.assertFalse({"token", "password"} & found.kinds)
        both = {**proxied(), **by({"methods": ["token", "trusted-proxy"]})}
        self.assertEqual(access(both).kinds, {"token", "trusted-proxy"})

    def test_its_settings_mean_nothing_in_another_mode(self) -> None:
        tree = {"gateway": {"auth": {"trustedProxy": PROXY}, "trustedProxies": ["10.0.0.2"]}}
        self.assertIsNone(access(tree).proxy_users)

    def test_tailscale(self) -> None:
        self.assertIsNone(access({"gateway": {"tailscale": {"port": 5}}}).tailscale_port)
        serve = {"tailscale": {"mode": "serve", "port": 5}}
        scopes = {"identityScopes": {"a@b": ["admin"]}}
        found = access({"gateway": {**serve, "auth": scopes}})
        self.assertEqual(found.tailscale_port, 5)
        self.assertEqual(found.identity_scopes, {"a@b": (ADMIN,)})

    def test_nothing_required_is_no_authentication_and_stays_on_loopback(self) -> None:
        self.assertEqual(settle(by({"required": False})).auth_mode, "none")
        self.assertEqual(settle(by({"required": True})).auth_mode, "token")
        open_door = {**by({"required": False}), "gateway": {"host": "0.0.0.0"}}
        error: ConfigError = self.assertRaises(ConfigError, check_serving, settle(open_door))
        self.assertEqual(error.path, "gateway.auth.mode")
