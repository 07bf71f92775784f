"""Model providers of file and environment."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.settings import Settings
from openclaw.errors import ConfigError
from tests.config.test_settings import settle


def with_providers(
    providers: dict[str, Any], environ: dict[str, str] | None = None, primary: str = "x/m"
) -> Settings:
    tree = {
        "models": {"providers": providers},
        "agents": {"defaults": {"model": {"primary": primary}}},
    }
    return settle(tree, environ=environ)


class ProviderTests(SynchronousTestCase):
    def test_a_provider_of_the_file(self) -> None:
        entry = {
            "baseUrl": "http://127.0.0.1:1/v1/",
            "apiKey": "${KEY}",
            "headers": {"X-Team": "${KEY}!"},
            "models": [{"id": "m", "name": "M"}],
        }
        provider = with_providers({"x": entry}, {"KEY": "secret"}).providers["x"]
        self.assertEqual(provider.base_url, "http://127.0.0.1:1/v1")
        self.assertEqual((provider.api, provider.api_key), ("openai-completions", "secret"))
        self.assertEqual(provider.headers, {"X-Team": "secret!"})
        self.assertEqual(provider.models[0].name, "M")

    def test_keys_of_the_environment_make_providers(self) -> None:
        environ = {"OPENAI_API_KEY": "o", "ANTHROPIC_API_KEY": "a"}
        found = settle(environ=environ).providers
        keys = {key: each.api_key for key, each in found.items()}
        self.assertEqual(keys, {"openai": "o", "anthropic": "a"})
        self.assertEqual(found["openai"].base_url, None)
        self.assertEqual(settle().providers, {})

    def test_a_local_server_needs_no_key(self) -> None:
        found = settle(environ={"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1/"}).providers
        self.assertEqual(found["openai"].base_url, "http://127.0.0.1:11434/v1")
        self.assertEqual(found["openai"].api_key, None)

    def test_the_file_beats_the_environment_and_borrows_its_key(self) -> None:
        environ = {"OPENAI_API_KEY": "o", "OPENAI_BASE_URL": "http://env/v1"}
        found = with_providers({"openai": {"baseUrl": "http://file/v1"}}, environ).providers
        self.assertEqual(found["openai"].base_url, "http://file/v1")
        self.assertEqual(found["openai"].api_key, "o")

    def test_a_missing_key_is_fatal_only_for_the_default_model(self) -> None:
        providers = {"x": {}, "y": {"apiKey": "${MISSING}"}}
        settings = with_providers(providers)
        self.assertEqual(sorted(settings.providers), ["x"])
        self.assertIn("models.providers.y.apiKey", settings.warnings[0])
        error = self.assertRaises(ConfigError, with_providers, providers, {}, "y/m")
        self.assertEqual(error.path, "models.providers.y.apiKey")

    def test_a_missing_key_is_fatal_for_the_model_of_an_agent(self) -> None:
        tree: dict[str, Any] = {
            "models": {"providers": {"x": {"apiKey": "${MISSING}"}}},
            "agents": {
                "defaults": {"models": {"x/m": {"alias": "Here"}}},
                "list": [{"id": "main"}, {"id": "poet", "model": "x/m"}],
            },
        }
        for model in ("x/m", "here", {"primary": "HERE"}):
            tree["agents"]["list"][1]["model"] = model
            error = self.assertRaises(ConfigError, settle, tree)
            self.assertEqual(error.path, "models.providers.x.apiKey")
            self.assertIn("MISSING", str(error))
        tree["agents"]["list"][1]["model"] = {"fallbacks": ["x/m"]}
        self.assertIn("the provider is left out", settle(tree).warnings[0])

    def test_a_wrong_address_is_named_and_not_shown(self) -> None:
        for url in ("127.0.0.1:1", "ftp://host", "http://", "", "file:///x", "ws://user:pw@h"):
            error = self.assertRaises(ConfigError, with_providers, {"x": {"baseUrl": url}})
            self.assertEqual(error.path, "models.providers.x.baseUrl")
            self.assertNotIn("pw", str(error))

    def test_a_model_without_a_provider_is_remarked(self) -> None:
        settings = with_providers({}, primary="nobody/m")
        self.assertIn('"nobody/m"', settings.warnings[-1])
