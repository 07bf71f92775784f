"""The house keeps its order, and the checker that says so sees what it must see."""

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tools import layers, sizes

FORBIDDEN = (
    # Upwards.
    ("openclaw.errors", "import openclaw.protocol"),
    ("openclaw.config.load", "from openclaw.storage.sqlite import SQLiteStore"),
    ("openclaw.storage.sqlite", "from openclaw.sessions import keys"),
    ("openclaw.sessions.keys", "import openclaw.gateway.connection"),
    ("openclaw.gateway.connection", "from openclaw import http"),
    ("openclaw.http.site", "from openclaw import tap"),
    ("openclaw.tap", "from openclaw.cli.main import main"),
    ("openclaw.__main__", "from openclaw.cli.main import main"),
    # Hidden ones.
    ("openclaw.config.load", "def f():\n    from openclaw.tap import makeService"),
    ("openclaw.config.load", "if TYPE_CHECKING:\n    from openclaw.gateway import door"),
    ("openclaw.config.load", "class C:\n    def m(self):\n        import openclaw.cli.main as m"),
    ("openclaw.config.load", "try:\n    pass\nexcept E:\n    import openclaw.tap"),
    ("openclaw.config.load", "import json, openclaw.tap"),
    # Among neighbours.
    ("openclaw.sessions.lanes", "from openclaw.agents import catalogue"),
    ("openclaw.security.codes", "import openclaw.monitoring.counters"),
    # What a command line and a client must not drag in.
    ("openclaw.cli.status", "from openclaw.gateway.presence import Presence"),
    ("openclaw.cli.status", "from openclaw.sessions import keys"),
    ("openclaw.cli.status", "def f():\n    import openclaw.tap"),
    ("openclaw.client.link", "from openclaw.http.outbound import OutboundClient"),
    # The wire is pure.
    ("openclaw.protocol.frames", "from twisted.internet import defer"),
    ("openclaw.protocol.frames", "import asyncio"),
    ("openclaw.protocol.frames", "def f():\n    import treq"),
    ("openclaw.protocol.frames", "from openclaw.interfaces import storage"),
    # Relative ones, unknown packages, providers at start.
    ("openclaw.config.load", "from . import check"),
    ("openclaw.config.load", "from ..errors import ConfigError"),
    ("openclaw.config.load", "import openclaw.novelties"),
    ("openclaw.novelties.one", "import openclaw.errors"),
    ("openclaw", "import openclaw.errors"),
    ("openclaw.agents.catalogue", "from openclaw.agents.runtimes.openai import OpenAIRuntime"),
    ("openclaw.tap", "from openclaw.agents.runtimes import openai"),
)
ALLOWED = (
    ("openclaw.protocol.frames", "import msgspec\nfrom openclaw.errors import FrameError"),
    ("openclaw.protocol.methods", "from openclaw.protocol.schema import chat"),
    ("openclaw.sessions.lanes", "from openclaw.interfaces.storage import IStore"),
    ("openclaw.gateway.door", "from openclaw.security.peers import Peer"),
    ("openclaw.http.site", "from openclaw.gateway.door import Door"),
    ("openclaw.tap", "from openclaw.http.site import make_site"),
    ("openclaw.tap", "def f():\n    from openclaw.agents.runtimes.openai import OpenAIRuntime"),
    ("openclaw.tap", "if TYPE_CHECKING:\n    from openclaw.agents.runtimes import openai"),
    ("openclaw.__main__", "from openclaw.tap import makeService"),
    ("openclaw.cli.main", "from openclaw import __version__"),
    ("openclaw.cli.status", "from openclaw.client.gateway import GatewayClient"),
    ("openclaw.storage.sqlite", "import sqlite3\nfrom twisted.internet import threads"),
)


