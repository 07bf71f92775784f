"""Paths that try to leave a directory, by the thousand, and a server that lets them.

A path proves nothing unless some careless server would have followed it: :func:`careless` is
that server, and the test asks it first.
"""

import itertools
import unicodedata
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import unquote

TARGETS = ("secret.txt", "deep/secret.txt")
SECRET = b"what nobody may read"
LEAST_PATHS = 2000

# How "one up" and the slash after it can be written; each cluster is decoded by some server.
UPS = {
    "plain": ("../",),
    "percent": ("%2e%2e/", "..%2f", "%2e%2e%2f", ".%2e/", "%2E%2E%2F", "%2e./"),
    "double percent": ("%252e%252e/", "..%252f", "%252e%252e%252f", "%25%32%65%252e/"),
    "triple percent": ("%25252e%25252e%25252f",),
    "backslash": ("..\\", "%2e%2e\\", "..%5c", "%2e%2e%5c", "..%255c", "..\\/", "../\\"),
    "doubled": ("..//", ".././", "..///", "./../", "%2e/%2e%2e/", "..;/"),
    # The two-dot leader, full-width stops, solidus and reverse solidus: all of them fold to ASCII.
    "unicode": (
        "\u2025/",
        "\uff0e\uff0e/",
        "..\uff0f",
        "\uff0e\uff0e\uff0f",
        "..\uff3c",
        "%ef%bc%8e%ef%bc%8e%ef%bc%8f",
    ),
    "dots that vanish": ("....//", "...//"),
}
ABSOLUTE = ("{}", "/{}", "//{}", "%2f{}", "\\{}", "file://{}", "%5c{}", "/%2f{}", "%252f{}")
STARTS = ("", "assets/", "index.html/", "assets/../", "./", "%2e/")
ENDS = ("", "%00", "%00.js", "%2500.html", "?x", "#x", "%23", ";.js")
DEPTHS = range(1, 9)


def surrounded(outside: Path) -> Path:
    """Make a root with secrets all around it, and links in it that lead to them.

    :param outside: an absolute path; the root is below it, deep enough that eight steps up do not
        leave it.
    """
    root = outside.joinpath(*"abcdefg", "root")
    (root / "assets").mkdir(parents=True)
    for folder in (outside, *root.parents[:7]):
        for target in TARGETS:
            path = folder / target
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(SECRET)
    (root / "link.txt").symlink_to(outside / TARGETS[0])
    (root / "assets" / "link").symlink_to("../../secret.txt")
    (root / "assets" / "up").symlink_to(outside)
    return root


def harmless(root: Path, paths: Collection[tuple[str, str]]) -> set[str]:
    """The clusters of which no path leads the careless server to a secret: they prove nothing."""
    leaked = dict.fromkeys((cluster for cluster, _ in paths), False)
    for cluster, path in paths:
        leaked[cluster] |= careless(root, path) == SECRET
    return {cluster for cluster, leaks in leaked.items() if not leaks}


def hostile_paths(outside: Path) -> Iterator[tuple[str, str]]:
    """Every path with the name of its cluster, without the slash at its beginning.

    :param outside: the directory the targets are in, for the absolute ones.
    """
    for cluster, ups in UPS.items():
        for up, depth, start in itertools.product(ups, DEPTHS, STARTS):
            for target, end in _targets():
                yield cluster, f"{start}{up * depth}{target}{end}"
    for shape, target, end in itertools.product(ABSOLUTE, TARGETS, ENDS):
        yield "absolute", shape.format(outside / target) + end
    for link, end in itertools.product(("link.txt", "assets/link", "assets/up/secret.txt"), ENDS):
        yield "link", link + end


def _targets() -> Iterator[tuple[str, str]]:
    # Every end with the first target, the second one bare: enough to hit, few enough to run.
    yield from ((TARGETS[0], end) for end in ENDS[:4])
    yield TARGETS[1], ""


def careless(root: Path, path: str) -> bytes:
    """Read what a server would that decodes too often, trusts the system, and follows links."""
    readings = {path}
    for _ in range(4):
        readings |= {_loosely(one) for one in readings}
        readings |= {unquote(one) for one in readings}
    for reading in readings:
        for place in (f"{root}/{reading}", reading):
            try:
                return Path(place).read_bytes()
            except (OSError, ValueError):
                continue
    return b""


def _loosely(path: str) -> str:
    path = unicodedata.normalize("NFKC", path.removeprefix("file://"))
    path = path.replace("\\", "/").replace("....", "..").replace("...", "..")
    for mark in ("\0", "?", "#", ";"):
        path = path.replace(";/", "/").partition(mark)[0]
    return path.replace("index.html/", "")
