"""What is made from the code: drawings, pages, tables, and that outdated ones are noticed."""

import re
from pathlib import Path
from typing import Protocol

from automat import TypeMachineBuilder
from twisted.trial.unittest import SynchronousTestCase

from openclaw.protocol.events import EVENTS
from openclaw.protocol.methods import METHODS
from tools import drawings, generate, modules, protocol_pages, support

ROW = """
[[row]]
what = "A thing"
what_zh = "东西"
state = "{state}"
against = "something real"
against_zh = "真实的东西"
tests = {tests}
"""


class Door(Protocol):
    def push(self) -> None:
        """Somebody pushes."""

    def knock(self) -> None:
        """Somebody knocks."""

    def lock(self) -> None:
        """Somebody locks."""


def make_drawing() -> str:
    builder = TypeMachineBuilder(Door, dict[str, int])
    shut, is_open, locked = (builder.state(name) for name in ("shut", "open", "locked"))

    @shut.upon(Door.push).to(is_open)
    def swing(door: Door, core: dict[str, int]) -> None:
        """Open."""

    shut.upon(Door.knock).to(is_open).returns(None)
    shut.upon(Door.lock).to(locked).returns(None)
    locked.upon(Door.push).loop().returns(None)
    return drawings.drawing(builder.build())


class DrawingTests(SynchronousTestCase):
    def test_every_transition_is_drawn_in_one_order(self) -> None:
        arrows = [line.strip() for line in make_drawing().splitlines() if "->" in line]
        self.assertEqual(
            arrows,
            [
                '"locked" -> "locked" [label="push"]',
                '"shut" -> "locked" [label="lock"]',
                '"shut" -> "open" [label="knock\\npush / swing"]',
            ],
        )

    def test_the_first_state_stands_out(self) -> None:
        self.assertIn('"shut" [penwidth=2]', make_drawing())

    def test_two_drawings_are_equal(self) -> None:
        self.assertEqual(len({make_drawing() for _ in range(20)}), 1)


class ProtocolPageTests(SynchronousTestCase):
    def test_every_method_and_event_has_its_section(self) -> None:
        for page, names in (
            (protocol_pages.methods_page(), METHODS),
            (protocol_pages.events_page(), EVENTS),
        ):
            sections = re.findall(r"\n([\w.-]+)\n-+\n", page)
            self.assertEqual(sections, list(names))

    def test_every_link_has_its_target(self) -> None:
        types = protocol_pages.types_page()
        pages = protocol_pages.methods_page() + protocol_pages.events_page() + types
        targets = set(re.findall(r"^\.\. _(type-[^:]+):$", types, re.MULTILINE))
        self.assertGreater(len(targets), 40)
        self.assertEqual(set(re.findall(r"<(type-[^>]+)>`", pages)) - targets, set())

    def test_types_in_words(self) -> None:
        for schema, words in (
            ({}, "anything"),
            ({"type": "string", "minLength": 1}, "string (at least this long: 1)"),
            ({"enum": ["a", "b"]}, '``"a"`` or ``"b"``'),
            ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
            ({"type": "array", "items": {"$ref": "#/$defs/X"}}, "array of :ref:`X <type-X>`"),
            ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
        ):
            self.assertEqual(protocol_pages.type_words(schema), words)


class SupportTests(SynchronousTestCase):
    def written(self, state: str = "works", tests: str = '["tests.x"]') -> Path:
        path = Path(self.mktemp())
        path.write_text(ROW.format(state=state, tests=tests), encoding="utf-8")
        return path

    def test_table(self) -> None:
        table = support.table(self.written(), "en")
        self.assertIn("   * - A thing\n     - works\n     - something real ``tests.x``\n", table)
        self.assertIn("   * - 东西\n     - 可用\n", support.table(self.written(), "zh"))

    def test_what_works_names_its_test(self) -> None:
        for state, tests in (("works", "[]"), ("partly", "[]"), ("not yet", '["tests.x"]')):
            error = self.assertRaises(ValueError, support.rows, self.written(state, tests))
            self.assertIn("A thing", str(error))

    def test_states_are_three(self) -> None:
        self.assertRaises(ValueError, support.rows, self.written("almost"))


class GenerateTests(SynchronousTestCase):
    def test_only_what_stands_between_the_markers_changes(self) -> None:
        page = "before\n.. x: begin\nold\n.. x: end\nafter\n"
        made = generate.between(page, "x", "new")
        self.assertEqual(made, "before\n.. x: begin\n\nnew\n\n.. x: end\nafter\n")
        self.assertEqual(generate.between(made, "x", "new"), made)

    def test_lost_markers_are_an_error(self) -> None:
        for page in ("", ".. x: begin\n", ".. x: end\n.. x: begin\n"):
            self.assertRaises(ValueError, generate.between, page, "x", "new")

    def test_outdated_files_are_named_and_written(self) -> None:
        root = Path(self.mktemp())
        root.mkdir()
        made = {"a/b.txt": lambda _: "new", "c.txt": lambda _: "same"}
        self.patch(generate, "MADE", made)
        (root / "c.txt").write_text("same")
        self.assertEqual(generate.outdated(root), ["a/b.txt"])
        self.assertEqual(generate.write(root), ["a/b.txt"])
        self.assertEqual(generate.outdated(root), [])
        (root / "c.txt").write_text("changed by hand")
        self.assertEqual(generate.outdated(root), ["c.txt"])

    def test_modules_are_listed_lowest_layer_first(self) -> None:
        root = Path(self.mktemp())
        for name, docstring in (
            ("cli/main.py", "Last."),
            ("errors.py", "First;\nin two lines.\n\nAnd more."),
            ("config/load.py", "See :class:`~a.B`."),
        ):
            path = root / "openclaw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f'"""{docstring}"""\n')
        rows = re.findall(r"^``(\S+)``\n    (.+)$", modules.listing(root), re.MULTILINE)
        self.assertEqual(
            rows,
            [
                ("openclaw.errors", "First; in two lines."),
                ("openclaw.config.load", "See ``a.B``."),
                ("openclaw.cli.main", "Last."),
            ],
        )
