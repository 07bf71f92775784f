"""How large modules and functions may be, and that each says what it is; style is Ruff's matter."""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tools.layers import PACKAGE, ROOT, module_name

MODULE_LINES = 400
FUNCTION_LINES = 60
_VAGUE = ("utils", "helpers", "common", "misc", "manager2")
# Names that a folder explains: ``common`` among the schemas is what all schemas share.
_ALLOWED = ("openclaw.protocol.schema.common",)
_SPACE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def check(root: Path) -> list[str]:
    """Check every module of the package in a tree."""
    found: list[str] = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        found += problems(module_name(path, root), path.read_text(encoding="utf-8"))
    return found


def problems(name: str, source: str) -> list[str]:
    """Say what is wrong with one module."""
    return list(_problems(name, source, ast.parse(source)))


def code_lines(source: str, tree: ast.Module) -> int:
    """Count lines that hold code: no blank ones, no comments, no docstrings."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SPACE and token.string:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *_FUNCTION)) and ast.get_docstring(node):
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code)


def _problems(name: str, source: str, tree: ast.Module) -> Iterator[str]:
    if not (ast.get_docstring(tree) or "").strip():
        yield f"{name}: no docstring says what the module is"
    if name.rpartition(".")[2] in _VAGUE and name not in _ALLOWED:
        yield f"{name}: the name says nothing; name the one thing that the module is about"
    lines = code_lines(source, tree)
    if lines > MODULE_LINES:
        yield f"{name}: {lines} lines of code, at most {MODULE_LINES}"
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTION):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{name}:{node.lineno} {node.name}: {length} lines, at most {FUNCTION_LINES}"


if __name__ == "__main__":
    sys.exit("\n".join(check(ROOT)) or None)
