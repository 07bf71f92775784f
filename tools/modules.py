"""The list of modules in ARCHITECTURE.rst, from their docstrings; it imports none of them."""

import ast
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tools.layers import DOMAIN, FLOOR, PACKAGE, UPPER, module_name

_ORDER = ("", *FLOOR, *DOMAIN, *UPPER)


def listing(root: Path) -> str:
    """Every module with its first sentence, package by package, lowest layer first."""
    rows = sorted(_rows(root / PACKAGE, root), key=lambda row: (_place(row[0]), row[0]))
    parts = []
    for layer, members in groupby(rows, key=lambda row: _layer(row[0])):
        title = f"{PACKAGE}/{layer}" if layer else PACKAGE
        parts.append(f"\n{title}\n{'~' * len(title)}\n\n")
        parts += [f"``{name}``\n    {said}\n" for name, said in members]
    return "".join(parts)


def first_sentence(docstring: str) -> str:
    """The first sentence on one line, as reStructuredText that needs no Python domain."""
    text = " ".join(docstring.partition("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]*)`", r"``\1``", text)


def _rows(package: Path, root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(package.rglob("*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        yield module_name(path, root), first_sentence(docstring)


def _layer(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def _place(name: str) -> int:
    layer = _layer(name)
    return _ORDER.index(layer) if layer in _ORDER else len(_ORDER)
