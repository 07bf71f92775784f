"""Tests of openclaw.cli.main and given: parsing, help, exit statuses; no gateway needed."""

import json
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase

from openclaw import __version__
from openclaw.cli.gateway import launch_arguments, scopes_for
from openclaw.cli.given import Given
from openclaw.cli.main import cli
from tests.cli.running import CommandTestCase, Ran, child_environment, run_here

# What ``openclaw health --json`` has no use for.
FORBIDDEN = (
    *("openclaw.gateway", "openclaw.tap", "openclaw.security", "openclaw.agents"),
    *("openclaw.sessions", "openclaw.storage", "openclaw.http", "openclaw.channels"),
    *("openclaw.monitoring", "openclaw.automation", "openclaw.protocol.methods"),
    *("twisted", "autobahn", "rich", "cryptography", "OpenSSL", "ssl", "asyncio", "sqlite3"),
)
IMPORTS = """
import json, sys
from openclaw.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


class ParsingTests(SynchronousTestCase):
    """Arguments in, exit status and words out."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp())
        self.home.mkdir()

    def run_command(self, *arguments: str, **environ: str) -> Ran:
        """Run without a gateway: port 1 is nobody's."""
        environ.setdefault("OPENCLAW_GATEWAY_PORT", "1")
        return run_here(list(arguments), self.home, environ)

    def test_help_names_every_command(self) -> None:
        """And each of them has help of its own."""
        listed = self.run_command("--help")
        self.assertEqual(listed.status, 0)
        for name in cli.list_commands(None):  # type: ignore[arg-type]  # it looks at nothing
            self.assertIn(name, listed.out)
            self.assertEqual(self.run_command(name, "--help").status, 0, name)

    def test_help_says_whole_sentences(self) -> None:
        """And keeps the lines of examples."""
        said = " ".join(self.run_command("devices", "--help").out.split())
        self.assertIn("remove Forget a device and cut its connections; it has to be approved", said)
        for name in cli.list_commands(None):  # type: ignore[arg-type]  # it looks at nothing
            self.assertNotRegex(self.run_command(name, "--help").out, r"[\w,;]\.\.\.\n", name)
        examples = self.run_command("completion", "--help").out
        self.assertIn('\n  zsh:   eval "$(openclaw completion zsh)"\n', examples)

    def test_an_account_of_no_channel_is_not_written_down(self) -> None:
        ran = self.run_command("channels", "add", "telegramm")
        self.assertEqual(ran.status, 1)
        self.assertIn("no channel 'telegramm': expected one of discord, irc, ", ran.err)
        self.assertFalse((self.home / ".openclaw/openclaw.json").exists())

    def test_mistakes_end_with_2_and_say_what_was_wrong(self) -> None:
        """Without a traceback."""
        for arguments, words in (
            (["nosuch"], "No such command"),
            (["statsu"], "Did you mean 'status'?"),
            (["doctor"], "openclaw gateway audit --security"),
            (["health", "--nosuch"], "No such option"),
            (["health", "--timeout", "soon"], "is not a time"),
            (["health", "--timeout", "0"], "is not a time"),
            (["logs", "--limit", "0"], "not in the range"),
            (["gateway", "call"], "Missing argument"),
            (["gateway", "call", "x", "--params", "{"], "not JSON"),
            (["gateway", "call", "x", "--params", "[]"], "not an object"),
            (["gateway", "--port", "70000"], "not in the range"),
            (["gateway", "--port", "1", "health"], "--url"),
            (["completion", "tcsh"], "tcsh"),
            (["chat"], "holds no message"),
            (["--url", "ftp://x", "health"], "--url"),
            (["--state-dir", " ", "health"], "--state-dir"),
        ):
            ran = self.run_command(*arguments)
            self.assertEqual(ran.status, 2, (arguments, ran))
            self.assertIn(words, ran.err)
            self.assertEqual(ran.out, "")

    def test_no_gateway_is_said_in_words(self) -> None:
        """On standard error, with the next step, and status 1."""
        for name in ("health", "sessions", "dashboard", "logs"):
            ran = self.run_command(name)
            self.assertEqual((ran.status, ran.out), (1, ""))
            self.assertIn("The gateway is not running: nothing listens at ws://127", ran.err)
            self.assertIn("openclaw gateway", ran.err)

    def test_no_gateway_is_said_to_programs(self) -> None:
        """One document, wherever --json stands."""
        for arguments in (["health", "--json"], ["--json", "health"]):
            ran = self.run_command(*arguments)
            self.assertEqual(ran.status, 1)
            self.assertEqual(ran.document["error"]["code"], "GATEWAY_DOWN")
            self.assertEqual(ran.err, "")

    def test_status_tells_what_it_knows_without_a_gateway(self) -> None:
        """Where it looked, for people and for programs."""
        ran = self.run_command("status")
        self.assertEqual(ran.status, 1)
        self.assertIn("not reachable", ran.out)
        self.assertIn("OPENCLAW_GATEWAY_PORT", ran.out)
        document = self.run_command("status", "--json").document
        self.assertEqual(
            (document["reachable"], document["urlSource"]), (False, "OPENCLAW_GATEWAY_PORT")
        )

    def test_the_inner_option_wins(self) -> None:
        """The one nearer to the command."""
        ran = self.run_command("--url", "ws://127.0.0.1:2", "health", "--url", "ws://127.0.0.1:3")
        self.assertIn("ws://127.0.0.1:3", ran.err)

    def test_version_schema_and_completion_need_no_gateway(self) -> None:
        """And no configuration."""
        self.assertIn(__version__, self.run_command("version").out)
        self.assertEqual(self.run_command("version", "--json").document["protocol"], 4)
        schema = self.run_command("protocol", "schema").document
        self.assertIn("health", schema["methods"])
        file = self.home / "schema.json"
        self.assertEqual(self.run_command("protocol", "schema", "--out", str(file)).status, 0)
        self.assertEqual(json.loads(file.read_text()), schema)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("_OPENCLAW_COMPLETE", self.run_command("completion", shell).out)

    def test_every_method_is_asked_with_its_own_scope(self) -> None:
        """And an unknown one with all, to be told that it is unknown."""
        self.assertEqual(scopes_for("health"), [])
        self.assertEqual(scopes_for("chat.send"), ["operator.write"])
        self.assertIn("operator.admin", scopes_for("no.such.method"))

    def test_the_gateway_is_started_without_the_token_in_sight(self) -> None:
        """And never from code that lies in the current directory."""
        given = Given(state_dir="/s", config="/c", token="secret")
        arguments = launch_arguments(given, "127.0.0.1", 0)
        self.assertEqual(arguments[1:4], ["-P", "-m", "openclaw"])
        self.assertEqual(
            arguments[4:],
            ["--config", "/c", "--state-dir", "/s", "--host", "127.0.0.1", "--port", "0"],
        )


class ImportTests(CommandTestCase):
    """What is loaded is what takes the time."""

    async def test_health_loads_nothing_of_the_server_and_no_event_loop(self) -> None:
        """In a process of its own, that asks and is answered."""
        self.gateway.methods["health"] = lambda *_: {"ok": True}
        arguments = ("health", "--json", "--url", self.gateway.url, "--token", "right")
        out, err, status = await getProcessOutputAndValue(
            sys.executable, ("-c", IMPORTS, *arguments), env=child_environment(self.home)
        )
        self.assertEqual((status, json.loads(out)), (0, {"ok": True}), err)
        loaded = json.loads(err)
        bad = [
            name
            for name in loaded
            if any(name == each or name.startswith(each + ".") for each in FORBIDDEN)
        ]
        self.assertEqual(bad, [])
