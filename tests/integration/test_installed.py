"""``pip install .`` into a fresh environment, away from the checkout: everything is there."""

import os
import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests.integration.running import (
    ROOT,
    Ended,
    Place,
    Running,
    fetch,
    run,
)

PARTS = ("openclaw", "twisted", "tests", "benchmarks", "tools", "conf", "docs")
FILES = ("setup.cfg", "pyproject.toml", "constraints.txt", "MANIFEST.in", "README.rst", "LICENSE")
UNREACHABLE = ("NewConnectionError", "Temporary failure in name resolution", "ConnectTimeout")


class InstalledTests(TestCase):
    """One installation, made once, looked at from all sides; slow."""

    timeout = 600

    async def test_installation(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.source = self.directory / "source"
        self.source.mkdir(parents=True)
        for name in PARTS:
            if (ROOT / name).is_dir():
                clean = shutil.ignore_patterns("__pycache__", "_build", "*.egg-info")
                shutil.copytree(ROOT / name, self.source / name, ignore=clean)
        for name in FILES:
            shutil.copy(ROOT / name, self.source)
        await self.install()
        await self.check_programs()
        await self.check_gateway()
        await self.check_trial()

    async def install(self) -> None:
        await self.done([sys.executable, "-m", "venv", str(self.directory / "venv")])
        pip = [*self.python("-m", "pip"), "install", "--quiet", "--disable-pip-version-check"]
        made = await self.ended([*pip, "--constraint", "constraints.txt", ".[test]"], self.source)
        if made.gone != Ended(0, None) and any(words in made.printed for words in UNREACHABLE):
            raise SkipTest("no package index can be reached: pip install . was not tried")
        self.assertEqual(made.gone, Ended(0, None), made.printed)

    async def check_programs(self) -> None:
        """The commands are there, and twistd lists and finds the plugin."""
        for program, argument, words in (
            ("twistd", "--help", "openclaw"),
            ("openclaw", "--version", "openclaw"),
        ):
            ran = await self.done([self.program(program), argument])
            self.assertIn(words, ran.out)
        helped = await self.done([self.program("twistd"), "openclaw", "--help"])
        self.assertIn("--state-dir", helped.out)

    async def check_gateway(self) -> None:
        """The service starts under twistd, with the pages that are package data."""
        place = Place(self.directory / "place")
        service = ["--nodaemon", "--pidfile=", "openclaw", *place.options()]
        running = run([self.program("twistd"), *service], self.environment(), self.directory)
        self.addCleanup(running.stop, "KILL")
        await place.ready(running)
        page = await fetch(place.port, "/chat/")
        self.assertEqual(page.status, 200)
        self.assertIn(b"<script", page.body)
        await running.stop()

    async def check_trial(self) -> None:
        """``trial tests`` finds and imports every test beside the installed package."""
        listed = await self.ended([self.program("trial"), "--dry-run", "tests"], self.source)
        self.assertEqual(listed.gone, Ended(0, None), listed.printed[-3000:])
        self.assertIn("PASSED", listed.out)
        self.assertNotIn("[ERROR]", listed.out)

    # -- inside ----------------------------------------------------------------------------------

    def program(self, name: str) -> str:
        return str(self.directory / "venv" / "bin" / name)

    def python(self, *arguments: str) -> list[str]:
        return [self.program("python"), *arguments]

    def environment(self) -> dict[str, str]:
        """As a fresh login has it: nothing leads back to the checkout."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "OPENCLAW_", "VIRTUAL_ENV"))
        }
        return {**kept, "HOME": str(self.directory)}

    async def ended(self, arguments: list[str], directory: Path | None = None) -> Running:
        running = run(arguments, self.environment(), directory or self.directory)
        self.addCleanup(running.stop, "KILL")
        await running.ended()
        return running

    async def done(self, arguments: list[str]) -> Running:
        running = await self.ended(arguments)
        self.assertEqual(running.gone, Ended(0, None), running.printed)
        return running
