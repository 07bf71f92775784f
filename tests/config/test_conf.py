"""The files in conf/: the example loads, the units say what supervisors must know."""

import configparser
import plistlib
import re
from itertools import pairwise
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.load import load
from openclaw.config.schema import Config

CONF = Path(__file__).parents[2] / "conf"


class ExampleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = CONF / "openclaw.example.json"

    def test_it_loads_and_everything_in_it_works(self) -> None:
        result = load(self.path)
        self.assertEqual((result.unknown_keys, result.not_served), ((), ()))
        self.assertEqual(result.config.agents.defaults.primary_model, "local/llama")

    def test_it_shows_defaults(self) -> None:
        shown, default = load(self.path).config, Config()
        self.assertEqual(shown.network, default.network)
        self.assertEqual(shown.logging, default.logging)
        self.assertEqual(shown.gateway.dialects, default.gateway.dialects)
        self.assertEqual(shown.gateway.port, default.gateway.port)

    def test_commented_keys_exist_too(self) -> None:
        text = re.sub(
            r'// ("\w+": ".*",)$', r"\1", self.path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        whole = Path(self.mktemp())
        whole.write_text(text, encoding="utf-8")
        result = load(whole)
        self.assertEqual((result.unknown_keys, result.not_served), ((), ()))
        self.assertEqual(result.config.gateway.control_ui.root, "/path/to/control-ui")

    def test_every_key_is_explained(self) -> None:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        for above, line in pairwise(lines):
            opens = line.rstrip().endswith("{")
            if re.match(r'\s*"\w+":', line) and not opens:
                explained = above.lstrip().startswith(("//", '"api"', '"pingInterval"'))
                self.assertTrue(explained or '"baseUrl"' in line, line)


class UnitTests(SynchronousTestCase):
    def test_launchd_restarts_only_what_failed(self) -> None:
        unit = plistlib.loads((CONF / "ai.openclaw.gateway.plist").read_bytes())
        self.assertEqual(unit["Label"], "ai.openclaw.gateway")
        self.assertEqual(unit["ProgramArguments"][-2:], ["openclaw", "gateway"])
        self.assertEqual(unit["KeepAlive"], {"SuccessfulExit": False})
        self.assertEqual(unit["Umask"], 0o077)
        self.assertGreater(unit["ExitTimeOut"], 10)

    def test_systemd_never_repeats_a_bad_configuration(self) -> None:
        unit = configparser.ConfigParser(interpolation=None, strict=True)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # Keys are case sensitive.
        unit.read_string((CONF / "openclaw-gateway.service").read_text(encoding="utf-8"))
        service = unit["Service"]
        self.assertEqual(service["Restart"], "on-failure")
        self.assertEqual(service["RestartPreventExitStatus"], "78")
        self.assertEqual(service["SuccessExitStatus"], "143")
        self.assertEqual(service["UMask"], "0077")
        self.assertTrue(service["ExecStart"].endswith("/openclaw gateway"))
        self.assertGreater(int(service["TimeoutStopSec"]), 10)
