"""Option beats environment beats file beats default; what contradicts itself is refused."""

import json
from itertools import product
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.load import from_text
from openclaw.config.serving import check_serving
from openclaw.config.settings import Options, Settings, effective, find_places, read_settings
from openclaw.errors import ConfigError

HOME = Path("/home/someone")
CANARY = "canary-7f3a91"

# What each source says, and what it comes to.
HOSTS = (("--host", "10.0.0.1"), ("env", "10.0.0.2"), ("config", "10.0.0.3"))
PORTS = (("--port", 1001), ("env", 1002), ("config", 1003))
TOKENS = (("--token", "tok-option"), ("env", "tok-env"), ("config", "tok-config"))

# The gateway section, and the address it means.
ADDRESSES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({}, ("127.0.0.1",)),
    ({"bind": "loopback"}, ("127.0.0.1",)),
    ({"bind": "auto"}, ("127.0.0.1",)),
    ({"bind": "tailnet"}, ("127.0.0.1",)),
    ({"bind": "lan"}, ("0.0.0.0",)),
    ({"bind": "custom", "customBindHost": "192.168.1.100"}, ("192.168.1.100", "127.0.0.1")),
    ({"bind": "custom", "customBindHost": "0.0.0.0"}, ("0.0.0.0",)),
    ({"bind": "0.0.0.0"}, ("0.0.0.0",)),
    ({"host": "127.0.0.1"}, ("127.0.0.1",)),
    ({"host": "localhost"}, ("127.0.0.1",)),
    ({"host": "0.0.0.0"}, ("0.0.0.0",)),
    ({"host": "::"}, ("::",)),
    ({"host": "[::1]"}, ("::1",)),
    ({"host": "192.168.1.100"}, ("192.168.1.100", "127.0.0.1")),
    ({"host": "0.0.0.0", "bind": "lan"}, ("0.0.0.0",)),
    ({"host": "localhost", "bind": "loopback"}, ("127.0.0.1",)),
]
# The gateway section, and the path of the fault.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"host": "0.0.0.0", "bind": "loopback"}, "gateway.host"),
    ({"host": "127.0.0.1", "bind": "lan"}, "gateway.host"),
    ({"host": "gateway.example.com"}, "gateway.host"),
    ({"host": ""}, "gateway.host"),
    ({"bind": "wan"}, "gateway.bind"),
    ({"bind": "custom"}, "gateway.customBindHost"),
    ({"bind": "custom", "customBindHost": "x"}, "gateway.customBindHost"),
    ({"trustedProxies": ["10.0.0.1", "nginx"]}, "gateway.trustedProxies[1]"),
    ({"auth": {"token": "  "}}, "gateway.auth.token"),
    ({"auth": {"token": "${NOT_SET}"}}, "gateway.auth.token"),
    ({"auth": {"mode": "password"}}, "gateway.auth.password"),
    ({"auth": {"mode": "token", "type": "pairing"}}, "gateway.auth.type"),
    ({"auth": {"token": "a", "password": "b"}}, "gateway.auth.mode"),
    ({"auth": {"token": {"source": "exec", "id": "x"}}}, "gateway.auth.token"),
]


def settle(
    tree: dict[str, Any] | None = None,
    options: Options | None = None,
    environ: dict[str, str] | None = None,
) -> Settings:
    options, environ = options or Options(), environ or {}
    places = find_places(options, environ, HOME)
    loaded = from_text(json.dumps(tree or {}), places.config_path)
    return effective(options, environ, loaded, places, HOME)


