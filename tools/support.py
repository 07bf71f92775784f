"""The support table of the README files, from ``docs/support.toml``; it judges nothing."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

STATES = ("works", "partly", "not yet")
_HEADS = {"en": ("What", "State", "Verified against"), "zh": ("内容", "状态", "验证方式")}
_WORDS = {
    "en": {state: state for state in STATES},
    "zh": {"works": "可用", "partly": "部分可用", "not yet": "尚未支持"},
}


@frozen
class Row:
    """One line of the table.

    :ivar tests: test modules, classes or tests that show it, by dotted name.
    """

    what: Mapping[str, str]
    state: str
    against: Mapping[str, str]
    tests: Sequence[str] = ()


def rows(path: Path) -> list[Row]:
    """Read the data file.

    :raises ValueError: a state is none of ours, or something that works names no test.
    """
    read = [_row(entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["row"]]
    for row in read:
        if row.state not in STATES:
            raise ValueError(f"{row.what['en']}: the state is one of {', '.join(STATES)}")
        if bool(row.tests) != (row.state != "not yet"):
            raise ValueError(f"{row.what['en']}: exactly what is here names the test that shows it")
    return read


def table(path: Path, language: str) -> str:
    """The table as reStructuredText.

    :param language: ``en`` or ``zh``.
    """
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 34 12 54", ""]
    lines += _cells(_HEADS[language])
    for row in rows(path):
        shown = "".join(f" ``{test}``" for test in row.tests)
        against = f"{row.against[language]}{shown}"
        lines += _cells((row.what[language], _WORDS[language][row.state], against))
    return "\n".join(lines) + "\n"


def _row(entry: dict[str, object]) -> Row:
    def said(key: str) -> dict[str, str]:
        return {"en": str(entry[key]), "zh": str(entry[f"{key}_zh"])}

    tests = entry.get("tests", [])
    assert isinstance(tests, list)
    return Row(said("what"), str(entry["state"]), said("against"), tuple(map(str, tests)))


def _cells(cells: Sequence[str]) -> list[str]:
    first, *others = (cell.strip() for cell in cells)
    return [f"   * - {first}", *(f"     - {cell}" for cell in others)]
