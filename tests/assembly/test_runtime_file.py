"""Where the running gateway says it can be found."""

import stat
from pathlib import Path

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.runtime_file import RuntimeFile, RuntimeInfo


def info(pid: int) -> RuntimeInfo:
    return RuntimeInfo(
        pid=pid,
        port=18789,
        host="127.0.0.1",
        url="ws://127.0.0.1:18789",
        config_hash="h",
        started_at_ms=1,
        version="1",
    )


class RuntimeFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.path = self.directory / "runtime.json"
        self.file = RuntimeFile(self.path)

    def test_written_as_a_whole_for_its_owner_only(self) -> None:
        self.file.write(info(7))
        self.assertEqual(msgspec.json.decode(self.path.read_bytes())["configHash"], "h")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(list(self.directory.iterdir()), [self.path])

    def test_replaces_what_a_killed_process_left(self) -> None:
        self.file.write(info(7))
        self.file.write(info(8))
        self.assertEqual(msgspec.json.decode(self.path.read_bytes())["pid"], 8)

    def test_removes_only_its_own(self) -> None:
        self.file.write(info(7))
        self.file.remove(8)
        self.assertTrue(self.path.exists())
        self.file.remove(7)
        self.assertFalse(self.path.exists())

    def test_removing_nothing_or_nonsense_is_no_error(self) -> None:
        self.file.remove(7)
        self.path.write_text("{")
        self.file.remove(7)
        self.assertTrue(self.path.exists())
