"""Files of a workspace: read, written, changed, listed; and nothing outside of it."""

import os
import socket
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openclaw.agents.tools.files import Edit, Ls, Read, Workspaces, Write
from openclaw.agents.tools.workspace import Workspace
from openclaw.interfaces.tools import Authority, ToolFailed, ToolPlace, ToolResult
from openclaw.protocol.base import encode
from tests.agents.tools.rig import OWNER, STRANGER, box, use_of
from tests.http.hostile_paths import (
    LEAST_PATHS,
    SECRET,
    TARGETS,
    harmless,
    hostile_paths,
    surrounded,
)

FLIPS = 400


class FilesCase(SynchronousTestCase):
    """Two agents with a workspace each, and secrets all around them."""

    def setUp(self) -> None:
        self.outside = Path(self.mktemp()).absolute()
        self.root = surrounded(self.outside)
        (self.root / "index.html").write_text("one\ntwo\nthree\n")
        ids = count()
        self.workspaces = Workspaces(
            lambda agent_id: self.root if agent_id == "main" else self.root.with_name(agent_id),
            lambda: f"id{next(ids)}",
            maybeDeferred,
        )
        self.box = box(Clock())
        for tool in (Read, Write, Edit, Ls):
            self.box.register(tool(self.workspaces))

    def used(
        self, name: str, authority: Authority = OWNER, agent: str = "main", **given: Any
    ) -> ToolResult:
        use = use_of(authority, agent)
        return self.successResultOf(self.box.use(name, encode(given).decode(), use))

    def good(self, name: str, **given: Any) -> str:
        result = self.used(name, **given)
        self.assertFalse(result.is_error, result.text)
        return result.text

    def bad(self, name: str, **given: Any) -> str:
        result = self.used(name, **given)
        self.assertTrue(result.is_error, result.text)
        return result.text


class WorkTests(FilesCase):
    """What the tools are for."""

    def test_write_read_edit_list(self) -> None:
        self.assertEqual(
            self.good("write", path="notes/a.md", content="héllo\n"), "made notes/a.md, 7 bytes"
        )
        self.assertEqual(self.good("read", path="./notes/a.md"), "héllo\n")
        self.assertIn(
            "changed 1 place", self.good("edit", path="notes/a.md", oldText="héllo", newText="bye")
        )
        self.assertEqual((self.root / "notes/a.md").read_text(), "bye\n")
        self.assertEqual(self.good("ls"), "assets/\nindex.html  14 bytes\nnotes/")
        self.assertEqual(self.good("ls", path="notes"), "a.md  4 bytes")
        self.assertEqual((self.root / "notes/a.md").stat().st_mode & 0o777, 0o600)
        self.assertIn("replaced", self.good("write", path="notes/a.md", content=""))

    def test_pages_of_a_file(self) -> None:
        self.assertEqual(
            self.good("read", path="index.html", offset=2, limit=1),
            "two\n[2 more lines: read on with offset 3]",
        )
        self.assertIn("there is no line 9", self.bad("read", path="index.html", offset=9))

    def test_edit_must_be_plain(self) -> None:
        self.good("write", path="a", content="x y x")
        self.assertIn("2 times", self.bad("edit", path="a", oldText="x", newText="z"))
        self.assertIn("is not in", self.bad("edit", path="a", oldText="q", newText="z"))
        self.assertEqual((self.root / "a").read_text(), "x y x")
        self.good("edit", path="a", oldText="x", newText="z", all=True)
        self.assertEqual((self.root / "a").read_text(), "z y z")

    def test_what_is_no_text_is_not_told(self) -> None:
        (self.root / "b").write_bytes(b"\x89PNG\0\0")
        (self.root / "c").write_bytes(b"\xff\xfe\xfd")
        self.assertIn("no text", self.bad("read", path="b"))
        self.assertIn("no UTF-8 text", self.bad("read", path="c"))

    def test_too_large_is_refused(self) -> None:
        with open(self.root / "big", "wb") as file:
            file.truncate((10 << 20) + 1)
        self.assertIn("more than", self.bad("read", path="big"))

    def test_each_agent_has_a_workspace_of_its_own(self) -> None:
        self.good("write", path="mine.md", content="canary-4711")
        other = self.used("read", agent="other", path="mine.md")
        self.assertTrue(other.is_error)
        self.assertNotIn("canary", other.text + self.used("ls", agent="other").text)

    def test_memory_is_for_the_owner_alone(self) -> None:
        self.good("write", path="MEMORY.md", content="canary-4711")
        group = STRANGER.origin
        assert group is not None
        from msgspec.structs import replace

        in_group = Authority(
            owner=True, origin=replace(group, target=replace(group.target, chat_type="group"))
        )
        for authority in (STRANGER, Authority(), in_group):
            specs = self.successResultOf(self.box.specs(ToolPlace(agent_id="main"), authority))
            self.assertEqual(list(specs), [])
            for name in ("read", "ls", "write", "edit"):
                result = self.used(
                    name, authority, path="MEMORY.md", content="", oldText="c", newText=""
                )
                self.assertTrue(result.is_error)
                self.assertNotIn("canary", result.text)
        self.assertEqual((self.root / "MEMORY.md").read_text(), "canary-4711")