class PrecedenceTests(SynchronousTestCase):
    def chosen(self, sources: tuple[tuple[str, Any], ...], default: Any) -> list[tuple[Any, Any]]:
        """Try every set of sources; pair what should win with what did."""
        attribute = sources[0][0].removeprefix("--")
        results = []
        for present in product((True, False), repeat=3):
            option, env, config = (
                value if there else None for (_, value), there in zip(sources, present, strict=True)
            )
            gateway = {"auth": {"token": config}} if attribute == "token" else {attribute: config}
            settings = settle(
                {"gateway": gateway} if config else {},
                Options(**{attribute: option}),  # type: ignore[arg-type]  # texts, each
                {f"OPENCLAW_GATEWAY_{attribute.upper()}": str(env)} if env else {},
            )
            results.append((option or env or config or default, settings))
        return results

    def test_port(self) -> None:
        for expected, settings in self.chosen(PORTS, 18789):
            self.assertEqual(settings.port, expected)

    def test_host(self) -> None:
        for expected, settings in self.chosen(HOSTS, "127.0.0.1"):
            self.assertEqual(settings.hosts[0], expected)

    def test_token(self) -> None:
        sources = {"tok-option": "option", "tok-env": "environment", "tok-config": "config"}
        for expected, settings in self.chosen(TOKENS, None):
            self.assertEqual(settings.token, expected)
            self.assertEqual(settings.token_source, sources.get(expected, "file"))

    def test_an_option_overrides_even_a_faulty_file_value(self) -> None:
        tree = {"gateway": {"host": "0.0.0.0", "bind": "loopback"}}
        self.assertEqual(settle(tree, Options(host="127.0.0.1")).hosts, ("127.0.0.1",))

    def test_a_blank_variable_counts_as_not_set(self) -> None:
        environ = {f"OPENCLAW_GATEWAY_{name}": " " for name in ("TOKEN", "PORT", "HOST")}
        settings = settle({"gateway": {"port": 5}}, environ=environ)
        self.assertEqual((settings.port, settings.token_source), (5, "file"))

    def test_other_variables_have_no_effect(self) -> None:
        environ = {"PORT": "1", "HOST": "0.0.0.0", "OPENCLAW_PORT": "1", "GATEWAY_TOKEN": "x"}
        self.assertEqual(settle(environ=environ), settle())


class PlaceTests(SynchronousTestCase):
    def test_state_directory_and_file(self) -> None:
        option = Options(state_dir="/o")
        environ = {"OPENCLAW_STATE_DIR": "~/e"}
        for options, env, expected in (
            (Options(), {}, HOME / ".openclaw"),
            (Options(), environ, HOME / "e"),
            (option, environ, Path("/o")),
        ):
            places = find_places(options, env, HOME)
            self.assertEqual(places.state_dir, expected)
            self.assertEqual(places.config_path, expected / "openclaw.json")
            self.assertEqual(places.token_path, expected / "gateway/gateway-token")

    def test_configuration_path(self) -> None:
        environ = {"OPENCLAW_CONFIG_PATH": "~/e.json"}
        self.assertEqual(find_places(Options(), environ, HOME).config_path, HOME / "e.json")
        self.assertEqual(
            find_places(Options(config="/o.json"), environ, HOME).config_path, Path("/o.json")
        )

    def test_a_file_named_by_option_must_exist(self) -> None:
        missing = self.mktemp()
        self.assertRaises(ConfigError, read_settings, Options(config=missing), {}, HOME)
        settings = read_settings(Options(), {"OPENCLAW_CONFIG_PATH": missing}, HOME)
        self.assertFalse(settings.loaded.exists)
        self.assertIn("defaults are used", settings.warnings[0])

    def test_a_misspelt_key_is_told_the_one_that_was_meant(self) -> None:
        model = {"id": "m", "contextwindow": 1}
        tree = {
            "gateway": {"prot": 1, "auth": {"tokn": "x"}},
            "models": {"providers": {"x": {"baseurl": "http://h/v1", "models": [model]}}},
        }
        (told,) = (one for one in settle(tree).warnings if one.startswith("unknown"))
        for words in (
            "gateway.prot (is port meant?)",
            "gateway.auth.tokn (is token meant?)",
            "models.providers.x.baseurl (is baseUrl meant?)",
            "models.providers.x.models[0].contextwindow (is contextWindow meant?)",
        ):
            self.assertIn(words, told)

    def test_a_first_start_without_a_file_is_told_and_nothing_is_wrong(self) -> None:
        settings = read_settings(Options(state_dir=self.mktemp()), {}, HOME)
        self.assertEqual(settings.warnings, ())
        (note,) = settings.notes
        self.assertIn("defaults are used", note)

    def test_keys_that_do_nothing_are_named_once_at_start(self) -> None:
        tree = {
            "gatewy": {"port": 1},
            "hooks": {"enabled": True, "token": "t0ken"},
            "zz": {f"k{number}": 1 for number in range(3)},
        }
        warnings = settle(tree).warnings
        self.assertIn("unknown, so ignored: gatewy (is gateway meant?), zz", warnings)
        self.assertIn("not served yet, so ignored: hooks", warnings)
        self.assertNotIn("t0ken", "".join(warnings))
        many = settle({f"k{number}": 1 for number in range(25)}).warnings[0]
        self.assertTrue(many.endswith("k9 and 15 more"), many)

    def test_log_and_workspace(self) -> None:
        settings = settle()
        self.assertEqual(settings.log_file, HOME / ".openclaw/gateway/logs/gateway.log")
        self.assertEqual(settings.workspace, HOME / ".openclaw/workspace")
        tree = {"logging": {"file": "~/x.log"}, "agents": {"defaults": {"workspace": "/w"}}}
        settings = settle(tree)
        self.assertEqual((settings.log_file, settings.workspace), (HOME / "x.log", Path("/w")))


