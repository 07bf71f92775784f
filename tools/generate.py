"""Writes every file that is made from the code, or with ``--check`` says which are outdated.

``python -m tools.generate``; what each file holds is written in the module that makes it.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from openclaw.agents.runtimes.process.life import start_life as start_process
from openclaw.config.reference import reference
from openclaw.gateway.handshake import start_handshake
from openclaw.http.openai.document import document_text
from openclaw.security.request_life import start_life
from tools import drawings, limits, modules, protocol_pages, support
from tools.layers import ROOT

Maker = Callable[[Path], str]


def between(page: str, name: str, text: str) -> str:
    """Replace what stands between a page's two markers.

    :raises ValueError: the page lacks them.
    """
    begin, end = f".. {name}: begin\n", f".. {name}: end\n"
    head, opened, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the markers of {name!r} are missing")
    return f"{head}{begin}\n{text.strip()}\n\n{end}{tail}"


def _part(page: str, name: str, make: Maker) -> Maker:
    """A maker of a page of which only one part is made."""

    def whole(root: Path) -> str:
        return between((root / page).read_text(encoding="utf-8"), name, make(root))

    return whole


def _support(language: str) -> Maker:
    return lambda root: support.table(root / "docs" / "support.toml", language)


MADE: Mapping[str, Maker] = {
    "docs/config-reference.rst": lambda _: reference(),
    "docs/protocol/schema.json": lambda _: protocol_pages.schema_text(),
    "docs/openapi.json": lambda _: document_text(),
    "docs/protocol/methods.rst": lambda _: protocol_pages.methods_page(),
    "docs/protocol/events.rst": lambda _: protocol_pages.events_page(),
    "docs/protocol/types.rst": lambda _: protocol_pages.types_page(),
    "docs/images/handshake.dot": lambda _: drawings.drawing(start_handshake),
    "docs/images/agent-process.dot": lambda _: drawings.drawing(start_process),
    "docs/images/pairing.dot": lambda _: drawings.drawing(start_life),
    "docs/limits.rst": _part("docs/limits.rst", "limits", lambda _: limits.table()),
    "ARCHITECTURE.rst": _part("ARCHITECTURE.rst", "modules", modules.listing),
    "README.rst": _part("README.rst", "support", _support("en")),
    "README.zh.rst": _part("README.zh.rst", "support", _support("zh")),
}


def outdated(root: Path) -> list[str]:
    """Name the files that differ from what the code says."""
    found = []
    for name, make in MADE.items():
        path = root / name
        if not path.exists() or path.read_text(encoding="utf-8") != make(root):
            found.append(name)
    return found


def write(root: Path) -> list[str]:
    """Write what is outdated, and name it."""
    changed = outdated(root)
    for name in changed:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MADE[name](root), encoding="utf-8")
    for name in MADE:
        path = root / name
        if path.suffix == ".dot" and (name in changed or not path.with_suffix(".svg").exists()):
            drawings.picture(path)
    return changed


def main(arguments: Sequence[str]) -> int:
    """Write or compare; the result is an exit status."""
    parser = argparse.ArgumentParser(prog="tools.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, fail if outdated")
    options = parser.parse_args(arguments)
    if not options.check:
        for name in write(ROOT):
            print(f"written: {name}")
        return 0
    found = outdated(ROOT)
    for name in found:
        print(f"outdated: {name}; run make generated", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
