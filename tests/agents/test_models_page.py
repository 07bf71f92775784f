"""Every example on the page about models is a configuration that works."""

import re
import textwrap
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.catalogue import Catalogue, make_catalogue
from openclaw.agents.choices import choices_of
from openclaw.agents.runtimes.provider import SERVED_APIS
from openclaw.config.load import from_text
from openclaw.config.providers import providers
from openclaw.config.schema.models import Compat
from tests.agents.test_catalogue import EMBEDDED, Answering

PAGE = Path(__file__).parents[2] / "docs" / "models.rst"
ENVIRON = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2", "PROXY_KEY": "sk-3"}


class PageTests(SynchronousTestCase):
    """The page and the program say the same."""

    def setUp(self) -> None:
        self.text = PAGE.read_text(encoding="utf-8")
        blocks = re.findall(r"\.\. code-block:: json5\n\n((?:   .*\n|\n)+)", self.text)
        self.examples = [textwrap.dedent(block) for block in blocks]

    def catalogue(self, example: str) -> Catalogue:
        """Load an example as the gateway does."""
        loaded = from_text(example, PAGE)
        self.assertEqual((loaded.unknown_keys, loaded.not_served), ((), ()), example)
        found, warnings = providers(loaded.config, ENVIRON)
        self.assertEqual(warnings, ())
        built: Any = Answering("built")
        embedded = Answering("embedded", [EMBEDDED])
        choices = choices_of(loaded.config.agents)
        return make_catalogue(found.values(), embedded, lambda _: built, choices)

    def test_every_example_is_a_catalogue_of_usable_models(self) -> None:
        self.assertEqual(len(self.examples), 4)
        for example in self.examples:
            models = self.catalogue(example).models()
            self.assertTrue(all(model.available for model in models), models)
            self.assertNotIn("embedded", [model.provider for model in models])

    def test_agents_of_the_last_example(self) -> None:
        catalogue = self.catalogue(self.examples[-1])
        refs = [catalogue.default_for(id).ref for id in ("main", "poet", "clerk")]
        self.assertEqual(refs, ["local/llama", "spare/llama", "local/llama"])

    def test_every_api_and_every_peculiarity_is_named(self) -> None:
        for api in SERVED_APIS:
            self.assertIn(f"``{api}``", self.text)
        served = [
            name
            for name in Compat.__struct_encode_fields__
            if name not in ("requiresThinkingAsText", "supportsStore", "supportsStrictMode")
        ]
        for name in served:
            self.assertIn(f"``{name}``", self.text)