class ValueTests(SynchronousTestCase):
    def test_addresses(self) -> None:
        for gateway, hosts in ADDRESSES:
            self.assertEqual(settle({"gateway": gateway}).hosts, hosts, gateway)

    def test_faults_are_named(self) -> None:
        for gateway, path in REFUSED:
            error = self.assertRaises(ConfigError, settle, {"gateway": gateway})
            self.assertEqual((error.path, error.exit_status), (path, 78), gateway)

    def test_wrong_options_and_variables_are_named(self) -> None:
        for options, environ, where in (
            (Options(port="x"), {}, "--port"),
            (Options(port=70000), {}, "--port"),
            (Options(port="-1"), {}, "--port"),
            (Options(port="²"), {}, "--port"),
            (Options(host="nowhere"), {}, "--host"),
            (Options(token=" "), {}, "--token"),
            (Options(state_dir=""), {}, "--state-dir"),
            (Options(), {"OPENCLAW_GATEWAY_PORT": "x"}, "OPENCLAW_GATEWAY_PORT"),
            (Options(), {"OPENCLAW_GATEWAY_HOST": "x"}, "OPENCLAW_GATEWAY_HOST"),
        ):
            error = self.assertRaises(ConfigError, settle, {}, options, environ)
            self.assertEqual(error.path, where)

    def test_the_way_to_authenticate(self) -> None:
        for auth, environ, mode in (
            ({}, {}, "token"),
            ({"type": "pairing"}, {}, "pairing"),
            ({"mode": "none"}, {}, "none"),
            ({"mode": "pairing", "type": "pairing"}, {}, "pairing"),
            ({"password": "p"}, {}, "password"),
            ({}, {"OPENCLAW_GATEWAY_PASSWORD": "p"}, "password"),
            ({"mode": "token", "token": "t", "password": "p"}, {}, "token"),
            ({"password": "p"}, {"OPENCLAW_GATEWAY_TOKEN": "t"}, "token"),
        ):
            settings = settle({"gateway": {"auth": auth}}, environ=environ)
            self.assertEqual(settings.auth_mode, mode, auth)

    def test_without_authentication_no_token_is_made(self) -> None:
        settings = settle({"gateway": {"auth": {"mode": "none"}}})
        self.assertEqual((settings.token, settings.token_source), (None, "none"))

    def test_proxies_and_origins(self) -> None:
        settings = settle(
            {
                "gateway": {
                    "trustedProxies": ["10.0.0.1", "fd00::/8", "192.168.1.7/24"],
                    "allowedOrigins": ["https://a.example"],
                    "controlUi": {"allowedOrigins": ["https://b.example"]},
                }
            }
        )
        self.assertEqual(settings.trusted_proxies, ("10.0.0.1/32", "fd00::/8", "192.168.1.0/24"))
        self.assertEqual(settings.allowed_origins, ("https://a.example", "https://b.example"))


