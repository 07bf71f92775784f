"""The project's own promises: its commands exist, its pages tell the truth, its pins are whole."""

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.python.reflect import namedAny
from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from openclaw.cli.main import cli
from tools import modules, support
from tools.layers import ROOT

PAGES = sorted([ROOT / "README.rst", ROOT / "README.zh.rst", *(ROOT / "docs").rglob("*.rst")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def documented_commands() -> Iterator[tuple[str, list[str]]]:
    """Every ``$ …`` line of the pages: the page's name and the words."""
    for page in PAGES:
        for line in re.findall(r"^   \$ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
            yield page.name, shlex.split(line)


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(read("setup.cfg"))
    return parser


def requirements() -> dict[str, list[str]]:
    """What is installed for what, as bare lower-case names."""
    parser = setup()
    listed = {"": parser["options"]["install_requires"]}
    listed |= dict(parser["options.extras_require"])
    return {
        extra: [
            re.split(r"[\[ <>=]", line)[0].lower()
            for line in lines.split("\n")
            if line and not line.startswith("%")
        ]
        for extra, lines in listed.items()
    }


class CommandTests(SynchronousTestCase):
    def test_documented_make_targets_exist(self) -> None:
        if shutil.which("make") is None:
            raise SkipTest("make is not installed")
        targets = {tuple(words[1:]) for _, words in documented_commands() if words[0] == "make"}
        self.assertLessEqual({("run",), ("test",), ("check",)}, targets)
        for words in targets:
            done = subprocess.run(
                ["make", "--dry-run", "--directory", str(ROOT), *words],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_documented_openclaw_commands_are_understood(self) -> None:
        seen = 0
        for page, words in documented_commands():
            if words[0] not in ("openclaw", ".venv/bin/openclaw"):
                continue
            result = CliRunner().invoke(cli, [*words[1:], "--help"])
            self.assertEqual(result.exit_code, 0, f"{page}: {words}: {result.output}")
            seen += 1
        self.assertGreater(seen, 10)

    def test_no_other_command_is_documented_unseen(self) -> None:
        known = {
            "make",
            "openclaw",
            ".venv/bin/openclaw",
            "twistd",
            "pip",
            "export",
            "curl",
            "PYTHONPATH=.",
            "PYTHONPATH=build/site:.",
        }
        unknown = {words[0] for _, words in documented_commands()} - known
        self.assertEqual(unknown, {"/path/to/official/openclaw"})

    def test_both_languages_show_the_same_commands(self) -> None:
        def blocks(name: str) -> list[str]:
            return re.findall(r"^   [ ]*[^ :].*$", read(name).partition("`make docs")[0], re.M)

        def code(name: str) -> list[str]:
            lines = [line for line in blocks(name) if not line.lstrip().startswith(("*", "-"))]
            return lines

        self.assertEqual(code("README.rst"), code("README.zh.rst"))

    def test_twistd_finds_the_gateway(self) -> None:
        makers: dict[str, Any] = {maker.tapname: maker for maker in getPlugins(IServiceMaker)}
        self.assertEqual(makers["openclaw"].module, "openclaw.tap")
        self.assertLess(len(read("twisted/plugins/openclaw_plugin.py").splitlines()), 15)


class SupportTests(SynchronousTestCase):
    def test_every_named_test_exists(self) -> None:
        for row in support.rows(ROOT / "docs" / "support.toml"):
            for name in row.tests:
                suite = TestLoader().loadAnything(namedAny(name))
                self.assertGreater(suite.countTestCases(), 0, name)


class ArchitectureTests(SynchronousTestCase):
    def test_every_module_appears_with_its_sentence(self) -> None:
        page = read("ARCHITECTURE.rst")
        names = re.findall(r"^``(openclaw[\w.]*)``$", modules.listing(ROOT), re.MULTILINE)
        self.assertGreater(len(names), 80)
        missing = [name for name in names if f"\n``{name}``\n" not in page]
        self.assertEqual(missing, [], "run make generated")

    def test_no_module_appears_that_is_gone(self) -> None:
        shown = re.findall(r"^``(openclaw[\w.]*)``$", read("ARCHITECTURE.rst"), re.MULTILINE)
        for name in shown:
            path = ROOT / name.replace(".", "/")
            self.assertTrue(path.with_suffix(".py").exists() or path.is_dir(), name)


class PackagingTests(SynchronousTestCase):
    def test_each_dependency_says_why(self) -> None:
        page = read("docs/decisions/dependencies.rst")
        explained = set(re.findall(r"^``([\w.-]+)``\n    \S", page, re.MULTILINE))
        self.assertEqual(explained, {name for names in requirements().values() for name in names})

    def test_every_dependency_is_pinned_exactly(self) -> None:
        lines = [line for line in read("constraints.txt").splitlines() if line[0] != "#"]
        pins = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
        self.assertTrue(all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines), lines)
        for names in requirements().values():
            self.assertLessEqual(set(names), pins)

    def test_no_file_names_where_packages_come_from(self) -> None:
        for name in ("setup.cfg", "pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
            self.assertIsNone(re.search(r"https?://|index-url", read(name)), name)
        for name in ("package.json", "package-lock.json"):
            self.assertIsNone(re.search(r'"resolved"|registry', read(name)), name)

    def test_every_file_of_the_web_chat_is_installed(self) -> None:
        here = ROOT / "openclaw" / "http"
        patterns = setup()["options.package_data"]["openclaw.http"].split()
        files = [path.relative_to(here) for path in (here / "chat").rglob("*") if path.is_file()]
        self.assertGreater(len(files), 3)
        for path in files:
            depth = len(path.parts)
            matching = [each for each in patterns if len(Path(each).parts) == depth]
            self.assertTrue(any(fnmatch(str(path), each) for each in matching), str(path))

    def test_the_ci_script_is_sound(self) -> None:
        for script in (".ci/run", "tools/install-node-packages.sh"):
            done = subprocess.run(
                ["bash", "-n", str(ROOT / script)], capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("OPENCLAW_REQUIRE_ALL=1 make test\n", read(".ci/run"))
