"""The quality table of the chat platforms, from ``docs/channels.toml`` and their manifests."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from openclaw.channels.registry import BUILT_IN, load
from openclaw.interfaces.channels import Manifest

_HEADS = ("Platform", "Besides text", "A message", "Verified against", "Not there")
_UNITS = {"characters": "characters", "utf-16": "UTF-16 units", "bytes": "bytes"}
# Abilities as people would call them, in the order of the table.
_ABILITIES = {
    "edit": "edits",
    "delete": "deletion",
    "react": "reactions",
    "typing_seconds": "typing signs",
    "threads": "threads",
    "media": "files",
}


@frozen
class Verified:
    """What is said of one platform.

    :ivar tests: test modules that show it, by dotted name; never none.
    """

    channel: str
    against: str
    missing: str
    tests: Sequence[str]


def verified(path: Path) -> list[Verified]:
    """Read the data file.

    :raises ValueError: a platform that comes with the gateway is not in it, or names no test, or
        one is that does not.
    """
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    if set(told) != set(BUILT_IN):
        raise ValueError(
            f"{path.name} and the registry differ: {sorted(set(told) ^ set(BUILT_IN))}"
        )
    rows = [_row(channel, entry) for channel, entry in told.items()]
    for row in rows:
        if not row.tests:
            raise ValueError(f"{row.channel}: what was verified names the test that shows it")
    return rows


def table(path: Path) -> str:
    """The table as reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 10 22 16 36 16", ""]
    lines += _cells(_HEADS)
    for row in verified(path):
        manifest: Manifest = load(BUILT_IN[row.channel])
        shown = " ".join(f"``{test}``" for test in row.tests)
        name = f":doc:`{manifest.label} <{row.channel}>`"
        most = f"{manifest.text.default:,} {_UNITS[manifest.text.unit]}".replace(",", " ")
        words = ", ".join(_words(manifest)) or "nothing"
        lines += _cells((name, words, most, f"{row.against} {shown}", row.missing))
    return "\n".join(lines) + "\n"


def _words(manifest: Manifest) -> Iterator[str]:
    abilities = manifest.abilities
    for name, words in _ABILITIES.items():
        if getattr(abilities, name):
            yield words
    if manifest.streaming != "off":
        yield "answers that grow"
    if abilities.idempotent or abilities.lookup:
        yield "repeats without doubles"


def _row(channel: str, entry: Mapping[str, object]) -> Verified:
    tests = entry.get("tests", [])
    assert isinstance(tests, list)
    return Verified(channel, str(entry["against"]), str(entry["missing"]), tuple(map(str, tests)))


def _cells(cells: Sequence[str]) -> list[str]:
    first, *others = cells
    return [f"   * - {first}", *(f"     - {cell}" for cell in others)]