class EscapeTests(FilesCase):
    """S16: nothing from outside is read, nothing outside is changed."""

    def setUp(self) -> None:
        super().setUp()
        self.paths = list(hostile_paths(self.outside))
        self.before = self.picture()

    def picture(self) -> dict[str, bytes]:
        """Everything outside of the workspace."""
        found = {}
        for folder, _, names in os.walk(self.outside):
            if not folder.startswith(str(self.root)):
                found.update(
                    {f"{folder}/{name}": Path(folder, name).read_bytes() for name in names}
                )
        return found

    def test_careless_tool_would_have_leaked(self) -> None:
        self.assertEqual(harmless(self.root, self.paths), set())

    def test_nothing_is_read_from_outside(self) -> None:
        self.assertGreater(len(self.paths), LEAST_PATHS)
        for _, path in self.paths:
            for name in ("read", "ls"):
                result = self.used(name, path=path)
                self.assertNotIn(SECRET.decode(), result.text, path)
                self.assertNotIn("secret.txt  ", result.text, path)

    def test_nothing_is_written_outside(self) -> None:
        for number, (_, path) in enumerate(self.paths):
            if number % 2:
                self.used("write", path=path, content="mine")
            else:
                self.used("edit", path=path, oldText="what", newText="mine")
        self.assertEqual(self.picture(), self.before)

    def test_this_test_sees_a_careless_write(self) -> None:
        """The oracle: a tool that joins paths does change what the picture shows."""
        (self.root / "../secret.txt").write_bytes(b"mine")
        self.assertNotEqual(self.picture(), self.before)

    def test_names_that_are_none(self) -> None:
        for path in (
            *(
                "/etc/passwd",
                "C:\\x",
                "\\\\host\\share",
                "//host/share",
                "a/../b",
                "..",
                ".",
                "a//b",
            ),
            *("a/", ".env", ".git/config", "a\0b", "a\nb", "x" * 300, "CON\u202etxt.exe"),
            *("\uff0e\uff0e/secret.txt", "file:///etc/passwd", "/proc/self/environ", "/dev/stdin"),
        ):
            with self.subTest(path):
                self.assertIn("workspace", self.bad("read", path=path))
                self.bad("write", path=path, content="x")
        self.assertEqual(self.picture(), self.before)

    def test_devices_pipes_sockets_and_directories_are_left_alone(self) -> None:
        os.mkfifo(self.root / "pipe")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        here = os.getcwd()
        os.chdir(self.root)  # A socket's path must be short.
        try:
            listener.bind("sock")
        finally:
            os.chdir(here)
        for name in ("pipe", "sock", "assets", "link.txt"):
            with self.subTest(name):
                self.bad("read", path=name)
                self.bad("edit", path=name, oldText="a", newText="b")
                self.assertIn("no ordinary file", self.bad("write", path=name, content="x"))
        self.assertEqual(self.good("ls"), "assets/\nindex.html  14 bytes")

    def test_second_name_of_a_file_outside_is_not_read_and_not_written_through(self) -> None:
        os.link(self.outside / TARGETS[0], self.root / "hard.txt")
        self.assertIn("hard link", self.bad("read", path="hard.txt"))
        self.good("write", path="hard.txt", content="mine")
        self.assertEqual((self.outside / TARGETS[0]).read_bytes(), SECRET)

    def test_link_that_is_planted_while_it_is_read_leads_nowhere(self) -> None:
        workspace = Workspace(self.root, lambda: "x")
        folder, away = self.root / "flip", self.root / "away"
        folder.mkdir()
        (folder / "secret.txt").write_bytes(b"harmless")
        seen = set()
        for turn in range(FLIPS):
            if turn % 2:
                folder.rename(away)
                folder.symlink_to(self.outside)
            try:
                seen.add(workspace.read("flip/secret.txt"))
            except ToolFailed:
                seen.add(b"")
            if turn % 2:
                folder.unlink()
                away.rename(folder)
        self.assertEqual(seen, {b"harmless", b""})
