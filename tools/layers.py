"""Which package may import which, checked on the source text; it imports nothing that it reads.

The order of the packages is the architecture: see ARCHITECTURE.rst. An import inside a function or
under ``TYPE_CHECKING`` counts like any other, for such an import is a layering bug in disguise.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "openclaw"
FLOOR = ("errors", "protocol", "interfaces", "deferreds", "periodic", "config", "storage")
DOMAIN = (
    "security",
    "nodes",
    "routing",
    "sessions",
    "queue",
    "automation",
    "agents",
    "channels",
    "monitoring",
    "cluster",
)
UPPER = ("gateway", "http", "client", "assembly", "tap", "cli", "testing")
_BELOW_CLIENTS = frozenset(("errors", "protocol", "interfaces", "deferreds", "config"))
# What runs a command line must start fast and run beside no server.
ONLY = {"client": _BELOW_CLIENTS, "cli": _BELOW_CLIENTS | {"client"}}
# The wire is pure: whatever reads it, in any language or process, needs nothing but these.
PURE = frozenset({"msgspec", "attrs"} | set(sys.stdlib_module_names)) - {"asyncio", "socket"}
# Providers are loaded when they are configured, so never by a module that is loaded at start.
PROVIDERS = ("openclaw.agents.runtimes.openai", "openclaw.channels.platforms")


@frozen
class Import:
    """One import statement's target, absolute, and where it stands.

    :ivar at_start: false inside a function, so it runs when that is called.
    """

    target: str
    line: int
    at_start: bool = True


def rank(layer: str) -> int | None:
    """How high a package stands, or None if nobody said."""
    if layer in FLOOR:
        return FLOOR.index(layer)
    if layer in DOMAIN:
        return len(FLOOR)
    return len(FLOOR) + 1 + UPPER.index(layer) if layer in UPPER else None


def layer_of(name: str) -> str:
    """The layer of a module by its dotted name; what starts a process counts like ``tap``."""
    parts = name.split(".")
    if len(parts) == 1:
        return ""
    return "tap" if parts[1] == "__main__" else parts[1]


def imports(tree: ast.AST, at_start: bool = True) -> Iterator[Import]:
    """Yield every import below a node, with a dot in front of relative ones."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, at_start) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, at_start)
        else:
            yield from imports(node, at_start and not _runs_later(node))


def violations(name: str, source: str) -> list[str]:
    """Say what one module imports that it must not.

    :param name: the module's dotted name, ``openclaw.storage.sqlite``.
    """
    found = []
    for item in imports(ast.parse(source)):
        problem = _problem(name, item)
        if problem:
            found.append(f"{name}:{item.line} imports {item.target}: {problem}")
    return found


def check(root: Path) -> list[str]:
    """Check every module of the package in a tree, and the plugin directories."""
    found = []
    for path in sorted((root / PACKAGE).rglob("*.py")):
        found += violations(module_name(path, root), path.read_text(encoding="utf-8"))
    for directory in ("twisted", "twisted/plugins"):
        if (root / directory / "__init__.py").exists():
            found.append(f"{directory}/__init__.py hides the real package; delete it")
    return found


def module_name(path: Path, root: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _runs_later(node: ast.AST) -> bool:
    """Whether what is below does not run when the module is loaded."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _problem(name: str, item: Import) -> str:
    if item.target.startswith("."):
        return "relative imports are not used"
    layer, top = layer_of(name), item.target.partition(".")[0]
    if top != PACKAGE:
        impure = layer == "protocol" and top not in PURE
        return "the protocol is pure: standard library, msgspec and attrs only" if impure else ""
    if item.at_start and _loads_provider(name, item.target):
        return "a provider is loaded only when it is configured: import it where it is made"
    return _order(layer, layer_of(item.target))


def _loads_provider(name: str, target: str) -> bool:
    return any(f"{target}.".startswith(f"{provider}.") for provider in PROVIDERS) and not any(
        f"{name}.".startswith(f"{provider}.") for provider in PROVIDERS
    )


def _order(layer: str, other: str) -> str:
    if other == layer or other in ("", "__version__"):
        return ""
    here, there = rank(layer), rank(other)
    if not layer:
        return "the package itself imports nothing of its own"
    if here is None or there is None:
        return f"{layer if here is None else other} is no layer; give it a place in tools/layers.py"
    if other not in ONLY.get(layer, {other}):
        return f"{layer} may use only {', '.join(sorted(ONLY[layer]))}"
    if layer in DOMAIN and other in DOMAIN:
        return "domain packages never import one another; they meet in openclaw.interfaces"
    return f"{other} stands above {layer}" if there > here else ""


if __name__ == "__main__":
    sys.exit("\n".join(check(ROOT)) or None)
