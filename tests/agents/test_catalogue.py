"""Tests of the catalogue: which models, which default, which runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openclaw.agents.catalogue import Catalogue, Wrap, make_catalogue
from openclaw.agents.choices import Choice, Choices, choices_of
from openclaw.agents.runtimes.failover import Chain
from openclaw.agents.runtimes.provider import ProviderSettings
from openclaw.config.load import from_text
from openclaw.config.providers import PROCESS, ModelProvider, providers
from openclaw.errors import ConfigError, InvalidRequest, ModelError
from openclaw.interfaces.agents import (
    IAgentRuntime,
    IRunSink,
    ModelInfo,
    RunOutcome,
    RunRequest,
    Turn,
)

EMBEDDED = ModelInfo(provider="embedded", id="assistant", name="Embedded")
MOCK = """{
  models: { providers: { mock: {
    baseUrl: "http://127.0.0.1:9/v1", apiKey: "k", api: "openai-completions", timeoutSeconds: 7,
    headers: {"X-One": "1"},
    models: [
      { id: "mock-1", name: "Mock One", contextWindow: 1000, reasoning: true },
      { id: "family/mock-2" },
    ],
  } } },
  agents: { defaults: { model: { primary: "%s" } } },
}"""


@implementer(IAgentRuntime)
class Answering:
    """A runtime that answers with its own name."""

    most_turns = 1

    def __init__(self, name: str, models: Sequence[ModelInfo] = ()) -> None:
        self.name = name
        self._models = models

    def models(self) -> Sequence[ModelInfo]:
        """What it was made with."""
        return self._models

    def run(self, request: RunRequest, sink: IRunSink) -> Deferred[RunOutcome]:
        """Answer."""
        return succeed(RunOutcome(self.name))


class CatalogueCase(SynchronousTestCase):
    """Catalogues from configuration text and environment."""

    def setUp(self) -> None:
        self.built: list[ProviderSettings] = []
        self.embedded = Answering("embedded", [EMBEDDED])
        self.wrap: Wrap | None = None

    def build(self, settings: ProviderSettings) -> IAgentRuntime:
        """Make a runtime, and note for whom."""
        self.built.append(settings)
        return Answering(settings.id)

    def catalogue(self, text: str = "{}", **environ: str) -> Catalogue:
        """Read a configuration as the gateway does."""
        config = from_text(text, Path("openclaw.json")).config
        found, _ = providers(config, environ)
        choices = choices_of(config.agents)
        return make_catalogue(found.values(), self.embedded, self.build, choices, self.wrap)

    def run_of(self, catalogue: Catalogue, model: ModelInfo) -> Deferred[RunOutcome]:
        """Run one model."""
        request = RunRequest("r", "k", "main", model, [Turn("user", "hi")])
        sink: Any = None
        return catalogue.runtime_for(model).run(request, sink)


class ModelsTests(CatalogueCase):
    """Which models there are."""

    def test_nothing_configured_is_the_embedded_agent(self) -> None:
        catalogue = self.catalogue()
        self.assertEqual((catalogue.models(), catalogue.default), ((EMBEDDED,), EMBEDDED))
        self.assertIs(catalogue.runtime_for(EMBEDDED), self.embedded)

    def test_configured_models(self) -> None:
        catalogue = self.catalogue(MOCK % "mock/mock-1")
        self.assertEqual(
            catalogue.models(),
            (
                ModelInfo("mock", "mock-1", "Mock One", context_window=1000, reasoning=True),
                ModelInfo("mock", "family/mock-2", "family/mock-2"),
            ),
        )

    def test_default_comes_first(self) -> None:
        catalogue = self.catalogue(MOCK % "mock/family/mock-2")
        refs = [model.ref for model in catalogue.models()]
        self.assertEqual(refs, ["mock/family/mock-2", "mock/mock-1"])

    def test_keys_of_the_environment(self) -> None:
        catalogue = self.catalogue(OPENAI_API_KEY="sk-1", ANTHROPIC_API_KEY=" sk-2 ")
        self.assertEqual({model.provider for model in catalogue.models()}, {"openai", "anthropic"})
        self.assertTrue(all(model.available for model in catalogue.models()))
        for provider, address, key in [
            ("openai", "https://api.openai.com/v1", "sk-1"),
            ("anthropic", "https://api.anthropic.com/v1", "sk-2"),
        ]:
            settings = catalogue.providers[provider]
            self.assertEqual((settings.base_url, settings.api_key), (address, key))

    def test_settings_are_those_of_the_file(self) -> None:
        settings = self.catalogue(MOCK % "mock/mock-1").providers["mock"]
        self.assertEqual(settings.base_url, "http://127.0.0.1:9/v1")
        self.assertEqual((settings.api_key, settings.headers), ("k", {"X-One": "1"}))
        self.assertEqual(settings.idle_seconds, 7.0)


class DefaultTests(CatalogueCase):
    """Which model answers."""

    def test_first_usable_model_of_the_file_before_keys_of_the_environment(self) -> None:
        text = MOCK.replace('primary: "%s"', "")
        self.assertEqual(self.catalogue(text, OPENAI_API_KEY="sk").default.ref, "mock/mock-1")

    def test_unknown_default_is_a_config_error_that_names_the_known(self) -> None:
        for ref in ("mock/mock-9", "nobody/mock-1", "mock-1", "mock/"):
            error = self.assertRaises(ConfigError, self.catalogue, MOCK % ref)
            self.assertEqual(error.path, "agents.defaults.model.primary")
            self.assertIn("mock/mock-1, mock/family/mock-2", str(error))
            self.assertEqual("called provider/model" in str(error), "/" not in ref)

    def test_embedded_agent_can_be_chosen(self) -> None:
        self.assertEqual(self.catalogue(MOCK % "embedded/assistant").default, EMBEDDED)

    def test_known_provider_serves_models_that_are_not_listed(self) -> None:
        text = '{agents: {defaults: {model: "openai/gpt-99"}}}'
        default = self.catalogue(text, OPENAI_API_KEY="sk").default
        self.assertEqual((default.ref, default.available), ("openai/gpt-99", True))
        self.assertEqual(default.input, ("text", "image"))

    def test_known_provider_without_its_key_fails_at_the_run_not_at_the_start(self) -> None:
        catalogue = self.catalogue('{agents: {defaults: {model: "anthropic/claude-opus-5"}}}')
        self.assertFalse(catalogue.default.available)
        error = self.failureResultOf(self.run_of(catalogue, catalogue.default), ModelError).value
        self.assertEqual(error.kind, "auth")
        self.assertIn("set ANTHROPIC_API_KEY", error.message)

    def test_resolve(self) -> None:
        catalogue = self.catalogue(MOCK % "mock/mock-1")
        self.assertEqual(catalogue.resolve("mock/family/mock-2").id, "family/mock-2")
        self.assertEqual(catalogue.resolve().ref, "mock/mock-1")
        error = self.assertRaises(InvalidRequest, catalogue.resolve, "mock/nope")
        self.assertIn("known: mock/mock-1", error.message)


class RuntimeTests(CatalogueCase):
    """Which runtime serves a model."""

    def test_runtime_is_made_at_its_first_run_and_once(self) -> None:
        catalogue = self.catalogue(MOCK % "mock/mock-1")
        self.assertEqual(self.built, [])
        for model in catalogue.models():
            self.assertEqual(self.successResultOf(self.run_of(catalogue, model)).text, "mock")
        self.assertEqual(len(self.built), 1)

    def test_api_that_is_not_served_is_listed_and_fails_in_words(self) -> None:
        text = (MOCK % "mock/mock-1").replace("openai-completions", "google-generative-ai")
        catalogue = self.catalogue(text)
        self.assertEqual([model.available for model in catalogue.models()], [False, False])
        error = self.failureResultOf(self.run_of(catalogue, catalogue.default), ModelError).value
        self.assertIn("'google-generative-ai' is not yet served", error.message)
        self.assertEqual((error.provider, error.model, self.built), ("mock", "mock-1", []))
        self.assertTrue(verifyObject(IAgentRuntime, catalogue.runtime_for(catalogue.default)))

    def test_one_models_own_api_is_its_own_affair(self) -> None:
        text = (MOCK % "mock/mock-1").replace('id: "family', 'api: "other", id: "family')
        first, second = self.catalogue(text).models()
        self.assertEqual((first.available, second.available), (True, False))
        catalogue = self.catalogue(text)
        error = self.failureResultOf(self.run_of(catalogue, second), ModelError).value
        self.assertIn("the API of family/mock-2 is not yet served", error.message)

    def test_provider_without_an_address(self) -> None:
        catalogue = make_catalogue(
            [ModelProvider("odd", None, "openai-completions")],
            self.embedded,
            self.build,
            Choices(Choice("odd/x")),
        )
        error = self.failureResultOf(self.run_of(catalogue, catalogue.default), ModelError).value
        self.assertIn("models.providers.odd.baseUrl", error.message)

    def test_what_can_answer_nothing_is_told_before_anybody_asks(self) -> None:
        text = (MOCK % "anthropic/claude-opus-5").replace("openai-completions", "ollama")
        mock, anthropic = self.catalogue(text).obstacles()
        self.assertIn("mock: the API 'ollama' is not yet served; anthropic-messages, ", mock)
        self.assertIn("anthropic: no API key; set ANTHROPIC_API_KEY", anthropic)
        self.assertEqual(self.catalogue(MOCK % "mock/mock-1").obstacles(), [])

    def test_anthropic_at_home_and_elsewhere(self) -> None:
        choices = Choices(Choice("anthropic/claude-x"))
        for url, key, usable in [
            (None, "sk", True),
            ("https://api.anthropic.com", "sk", True),
            ("https://proxy.example/", "sk", True),
            ("https://proxy.example/", None, True),
            (None, None, False),
        ]:
            provider = ModelProvider("anthropic", url, "anthropic-messages", key)
            catalogue = make_catalogue([provider], self.embedded, self.build, choices)
            self.assertEqual(catalogue.default.available, usable, (url, key))
            self.assertEqual(catalogue.providers["anthropic"].how("x").api, "anthropic-messages")

    def test_credentials_in_an_address_are_refused(self) -> None:
        text = (MOCK % "mock/mock-1").replace("127.0.0.1:9", "me:hunter2@127.0.0.1:9")
        error = self.assertRaises(ConfigError, self.catalogue, text)
        self.assertEqual(error.path, "models.providers.mock.baseUrl")
        self.assertNotIn("hunter2", str(error))

    def test_secrets_are_in_no_repr(self) -> None:
        catalogue = self.catalogue(MOCK % "mock/mock-1", OPENAI_API_KEY="sk-secret")
        self.assertNotIn("sk-secret", repr(catalogue))


AGENTS = """{
  models: { providers: {
    mock: {
      baseUrl: "http://127.0.0.1:9/v1", apiKey: "k",
      models: [
        { id: "big", headers: {"X-Model": "big"}, params: {temperature: 1, top_p: 0.5},
          compat: {supportsTools: false}, maxTokens: 100 },
        { id: "small", api: "openai-responses" },
      ],
    },
    other: { baseUrl: "http://127.0.0.1:8", api: "anthropic-messages", authHeader: true },
  } },
  agents: {
    defaults: {
      model: { primary: "big", fallbacks: ["mock/small", "other/x", "gone/y"] },
      models: {
        "mock/big": { alias: "Big", params: {temperature: 0} },
        "other/x": { params: {top_k: 5} },
      },
    },
    list: [
      { id: "main", default: true },
      { id: "ops", model: "mock/small" },
      { id: "poet", model: { fallbacks: ["mock/small"] } },
      { id: "clerk", model: { primary: "other/x", fallbacks: ["BIG"] } },
    ],
  },
}"""


class AgentsTests(CatalogueCase):
    """Several agents, each with its model, and models that stand in."""

    def setUp(self) -> None:
        super().setUp()
        self.found = self.catalogue(AGENTS)

    def refs(self, agent_id: str, ref: str = "") -> list[str]:
        """The models that may answer a run of an agent."""
        model = self.found.resolve(ref, agent_id)
        request = RunRequest("r", "k", agent_id, model, [Turn("user", "hi")])
        return [candidate.model.ref for candidate in self.found.chain(request)]

    def test_agents_have_their_models(self) -> None:
        for agent_id, ref in [
            ("", "mock/big"),
            ("main", "mock/big"),
            ("nobody", "mock/big"),
            ("ops", "mock/small"),
            ("poet", "mock/big"),
            ("clerk", "other/x"),
        ]:
            self.assertEqual(self.found.default_for(agent_id).ref, ref, agent_id)

    def test_who_stands_in(self) -> None:
        self.assertEqual(self.refs("main"), ["mock/big", "mock/small", "other/x"])
        self.assertEqual(self.refs("ops"), ["mock/small"])
        self.assertEqual(self.refs("poet"), ["mock/big", "mock/small"])
        self.assertEqual(self.refs("clerk"), ["other/x", "mock/big"])

    def test_a_model_that_a_session_chose_answers_itself(self) -> None:
        self.assertEqual(self.refs("main", "mock/small"), ["mock/small"])

    def test_aliases(self) -> None:
        for name in ("big", "Big", "mock/big"):
            self.assertEqual(self.found.resolve(name).ref, "mock/big")

    def test_list_and_tags(self) -> None:
        tags = {model.ref: self.found.tags(model) for model in self.found.models()}
        self.assertEqual(
            tags,
            {
                "mock/big": ["default", "alias:big"],
                "mock/small": ["fallback#1"],
                "other/x": ["fallback#2"],
            },
        )

    def test_how_models_are_asked(self) -> None:
        mock, other = self.found.providers["mock"], self.found.providers["other"]
        big = mock.how("big")
        self.assertEqual(big.params, {"temperature": 0, "top_p": 0.5})
        self.assertEqual((big.headers, big.max_tokens), ({"X-Model": "big"}, 100))
        self.assertFalse(big.compat.supports_tools)
        self.assertEqual(
            (mock.how("small").api, mock.how("else").api), ("openai-responses", mock.api)
        )
        self.assertEqual(other.how("x").params, {"top_k": 5})
        self.assertEqual((other.how("x").api, other.bearer), ("anthropic-messages", True))

    def test_an_agents_unknown_model_is_named(self) -> None:
        text = AGENTS.replace('model: "mock/small"', 'model: "mock/nope"')
        error = self.assertRaises(ConfigError, self.catalogue, text)
        self.assertEqual(error.path, "agents.list[1].model.primary")

    def test_one_runtime_asks_all_candidates(self) -> None:
        asked: list[str] = []

        def wrap(chain: Chain) -> IAgentRuntime:
            asked.append("made")
            return Answering("wrapped")

        self.wrap = wrap
        catalogue = self.catalogue(AGENTS)
        for model in catalogue.models():
            self.assertEqual(self.successResultOf(self.run_of(catalogue, model)).text, "wrapped")
        self.assertEqual(asked, ["made"])
        self.assertIs(catalogue.runtime_for(EMBEDDED), self.embedded)

    def test_a_fallback_whose_key_is_missing_is_a_candidate_that_says_so(self) -> None:
        text = AGENTS.replace('"gone/y"', '"openai/gpt-5.5"')
        self.found = self.catalogue(text)
        self.assertEqual(self.refs("main")[-1], "openai/gpt-5.5")


class ProgramTests(CatalogueCase):
    """An agent that is a program of its own, beside a model."""

    def make(self, **fallbacks: Any) -> Catalogue:
        """A catalogue with one of each, the program the default."""
        model = ModelProvider("mock", "http://127.0.0.1:9/v1", "openai-completions")
        chosen = Choices(Choice("pi/default", **fallbacks))
        wrap = Answering("wrapped")
        return make_catalogue(
            [model, ModelProvider("pi", None, PROCESS)],
            self.embedded,
            self.build,
            chosen,
            lambda chain: wrap,
        )

    def test_a_program_is_asked_itself_and_once(self) -> None:
        catalogue = self.make()
        for ref, name in (("pi/default", "pi"), ("mock/any", "wrapped")):
            runtime = catalogue.runtime_for(catalogue.resolve(ref))
            self.assertEqual(getattr(runtime, "name", ""), name)

    def test_a_program_stands_in_for_nobody(self) -> None:
        error = self.assertRaises(ConfigError, self.make, fallbacks=("pi/other",))
        self.assertIn("is a program", str(error))
        self.assertTrue(str(error.path).endswith(".fallbacks"))
