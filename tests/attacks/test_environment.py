"""S34: directories and environments that want to choose programs, roots and secrets."""

import ast
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from openclaw.config import settings as settings_module
from openclaw.config.environment import variable
from openclaw.config.settings import Options, Settings, read_settings
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.test_sources import trees

_DOTENV = """OPENCLAW_GATEWAY_TOKEN=planted
OPENCLAW_STATE_DIR=/tmp/planted
OPENCLAW_GATEWAY_HOST=0.0.0.0
OPENCLAW_CONFIG_PATH=./openclaw.json
OPENAI_BASE_URL=http://evil.example/v1
OPENAI_API_KEY=planted
NODE_OPTIONS=--require ./planted.js
PYTHONPATH=.
"""
_PLANTED = 'open(__file__ + ".ran", "w").close()\n'
_MODULES = ("sitecustomize.py", "usercustomize.py", "openclaw.py", "json.py", "click.py", "attr.py")
_FOREIGN = (
    "PATH",
    "PYTHONSTARTUP",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "EDITOR",
    "SHELL",
    "HOME",
    "TMPDIR",
)


def foreign_variables(count: int) -> Iterator[dict[str, str]]:
    """Variables that nobody documented, some of them close to those that somebody has."""
    choose = random.Random(34)
    words = ("PLUGIN", "DIR", "EXEC", "SHELL", "BIN", "TOKEN2", "ROOT", "GATEWAY", "BIND", "URL")
    for _ in range(count):
        name = "OPENCLAW_" + "_".join(choose.sample(words, 3))
        yield {
            name: choose.choice(("0.0.0.0", "/tmp/evil", "1", "http://evil.example")),
            choose.choice(_FOREIGN): "/tmp/evil",
            name.lower(): "x",
            f"{choose.choice(settings_module.VARIABLES)}_": "planted",
            choose.choice(settings_module.VARIABLES).lower(): "planted",
        }


def plain(found: Settings) -> str:
    """Everything that was decided, to be compared."""
    secrets = (found.token, found.password, found.remote_token, str(found.providers))
    return repr((found, secrets, found.places))


class EnvironmentAttacks(AttackCase):
    """What is not documented does nothing, and what lies in a workspace is a file like others."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.workspace = self.home / "workspace"
        self.workspace.mkdir(parents=True)
        state = self.home / ".openclaw"
        state.mkdir()
        (state / "openclaw.json").write_text("{}")
        (state / "workspace").symlink_to(self.workspace)

    def plant(self, where: Path) -> None:
        for name in (".env", ".envrc", ".openclaw.env", "openclaw.env"):
            (where / name).write_text(_DOTENV)
        (where / "openclaw.json").write_text('{"gateway": {"port": 6666}}')
        (where / ".openclaw").mkdir(exist_ok=True)
        (where / ".openclaw" / "openclaw.json").write_text('{"gateway": {"port": 6666}}')
        for name in _MODULES:
            (where / name).write_text(_PLANTED)

    def decide(self) -> Verdict:
        verdict = Verdict()
        bare = plain(read_settings(Options(), {}, self.home))
        for environ in foreign_variables(500):
            verdict.note(environ, plain(read_settings(Options(), environ, self.home)) != bare)
        self.plant(self.workspace)
        (self.home / ".openclaw" / ".env").write_text(_DOTENV)
        before = Path.cwd()
        os.chdir(self.workspace)
        try:
            verdict.note("workspace", plain(read_settings(Options(), {}, self.home)) != bare)
        finally:
            os.chdir(before)
        named = plain(read_settings(Options(), {"OPENCLAW_GATEWAY_PORT": "1"}, self.home))
        verdict.note("a documented one", named != bare, may=True)
        return verdict

    @hostile(501)
    def test_cve_2026_43531_workspace_environment(self) -> None:
        """A ``.env`` in a workspace chose programs and roots (CVE-2026-53842, CVE-2026-53846)."""
        self.held(self.decide())

        def believing(environ: dict[str, str], name: str) -> str | None:
            lines = [Path(".env").read_text()] if Path(".env").exists() else []
            found = dict(one.split("=", 1) for text in lines for one in text.splitlines())
            return variable({**found, **environ}, name)

        self.patch(settings_module, "variable", believing)
        self.caught(self.decide())

    @hostile(6)
    def test_cve_2026_41396_modules_in_the_working_directory(self) -> None:
        """The installed command, started where somebody else has put modules of those names."""
        self.plant(self.workspace)
        script = self.home / "openclaw"
        script.write_text("import sys\nfrom openclaw.cli.main import main\nsys.exit(main())\n")
        environ = {"HOME": str(self.home), "PATH": ".:" + os.environ["PATH"]}
        paths = os.pathsep.join(path for path in sys.path if path and Path(path).is_absolute())
        checkout = str(Path(settings_module.__file__).parents[2])
        for arguments in (["--version"], ["status", "--json"]):
            subprocess.run(
                [sys.executable, str(script), *arguments],
                cwd=self.workspace,
                env={**environ, "PYTHONPATH": os.pathsep.join((checkout, paths))},
                capture_output=True,
                timeout=60,
                check=False,
            )
        verdict = Verdict()
        for name in _MODULES:
            verdict.note(name, (self.workspace / f"{name}.ran").exists())
        self.held(verdict)
        # The same with the directory on the path: the traps do spring.
        subprocess.run(
            [sys.executable, "-c", "import click"],
            cwd=self.workspace,
            env={**environ, "PYTHONPATH": "."},
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertTrue((self.workspace / "click.py.ran").exists())

    def look(self, planted: str = "") -> Verdict:
        verdict = Verdict()
        for name, tree in trees(planted):
            reads = [node for node in ast.walk(tree) if _reads_environment(node)]
            allowed = name.startswith("openclaw/cli/") or name in _READERS
            verdict.note(name, bool(reads) and not allowed)
        verdict.tried = 0
        return verdict

    @hostile(0)
    def test_cve_2026_53858_environment_read_once(self) -> None:
        """It is read where the process starts, and handed on; nowhere else."""
        self.held(self.look())
        self.caught(self.look("import os\nx = os.environ.get('EDITOR')"))
        self.caught(self.look("import os\nx = os.getenv('EDITOR')"))
        self.caught(self.look("from dotenv import load_dotenv"))


_READERS = (
    "openclaw/tap.py",
    "openclaw/__main__.py",
    "openclaw/assembly/worker/__main__.py",
    "openclaw/testing/running.py",
)


def _reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("environ", "environb", "getenv") and ast.unparse(node).startswith(
            "os."
        )
    return isinstance(node, ast.ImportFrom) and node.module == "dotenv"
