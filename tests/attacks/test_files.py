"""S16: paths that lead out of the directories that are served."""

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from openclaw.http import files
from openclaw.http.files import FileRoot, Found
from tests.attacks.judging import AttackCase, Verdict, hostile
from tests.attacks.live import LiveCase
from tests.http.exchanges import Port
from tests.http.hostile_paths import SECRET, TARGETS, careless, hostile_paths, surrounded


def lay_out(outside: Path) -> Path:
    """A root with files in it, and secrets all around it."""
    root = surrounded(outside)
    (root / "index.html").write_text("the page")
    (root / ".hidden").write_bytes(SECRET)
    return root


class FileAttacks(AttackCase):
    """Every path, on both roots; a careless server is the oracle for what it was worth."""

    def ask_all(self) -> Verdict:
        verdict = Verdict()
        outside = Path(self.mktemp()).absolute()
        root = lay_out(outside)
        port = Port(self.mktemp(), {"gateway": {"controlUi": {"root": str(root)}}})
        paths = list(hostile_paths(outside))
        self.dangerous = sum(careless(root, path) == SECRET for _, path in paths[::7])
        for number, (_, path) in enumerate(paths):
            target = (("/" if number % 3 else "/chat/") + path).encode()
            answer = port.ask(target)
            verdict.note(target, SECRET in answer.body)
        verdict.note("the page", port.ask("/index.html").status == 200, may=True)
        return verdict

    @hostile(8088)
    def test_cve_2026_25475_paths_out_of_the_root(self) -> None:
        """Media tags and aliases named any file of the machine (CVE-2026-32846, CVE-2026-43533)."""
        self.held(self.ask_all())
        # Every seventh of them was tried on the careless server as well.
        self.assertGreater(self.dangerous, 100)
        self.patch(FileRoot, "read", _careless_read)
        self.caught(self.ask_all())

    def names(self) -> Verdict:
        verdict = Verdict()
        outside = Path(self.mktemp()).absolute()
        root = FileRoot(lay_out(outside))
        ways: tuple[str, ...] = (
            "",
            ".",
            "..",
            "...",
            "~",
            "\\\\host\\share",
            "C:",
            "//x",
            "CON",
            "%2e%2e",
            "a",
        )
        ways += ("assets/..", "..\\..", "up", "assets", "root", str(outside), "file:", ".hidden")
        for first in ways:
            for second in ways:
                for third in ("secret.txt", "link", "up", "link.txt", ".hidden", "zero", *TARGETS):
                    found = root.read([first, second, third])
                    verdict.note(
                        (first, second, third), found is not None and found.content == SECRET
                    )
        return verdict

    @hostile(2888)
    def test_ghsa_mr34_9552_qr95_names_that_are_none(self) -> None:
        """UNC paths, aliases and links under the resolver itself (CVE-2026-41366)."""
        self.held(self.names())
        self.patch(files, "is_name", lambda segment: True)
        self.patch(os, "O_NOFOLLOW", 0)
        self.caught(self.names())


def _careless_read(root: FileRoot, segments: Sequence[str]) -> Found | None:
    """The bug: the path is put together, and opened."""
    try:
        return Found(root._root.joinpath(*segments).read_bytes(), "text/plain")
    except (OSError, ValueError):
        return None


class LiveFileAttacks(LiveCase):
    """The same on a real socket, for files that the gateway itself has."""

    async def ask_for_own(self) -> Verdict:
        verdict, own = Verdict(), self.state / "gateway"
        secrets = [path.read_bytes().strip() for path in own.iterdir() if path.stat().st_size < 99]
        self.assertTrue(secrets)
        names = ("gateway-token", "device-secret", "journal.sqlite", "runtime.json")
        ups = ("../", "%2e%2e/", "..%2f", "..%5c", "%252e%252e%252f", "//", "....//")
        for name, up in itertools.product((*names, "../openclaw.json"), ups):
            for count, start in itertools.product((1, 2, 4, 20), ("/chat/", "/")):
                path = f"{start}{up * count}{own.relative_to('/')}/{name}"
                _, _, body = await self.http(path)
                told = any(secret in body for secret in secrets) or b"SQLite" in body
                verdict.note(path, told)
        return verdict

    @hostile(280)
    async def test_ghsa_8jpq_5h99_ff5r_own_secrets_over_http(self) -> None:
        """The gateway's own token, key and journal are files too."""
        self.held(await self.ask_for_own())
        self.patch(FileRoot, "read", _careless_read)
        self.caught(await self.ask_for_own())
