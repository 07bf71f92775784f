"""The example of a channel in a package of its own: installed, and held to the contract."""

import ast
import os
import re
import shutil
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from openclaw.testing.running import ROOT, Ended, run

EXAMPLE = Path("docs", "examples", "openclaw-channel-lines")
UNREACHABLE = ("NewConnectionError", "Temporary failure in name resolution", "ConnectTimeout")
MOST_LINES = 60


def commands() -> list[str]:
    """What the page tells people to type."""
    page = (ROOT / "docs" / "channels" / "writing.rst").read_text(encoding="utf-8")
    (block,) = re.findall(r"code-block:: console\n\n((?:   .*\n)+)", page)
    return [line.strip().removeprefix("$ ") for line in block.splitlines()]


class ExampleTests(TestCase):
    """What the page says works, and it is as small as it says."""

    timeout = 400

    async def test_it_is_installed_and_keeps_the_contract(self) -> None:
        place = Path(self.mktemp()).absolute()
        clean = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        shutil.copytree(ROOT / EXAMPLE, place / EXAMPLE, ignore=clean)
        for name in ("openclaw", "twisted"):
            (place / name).symlink_to(ROOT / name)
        paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {**os.environ, "PATH": paths}
        install, test = commands()
        made = run(["/bin/sh", "-c", install], environment, place)
        ended = await made.ended()
        if any(words in made.printed for words in UNREACHABLE):
            raise SkipTest("no package index can be reached: the example was not installed")
        self.assertEqual(ended, Ended(0, None), made.printed)
        tested = run(["/bin/sh", "-c", test], environment, place)
        self.assertEqual(await tested.ended(), Ended(0, None), tested.printed[-6000:])
        self.assertIn("PASSED (successes=10)", tested.out)

    def test_it_is_small(self) -> None:
        """Lines of code: without imports, docstrings, comments and blanks."""
        tree = ast.parse((ROOT / EXAMPLE / "openclaw_channel_lines" / "channel.py").read_text())
        (channel,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
        for node in ast.walk(channel):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                del node.body[0]  # Its docstring.
        lines = [line for line in ast.unparse(channel).split("\n") if line]
        self.assertLessEqual(len(lines), MOST_LINES)