class OrderTests(SynchronousTestCase):
    def test_every_module_imports_downwards_only(self) -> None:
        self.assertEqual(layers.check(layers.ROOT), [])

    def test_forbidden_imports_are_seen(self) -> None:
        for name, source in FORBIDDEN:
            self.assertEqual(len(layers.violations(name, source)), 1, (name, source))

    def test_ordinary_imports_pass(self) -> None:
        for name, source in ALLOWED:
            self.assertEqual(layers.violations(name, source), [], (name, source))

    def test_a_whole_tree_is_walked(self) -> None:
        root = Path(self.mktemp())
        (root / "openclaw" / "config" / "deep").mkdir(parents=True)
        (root / "twisted" / "plugins").mkdir(parents=True)
        (root / "openclaw" / "config" / "deep" / "__init__.py").write_text("import openclaw.cli")
        (root / "twisted" / "plugins" / "__init__.py").write_text("")
        found = layers.check(root)
        self.assertEqual(len(found), 2, found)
        self.assertIn("openclaw.config.deep:1 imports openclaw.cli", found[0])
        self.assertIn("twisted/plugins/__init__.py", found[1])


class SizeTests(SynchronousTestCase):
    def test_every_module_keeps_the_limits(self) -> None:
        self.assertEqual(sizes.check(layers.ROOT), [])

    def test_long_modules_are_seen(self) -> None:
        docstring = '"""What it is."""\n'
        fits = docstring + "\n# why\n" * 300 + "x = 1\n" * sizes.MODULE_LINES
        self.assertEqual(sizes.problems("openclaw.x", fits), [])
        self.assertEqual(len(sizes.problems("openclaw.x", fits + "y = 1\n")), 1)

    def test_long_functions_are_seen(self) -> None:
        for opening in ("def f():", "async def f():", "class C:\n  def f(self):"):
            fits = f'"""What."""\n{opening}\n' + "   x = 1\n" * (sizes.FUNCTION_LINES - 1)
            self.assertEqual(sizes.problems("openclaw.x", fits), [])
            self.assertEqual(len(sizes.problems("openclaw.x", f"{fits}   x = 1\n")), 1)

    def test_missing_docstrings_and_vague_names_are_seen(self) -> None:
        self.assertEqual(len(sizes.problems("openclaw.x", "x = 1\n")), 1)
        self.assertEqual(len(sizes.problems("openclaw.x.utils", '"""Things."""\n')), 1)

    def test_nothing_hides_in_a_string(self) -> None:
        source = '"""What."""\nTEXT = """\n' + "line\n" * sizes.MODULE_LINES + '"""\n'
        self.assertEqual(len(sizes.problems("openclaw.x", source)), 1)


class StartTests(SynchronousTestCase):
    """What a process loads when it starts, seen in a process of its own."""

    def loaded_by(self, module: str) -> set[str]:
        script = f"import sys, {module}; print('\\n'.join(sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=layers.ROOT,
            env={"PYTHONPATH": str(layers.ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return set(done.stdout.split())

    def test_the_server_loads_no_provider_and_nothing_of_the_command_line(self) -> None:
        loaded = self.loaded_by("openclaw.tap")
        # Autobahn loads click itself where it is installed, so that one says nothing.
        unwanted = {"openclaw.agents.runtimes.openai", "treq", "rich", "openclaw.cli"}
        self.assertEqual(loaded & unwanted, set())
        self.assertIn("openclaw.gateway.connection", loaded)

    def test_the_server_loads_what_answers_programs_only_once_asked(self) -> None:
        loaded = self.loaded_by("openclaw.tap")
        served = {name for name in loaded if name.startswith("openclaw.http.openai.")}
        known = {"api", "caller", "errors", "exchange", "shape"}
        self.assertEqual(served, {f"openclaw.http.openai.{name}" for name in known})
        self.assertNotIn("openclaw.assembly.endpoints", loaded)

    def test_the_command_line_loads_nothing_of_the_server(self) -> None:
        loaded = self.loaded_by("openclaw.cli.main")
        unwanted = {"twisted", "autobahn", "treq", "sqlite3", "openclaw.gateway", "openclaw.tap"}
        self.assertEqual(loaded & unwanted, set())
