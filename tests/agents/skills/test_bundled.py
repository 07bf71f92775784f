"""The skills that come along: each can be read, is told, and needs no more than there is."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents import skills as package
from openclaw.agents.skills.shelf import BUNDLED, scan
from openclaw.agents.tools.rules import GROUPS
from openclaw.protocol.schema.skills import SkillNeeds
from tools.layers import ROOT

HERE = Path(package.__file__).with_name("bundled")
MOST_CHARACTERS = 1_500


class BundledTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.skills, self.broken = scan([(BUNDLED, HERE)])

    def test_each_is_sound_and_called_like_its_directory(self) -> None:
        self.assertEqual(self.broken, [])
        names = sorted(path.name for path in HERE.iterdir())
        self.assertEqual([one.name for one in self.skills], names)
        self.assertGreaterEqual(len(names), 5)

    def test_they_need_nothing_and_take_little_room_in_a_prompt(self) -> None:
        self.assertEqual([one.needs for one in self.skills], [SkillNeeds()] * len(self.skills))
        told = sum(len(one.name) + len(one.description) for one in self.skills)
        self.assertLess(told, MOST_CHARACTERS)

    def test_tools_they_name_are_tools_there_are(self) -> None:
        known = {name for group in GROUPS.values() for name in group} | {"skill", "ls"}
        for path in HERE.glob("*/SKILL.md"):
            text = path.read_text(encoding="utf-8")
            wanted = set(re.findall(r"`((?:sessions?|memory|web)_[a-z]+)`", text))
            self.assertLessEqual(wanted, known, path)

    def test_they_are_packaged(self) -> None:
        self.assertIn("bundled/*/SKILL.md", (ROOT / "setup.cfg").read_text())
        self.assertIn("skills/bundled *.md", (ROOT / "MANIFEST.in").read_text())
