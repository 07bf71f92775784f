"""Agents that are programs: their keys, their environment, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.backends import AgentBackend
from openclaw.config.known import known_secrets
from openclaw.config.settings import Settings
from openclaw.errors import ConfigError
from tests.config.test_settings import settle

PAGE = Path(__file__).parents[2] / "docs" / "agents.rst"


def with_backends(
    backends: dict[str, Any], environ: dict[str, str] | None = None, primary: str = "pi/x/m"
) -> Settings:
    defaults = {"cliBackends": backends, "model": {"primary": primary}}
    return settle({"agents": {"defaults": defaults}}, environ=environ)


class BackendTests(SynchronousTestCase):
    def backend(self, entry: dict[str, Any], environ: dict[str, str] | None = None) -> AgentBackend:
        return with_backends({"pi": entry}, environ).backends["pi"]

    def refusal(self, entry: dict[str, Any], name: str = "pi") -> str:
        error = self.assertRaises(ConfigError, with_backends, {name: entry}, {}, f"{name}/m")
        return str(error)

    def test_a_program(self) -> None:
        found = self.backend({"command": "pi", "args": ["--mode", "rpc"], "models": ["x/m"]})
        self.assertEqual(found.argv, ("pi", "--mode", "rpc"))
        self.assertEqual((found.guest_args, found.max_processes), (None, 8))

    def test_it_stands_among_the_providers(self) -> None:
        provider = with_backends({"pi": {"command": "pi"}}).providers["pi"]
        self.assertEqual((provider.api, provider.base_url), ("process", None))

    def test_its_environment_is_what_was_said_and_little_else(self) -> None:
        environ = {
            "PATH": "/bin",
            "HOME": "/home/me",
            "KEY": "sk-secret-value",
            "OPENCLAW_GATEWAY_TOKEN": "token-of-the-gateway",
            "OPENAI_API_KEY": "sk-other",
        }
        found = self.backend({"command": "pi", "env": {"A": "${KEY}", "PATH": "/usr/bin"}}, environ)
        self.assertEqual(
            found.env, {"A": "sk-secret-value", "PATH": "/usr/bin", "HOME": "/home/me"}
        )
        self.assertEqual(found.secrets, ("sk-secret-value",))
        self.assertNotIn("sk-secret-value", repr(found))

    def test_its_secrets_are_known_to_the_redactor(self) -> None:
        entry = {"command": "pi", "env": {"A": "${KEY}"}}
        settings = with_backends({"pi": entry}, {"KEY": "sk-secret-value"})
        self.assertNotIn("sk-secret", known_secrets(settings).clean("it said sk-secret-value"))

    def test_a_missing_key_is_fatal_only_for_the_default_model(self) -> None:
        entry = {"command": "pi", "env": {"A": "${MISSING}"}}
        self.assertIn("cliBackends.pi.env.A", self.refusal(entry))
        settings = with_backends({"pi": entry, "other": {"command": "x"}}, {}, "other/m")
        self.assertEqual(list(settings.backends), ["other"])
        self.assertIn("the agent is left out", "".join(settings.warnings))

    def test_a_home_directory(self) -> None:
        self.assertTrue(self.backend({"command": "~/bin/pi"}).argv[0].endswith("/bin/pi"))
        self.assertFalse(self.backend({"command": "~/bin/pi"}).argv[0].startswith("~"))

    def test_what_makes_no_sense_is_refused(self) -> None:
        self.assertIn("expected the program", self.refusal({}))
        self.assertIn("expected the program", self.refusal({"command": " "}))
        self.assertIn("runs on a worker", self.refusal({"command": "pi", "runsOn": "worker"}))
        self.assertIn("without a slash", self.refusal({"command": "pi"}, "a/b"))
        self.assertIn("another name", self.refusal({"command": "pi"}, "embedded"))

    def test_every_example_of_the_page_is_understood(self) -> None:
        page = PAGE.read_text()
        examples = re.findall(r".. code-block:: json\n\n((?:   .*\n|\n)+)", page)
        self.assertEqual(len(examples), 2)
        for example in examples:
            settings = settle(json.loads(example), environ={"ANTHROPIC_API_KEY": "sk-key-value"})
            self.assertEqual(settings.loaded.unknown_keys, ())
            self.assertEqual(settings.loaded.not_served, ())
            self.assertEqual(len(settings.backends), 1)
