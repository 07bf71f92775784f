"""The one resolver: whatever is asked, nothing outside the root is read."""

import os
import threading
from collections import Counter
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.http.files import FileRoot
from tests.http.exchanges import Port
from tests.http.hostile_paths import LEAST_PATHS, SECRET, harmless, hostile_paths, surrounded

FLIPS = 400


class FilesCase(SynchronousTestCase):
    """A root with files in it, and secrets all around it."""

    def setUp(self) -> None:
        self.outside = Path(self.mktemp()).absolute()
        self.root = surrounded(self.outside)
        (self.root / "index.html").write_text("the page")
        (self.root / "assets" / "a.js").write_text("the script")
        (self.root / ".hidden").write_bytes(SECRET)
        self.files = FileRoot(self.root)


class ResolverTests(FilesCase):
    """The resolver by itself."""

    def test_files_are_read(self) -> None:
        found = self.files.read(["assets", "a.js"])
        assert found is not None
        self.assertEqual(
            (found.content, found.content_type[:15]), (b"the script", "text/javascript")
        )

    def test_names_that_are_none(self) -> None:
        for name in ("", ".", "..", ".hidden", "a/b", "a\\b", "a\0", "/etc/passwd", "x" * 300):
            for path in ([name], ["assets", name], [name, "a.js"]):
                self.assertIsNone(self.files.read(path), path)
        self.assertIsNone(self.files.read([]))

    def test_links_are_not_followed(self) -> None:
        for path in (["link.txt"], ["assets", "link"], ["assets", "up", "secret.txt"]):
            self.assertTrue(self.root.joinpath(*path).exists())
            self.assertIsNone(self.files.read(path), path)

    def test_directories_are_no_files(self) -> None:
        self.assertIsNone(self.files.read(["index.html", "x"]))
        before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
        for _ in range(20):
            self.assertIsNone(self.files.read(["assets"]))
        after = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
        self.assertEqual(len(after), len(before))

    def test_pipe_does_not_hold_the_gateway(self) -> None:
        os.mkfifo(self.root / "pipe")
        self.assertIsNone(self.files.read(["pipe"]))

    def test_socket_is_no_file(self) -> None:
        import socket

        # The path of a UNIX socket may have a hundred characters only.
        folder = os.open(self.root, os.O_DIRECTORY)
        self.addCleanup(os.close, folder)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{folder}/socket")
            self.assertIsNone(self.files.read(["socket"]))

    def test_devices_are_no_files(self) -> None:
        for name in ("zero", "null", "random", "tty"):
            self.assertIsNone(FileRoot(Path("/dev")).read([name]), name)

    def test_file_that_is_too_large(self) -> None:
        files = FileRoot(self.root, max_bytes=8)
        self.assertIsNotNone(files.read(["index.html"]))
        self.assertIsNone(files.read(["assets", "a.js"]))

    def test_root_that_is_not_there(self) -> None:
        self.assertIsNone(FileRoot(self.root / "nowhere").read(["index.html"]))

    def test_link_swapped_in_meanwhile(self) -> None:
        """A directory that turns into a link and back while it is read leads nowhere else."""
        trap, real, link = (self.root / name for name in ("trap", "real", "fake"))
        real.mkdir()
        (real / "secret.txt").write_text("harmless")
        link.symlink_to(self.outside)
        real.rename(trap)
        done = threading.Event()

        def flip() -> None:
            while not done.is_set():
                trap.rename(real)
                link.rename(trap)
                trap.rename(link)
                real.rename(trap)

        flipper = threading.Thread(target=flip)
        flipper.start()
        try:
            seen = Counter(self._content(["trap", "secret.txt"]) for _ in range(FLIPS))
            # The trap works: who follows links falls into it, sooner or later.
            fell = any(self._naively(trap / "secret.txt") == SECRET for _ in range(1_000_000))
        finally:
            done.set()
            flipper.join()
        self.assertEqual(seen[SECRET], 0)
        self.assertTrue(fell)

    def _content(self, path: list[str]) -> bytes:
        found = self.files.read(path)
        return b"" if found is None else found.content

    def _naively(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError:
            return b""


class HostilePathTests(FilesCase):
    """The same through the port, by the thousand."""

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        self.paths = list(hostile_paths(self.outside))

    def test_careless_server_would_have_leaked(self) -> None:
        """Each cluster is a real threat to somebody, or its paths would prove nothing."""
        self.assertEqual(harmless(self.root, self.paths), set())

    def test_nothing_leaves_the_root(self) -> None:
        self.assertGreater(len(self.paths), LEAST_PATHS)
        port = Port(self.mktemp(), {"gateway": {"controlUi": {"root": str(self.root)}}})
        connection = port.connect()
        for number, (_, path) in enumerate(self.paths):
            # Both roots take turns: the configured page's, and our own chat's.
            prefix = "/" if number % 5 else "/chat/"
            target = (prefix + path).encode()
            answer = connection.ask(target)
            self.assertNotIn(SECRET, answer.body, target)
            self.assertIn(answer.status, (200, 302, 400, 404), target)
            if connection.transport.disconnecting or "close" in answer.headers.get(
                "connection", ""
            ):
                connection.lose()
                connection = port.connect()
        connection.lose()
        self.assertEqual(port.reactor.getDelayedCalls(), [])