class SecretTests(SynchronousTestCase):
    def token(self, written: Any, environ: dict[str, str], **tree: Any) -> str | None:
        return settle({"gateway": {"auth": {"token": written}}, **tree}, environ=environ).token

    def test_references_read_the_environment(self) -> None:
        environ = {"MINE": "secret", "OTHER": "2"}
        for written, value in (
            ("${MINE}", "secret"),
            ("a-${MINE}-${OTHER}", "a-secret-2"),
            ("$${MINE}", "${MINE}"),
            ("${mine}", "${mine}"),
            ({"source": "env", "provider": "default", "id": "MINE"}, "secret"),
        ):
            self.assertEqual(self.token(written, environ), value)

    def test_variables_of_the_file_are_the_fallback(self) -> None:
        env = {"vars": {"MINE": "file", "OTHER": "file"}}
        self.assertEqual(self.token("${MINE}-${OTHER}", {"MINE": "real"}, env=env), "real-file")

    def test_a_missing_variable_is_named(self) -> None:
        error = self.assertRaises(ConfigError, self.token, "${MINE}", {"MINE": ""})
        self.assertIn("environment variable MINE is not set", str(error))

    def test_no_repr_shows_a_secret(self) -> None:
        auth = {"mode": "token", "token": CANARY, "password": CANARY}
        provider = {"baseUrl": "http://h/v1", "apiKey": CANARY, "headers": {"X": CANARY}}
        tree = {
            "gateway": {"auth": auth, "remote": {"token": CANARY, "password": CANARY}},
            "models": {"providers": {"x": provider}},
        }
        options = Options(token=CANARY)
        environ = {"OPENAI_API_KEY": CANARY, "OPENCLAW_GATEWAY_PASSWORD": CANARY}
        settings = settle(tree, options, environ)
        self.assertEqual(settings.providers["x"].api_key, CANARY)
        self.assertNotIn(CANARY, repr(settings) + repr(options))


class ServingTests(SynchronousTestCase):
    def refused(self, gateway: dict[str, Any], options: Options | None = None) -> str:
        settings = settle({"gateway": gateway}, options)
        error: ConfigError = self.assertRaises(ConfigError, check_serving, settings)
        return error.path

    def test_an_open_address_needs_authentication(self) -> None:
        open_auth = {"auth": {"mode": "none"}}
        for gateway in ({"host": "0.0.0.0"}, {"bind": "lan"}, {"host": "::"}, {"host": "10.0.0.1"}):
            self.assertEqual(self.refused({**gateway, **open_auth}), "gateway.auth.mode")
            check_serving(settle({"gateway": {**gateway, "allowPlaintext": True}}))
        self.assertEqual(self.refused(open_auth, Options(host="0.0.0.0")), "gateway.auth.mode")
        check_serving(settle({"gateway": open_auth}))
        check_serving(settle({"gateway": {"host": "::1", **open_auth}}))

    def test_an_open_address_needs_tls_a_declared_proxy_or_the_owners_word(self) -> None:
        for gateway in ({"host": "0.0.0.0"}, {"bind": "lan"}, {"host": "::"}, {"host": "10.0.0.1"}):
            self.assertEqual(self.refused(gateway), "gateway.tls.enabled")
            for protection in (
                {"tls": {"enabled": True}},
                {"trustedProxies": ["10.0.0.2"]},
                {"allowPlaintext": True},
            ):
                check_serving(settle({"gateway": {**gateway, **protection}}))
            check_serving(settle({"gateway": gateway}, Options(allow_plaintext=True)))
        self.assertEqual(self.refused({}, Options(host="192.168.1.5")), "gateway.tls.enabled")
        check_serving(settle({"gateway": {"host": "::1"}}))

    def test_what_would_be_unsafe_half_served_is_refused(self) -> None:
        self.assertEqual(self.refused({"mode": "remote"}), "gateway.mode")


class WorkspaceTests(SynchronousTestCase):
    def test_each_agent_has_a_folder_of_its_own(self) -> None:
        settings = settle(
            {
                "agents": {
                    "defaults": {"workspace": "~/files"},
                    "list": [
                        {"id": "a"},
                        {"id": "b", "default": True},
                        {"id": "c", "workspace": "/c"},
                    ],
                    "entries": {"d": {"workspace": "~/d"}},
                }
            }
        )
        self.assertEqual(
            settings.workspaces,
            {"a": HOME / "files-a", "b": HOME / "files", "c": Path("/c"), "d": HOME / "d"},
        )
        self.assertEqual(list(settle({}).workspaces), ["main"])
