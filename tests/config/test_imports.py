"""What reading a configuration costs: no server library, no JSON5 reader for plain files."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

HEAVY = ("twisted", "autobahn", "zope", "OpenSSL", "cryptography", "click", "rich", "pyjson5")
PROGRAM = """
import sys
from pathlib import Path
from openclaw.config import serving, settings, token
from openclaw.config.load import from_text
from_text('{"gateway": {"port": 1}}', Path("x"))
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


class ImportTests(SynchronousTestCase):
    def test_reading_plain_json_imports_nothing_heavy(self) -> None:
        loaded = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        ).stdout.split()
        self.assertIn("msgspec", loaded)
        self.assertEqual([name for name in HEAVY if name in loaded], [])
