"""Skills on a real disk: precedence, needs, rules, changes, and broken ones."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from openclaw.agents.skills.shelf import Places, SkillRules, SkillShelf
from openclaw.agents.skills.skill import Surroundings
from openclaw.agents.tools.skill import SkillTool
from openclaw.config.skills import SkillValues
from openclaw.interfaces.skills import ISkills
from openclaw.protocol.base import encode
from openclaw.protocol.schema.skills import SkillRow, SkillsStatus
from tests.agents.tools.rig import STRANGER, box, use_of

AROUND = Surroundings(
    has_program=lambda name: name in ("git", "jq"),
    variables=frozenset({"TOKEN"}),
    is_set=lambda path: path == "channels.telegram",
    os="linux",
)


class ShelfCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.root = Path(self.mktemp()).absolute()
        self.shelf = self.make()

    def make(
        self,
        rules: SkillRules | None = None,
        in_thread: Callable[..., Deferred[Any]] = maybeDeferred,
    ) -> SkillShelf:
        places = Places(
            workspace=self.root / "workspace",
            managed=self.root / "managed",
            directories=tuple(
                (f"openclaw-{name}", self.root / name)
                for name in ("workspace", "managed", "bundled")
            ),
        )
        return SkillShelf(
            lambda agent_id: places, rules or SkillRules(), AROUND, in_thread, self.clock
        )

    def put(self, place: str, name: str, head: str = "", description: str = "Does it.") -> Path:
        """Write a skill, and let time pass until it is seen."""
        path = self.root / place / name / "SKILL.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\nname: {name}\ndescription: {description}\n{head}\n---\nDo this.\n")
        self.clock.advance(3)
        return path

    @property
    def status(self) -> SkillsStatus:
        return self.successResultOf(self.shelf.status("main"))

    @property
    def prompt(self) -> str:
        return self.successResultOf(self.shelf.prompt("main"))

    def row(self, name: str) -> SkillRow:
        return next(row for row in self.status.skills if row.name == name)


class PlaceTests(ShelfCase):
    def test_interface(self) -> None:
        verifyObject(ISkills, self.shelf)

    def test_nothing_there(self) -> None:
        self.assertEqual((self.prompt, self.status.skills, self.status.broken), ("", [], []))

    def test_workspace_wins_over_managed_wins_over_bundled(self) -> None:
        sources = []
        for place in ("bundled", "managed", "workspace"):
            self.put(place, "one", description=f"From {place}.")
            sources.append((self.row("one").source, self.prompt.rpartition("- ")[2]))
        self.assertEqual(
            sources,
            [
                (f"openclaw-{place}", f"one: From {place}.")
                for place in ("bundled", "managed", "workspace")
            ],
        )
        self.assertEqual(len(self.status.skills), 1)

    def test_changes_are_seen_within_seconds(self) -> None:
        path = self.put("managed", "one")
        self.assertIn("one: Does it.", self.prompt)
        path.write_text(path.read_text().replace("Does it", "Does more"))
        self.assertIn("Does it", self.prompt)
        self.clock.advance(3)
        self.assertIn("Does more", self.prompt)
        path.unlink()
        self.clock.advance(3)
        self.assertEqual(self.prompt, "")

    def test_a_look_that_nobody_waits_for_any_more_ends_who_waited(self) -> None:
        shelf = self.make(in_thread=lambda *_: Deferred())
        waiting = shelf.prompt("main")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_broken_one_is_reported_once_and_hurts_no_other(self) -> None:
        self.put("managed", "good")
        broken = self.root / "managed" / "bad" / "SKILL.md"
        broken.parent.mkdir()
        for content in (b"no head", b"---\nname: x\n---\n", b"\xff\xfe", b"---\nname: [1]\n---\n"):
            broken.write_bytes(content)
            self.clock.advance(3)
            self.assertEqual([row.name for row in self.status.skills], ["good"])
            (found,) = self.status.broken
            self.assertEqual(found.path, str(broken))
        broken.unlink()
        broken.symlink_to("/etc/passwd")
        self.clock.advance(3)
        self.assertEqual(len(self.status.broken), 1)
        self.assertEqual(self.prompt.count("\n- "), 1)


class NeedTests(ShelfCase):
    def test_what_is_missing_is_named(self) -> None:
        head = (
            'metadata: {"openclaw": {"emoji": "🎯", "primaryEnv": "KEY", "os": ["darwin"], '
            '"requires": {"bins": ["git", "gh"], "anyBins": ["a", "b"], "env": ["TOKEN", "KEY"], '
            '"config": ["channels.telegram", "channels.irc"]}}}'
        )
        self.put("managed", "one", head)
        row = self.row("one")
        missing = row.missing
        self.assertEqual(
            (missing.bins, missing.any_bins, missing.env), (["gh"], ["a", "b"], ["KEY"])
        )
        self.assertEqual((missing.config, missing.os), (["channels.irc"], ["darwin"]))
        self.assertEqual([one.satisfied for one in row.config_checks], [True, False])
        self.assertEqual((row.emoji, row.primary_env, row.eligible), ("🎯", "KEY", False))
        self.assertEqual(self.prompt, "")

    def test_one_of_several_is_enough(self) -> None:
        self.put("managed", "one", 'metadata: {"openclaw": {"requires": {"anyBins": ["x", "jq"]}}}')
        self.assertTrue(self.row("one").eligible)

    def test_always_is_told_unless_it_is_for_another_system(self) -> None:
        for os, eligible in (("linux", True), ("darwin", False)):
            own = f'"always": true, "os": "{os}", "requires": {{"bins": ["x"]}}'
            head = f'metadata: {{"openclaw": {{{own}}}}}'
            self.put("managed", "one", head)
            self.assertEqual(self.row("one").eligible, eligible)

    def test_hidden_from_models(self) -> None:
        self.put("managed", "one", "disable-model-invocation: true")
        self.assertEqual((self.row("one").eligible, self.prompt), (True, ""))

    def test_switched_off_and_not_this_agents(self) -> None:
        rules = SkillRules(disabled=frozenset({"one"}), allowed=lambda agent_id: ("one", "two"))
        self.shelf = self.make(rules)
        for name in ("one", "two", "three"):
            self.put("managed", name)
        rows = {row.name: row for row in self.status.skills}
        self.assertEqual([row.eligible for row in rows.values()], [False, False, True])
        self.assertTrue(rows["one"].disabled and rows["three"].blocked_by_allowlist)
        self.assertEqual(self.prompt.count("\n- "), 1)


class GivenTests(ShelfCase):
    """What the configuration gives to skills."""

    def setUp(self) -> None:
        super().setUp()
        values = {
            "one": SkillValues(env={"URL": "u", "KEY": "own"}, api_key="canary-key"),
            "two": SkillValues(api_key="canary-two"),
            "evil": SkillValues(api_key="canary-evil"),
        }
        rules = SkillRules(
            values=values, allowed=lambda agent: {"one"} if agent == "narrow" else None
        )
        self.shelf = self.make(rules)
        self.put("managed", "one", _needing("KEY"))
        self.put("managed", "two", _needing("TWO"))
        self.put("managed", "evil", _needing("LD_PRELOAD"))

    def given(self, agent: str = "main", *without: str) -> dict[str, str]:
        found: Any = self.successResultOf(self.shelf.environment(agent, without))
        return dict(found)

    def test_what_is_given_is_not_missing(self) -> None:
        self.assertEqual(self.row("two").missing.env, [])
        self.assertTrue(self.row("two").eligible)
        self.assertEqual(self.row("evil").missing.env, ["LD_PRELOAD"])
        self.assertFalse(self.row("evil").eligible)

    def test_variables_and_the_key_under_the_name_the_skill_gives(self) -> None:
        self.assertEqual(self.given(), {"URL": "u", "KEY": "own", "TWO": "canary-two"})

    def test_only_of_skills_that_can_be_used(self) -> None:
        self.assertEqual(self.given("narrow"), {"URL": "u", "KEY": "own"})
        self.assertEqual(self.given("main", "one"), {"TWO": "canary-two"})

    def test_no_model_and_no_client_is_told(self) -> None:
        self.assertNotIn("canary", self.prompt + repr(self.status))


class BundledRulesTests(ShelfCase):
    def test_only_those_that_are_named(self) -> None:
        self.shelf = self.make(SkillRules(bundled=("one",)))
        for place, name in (("bundled", "one"), ("bundled", "two"), ("managed", "three")):
            self.put(place, name)
        usable = {row.name: row.eligible for row in self.status.skills}
        self.assertEqual(usable, {"one": True, "two": False, "three": True})
        self.assertTrue(self.row("two").blocked_by_allowlist)

    def test_files_are_named_for_those_who_read_them_by_themselves(self) -> None:
        path = self.put("managed", "one")
        told = self.successResultOf(self.shelf.prompt("main", (), True))
        self.assertIn(f"- one: Does it. ({path})", told)
        self.assertNotIn("`skill`", told)


def _needing(variable: str) -> str:
    needs = f'"primaryEnv": "{variable}", "requires": {{"env": ["{variable}"]}}'
    return f'metadata: {{"openclaw": {{{needs}}}}}'


class ToolTests(ShelfCase):
    def setUp(self) -> None:
        super().setUp()
        self.off: set[str] = set()
        self.put("managed", "one")
        (self.root / "managed" / "one" / "more.md").write_text("More of it.")
        (self.root / "managed" / "secret.txt").write_text("canary-4711")
        self.box = box(self.clock)
        self.box.register(SkillTool(self.shelf, lambda key: self.off))

    def used(self, **given: str) -> str:
        using = self.box.use("skill", encode(given).decode(), use_of(STRANGER))
        return self.successResultOf(using).text

    def test_instructions_and_files(self) -> None:
        self.assertIn("Do this.", self.used(name="one"))
        self.assertEqual(self.used(name="one", path="more.md"), "More of it.")
        self.assertIn("there are: one", self.used(name="two"))

    def test_what_the_session_switched_off(self) -> None:
        self.off.add("one")
        self.assertIn("switched off in this session", self.used(name="one"))
        self.assertEqual(self.successResultOf(self.shelf.prompt("main", self.off)), "")

    def test_nothing_outside_of_a_skill(self) -> None:
        (self.root / "managed" / "one" / "link").symlink_to("../secret.txt")
        for path in (
            "../secret.txt",
            "link",
            "/etc/passwd",
            "..",
            str(self.root / "managed/secret.txt"),
        ):
            text = self.used(name="one", path=path)
            self.assertNotIn("canary", text)
        for name in ("../one", ".", "one/../../managed/one"):
            self.assertIn("there is no skill", self.used(name=name))


class LeavingTests(ShelfCase):
    def test_a_run_that_is_stopped_while_skills_are_read_goes_on_no_further(self) -> None:
        """A stop is no disk in trouble."""
        places = Places(workspace=self.root, managed=self.root, directories=())
        reading: Deferred[object] = Deferred()
        shelf = SkillShelf(
            lambda agent_id: places, SkillRules(), AROUND, lambda *_: reading, self.clock
        )
        waiting = shelf.prompt("main")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.flushLoggedErrors(), [])
