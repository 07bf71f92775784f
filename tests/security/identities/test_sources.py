"""The library for ID tokens is loaded where a provider is configured, and missed in words."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import openclaw

_PROGRAM = """
import sys
from openclaw.config.access import AccessSettings, OidcSettings
from openclaw.errors import ConfigError
from openclaw.security.identities.sources import Identities
{before}
oidc = OidcSettings(issuer="i", audience=("a",), jwks={{"keys": []}}, scopes={{"x": ()}})
try:
    Identities(AccessSettings(oidc={oidc}), lambda: 0)
except ConfigError as error:
    print(error)
print("joserfc" in sys.modules)
"""


def run(oidc: str, before: str = "") -> list[str]:
    """What a fresh process prints."""
    program = _PROGRAM.format(oidc=oidc, before=before)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(openclaw.__file__).parents[1])},
    )
    return done.stdout.splitlines()


class LibraryTests(SynchronousTestCase):
    def test_without_a_provider_it_is_not_loaded(self) -> None:
        self.assertEqual(run("None"), ["False"])

    def test_without_the_library_the_key_and_the_way_are_named(self) -> None:
        words, _ = run("oidc", "sys.modules['joserfc'] = None")
        self.assertTrue(words.startswith("access.authentication.oidc: "), words)
        self.assertIn("openclaw-gateway[oidc]", words)

    def test_keys_that_cannot_be_used_are_told(self) -> None:
        words, loaded = run("oidc")
        self.assertTrue(words.startswith("access.authentication.oidc.jwks: "), words)
        self.assertEqual(loaded, "True")
