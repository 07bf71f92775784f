"""``openclaw skills`` against a real gateway."""

from tests.cli.test_against_gateway import RealGatewayCase


class SkillsTests(RealGatewayCase):
    """What is listed is what lies in the directories."""

    async def test_list_and_check(self) -> None:
        managed = self.home / ".openclaw" / "skills"
        first = (await self.succeeds("skills", "list", "--json")).document
        along = [row["name"] for row in first["skills"]]
        self.assertIn("daily-summary", along)
        self.assertEqual({row["source"] for row in first["skills"]}, {"openclaw-bundled"})
        for name, head in (("fine", ""), ("lacking", 'metadata: {"openclaw":{"os":["win32"]}}')):
            (managed / name).mkdir(parents=True)
            text = f"---\nname: {name}\ndescription: Does it.\n{head}\n---\n"
            (managed / name / "SKILL.md").write_text(text)
        (managed / "bad").mkdir()
        (managed / "bad" / "SKILL.md").write_text("no head")
        ran = await self.run_command("skills", "check")
        wanted = f"{len(along) + 1} of {len(along) + 2}"
        while wanted not in ran.out:  # What was read a moment ago is kept for seconds.
            ran = await self.run_command("skills", "check")
        self.assertEqual(ran.status, 1)
        self.assertIn("lacking: needs only on win32", ran.out)
        self.assertIn("bad/SKILL.md: line 1: expected ---", ran.out)
        listed = (await self.succeeds("skills", "list", "--eligible", "--json")).document
        names = [row["name"] for row in listed["skills"]]
        self.assertEqual(names, sorted([*along, "fine"]))
        self.assertIn("openclaw-managed", (await self.succeeds("skills", "list")).out)
        refused = await self.run_command("skills", "list", "--agent", "../x")
        self.assertIn("unknown agent id", refused.out + refused.err)


del RealGatewayCase
