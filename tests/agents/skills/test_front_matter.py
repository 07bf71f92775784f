"""Heads of skills: what is read of YAML, and what is refused with its line."""

from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.skills.front_matter import FrontMatterError, split

HEAD = """name: a-skill # the name
description: >
  Does this,
  and that.
homepage: https://e.example/a#b
quoted: "with: a colon"
single: 'it''s'
long: goes on
  here
flag: true
none: ~
note: |
  one
  two
list:
  - a
  - "b c"
level:
- c
flow: [git, "x y"]
metadata:
  {
    "openclaw":
      {
        "emoji": "x",
        "requires": { "bins": ["git"], "env": [], },
      },
  }
nested:
  openclaw:
    requires:
      bins:
        - gh
    os: [linux]
"""


class FrontMatterTests(SynchronousTestCase):
    def test_everything_that_is_read(self) -> None:
        head, body = split(f"---\n{HEAD}---\n# Body\n---\nmore")
        self.assertEqual(body, "# Body\n---\nmore")
        self.assertEqual(
            head,
            {
                "name": "a-skill",
                "description": "Does this, and that.",
                "homepage": "https://e.example/a#b",
                "quoted": "with: a colon",
                "single": "it's",
                "long": "goes on here",
                "flag": True,
                "none": None,
                "note": "one\ntwo",
                "list": ["a", "b c"],
                "level": ["c"],
                "flow": ["git", "x y"],
                "metadata": {"openclaw": {"emoji": "x", "requires": {"bins": ["git"], "env": []}}},
                "nested": {"openclaw": {"requires": {"bins": ["gh"]}, "os": ["linux"]}},
            },
        )

    def test_ends_of_lines_and_marks(self) -> None:
        head, _ = split("\ufeff---\r\nname: x\r\n---\r\nbody")
        self.assertEqual(head, {"name": "x"})

    def test_what_is_refused(self) -> None:
        for head, words in (
            ("", "line 2: expected a map"),
            ("- a", "line 2: expected a map"),
            ("name", "line 2: expected key: value"),
            ("a: 1\n\tb: 2", "line 3: a tab"),
            ("a: &x y", "means something in YAML"),
            ("a: *x", "means something in YAML"),
            ("a: !!python/object:os.system", "means something in YAML"),
            ('a: "x', "a quote without its end"),
            ("a: {b", "these brackets are no JSON"),
            ("a: b\n   c: d\ne", "line 4"),
            ("".join(f"{' ' * depth}a:\n" for depth in range(20)), "too deep"),
            ("a: " + "x" * 40_000, "more than 32768 characters"),
        ):
            with self.subTest(head[:30]):
                error = self.assertRaises(FrontMatterError, split, f"---\n{head}\n---\n")
                self.assertIn(words, str(error))
        for text in ("", "# no head", "---\nname: x", "--- \nname: x\n---"):
            self.assertRaises(FrontMatterError, split, text)
