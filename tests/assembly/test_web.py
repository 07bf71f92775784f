"""What is said at start of the pages that are served."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.web import missing_page
from openclaw.config.settings import Options, read_settings
from openclaw.protocol.base import encode


class MissingPageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        self.home.mkdir()
        self.root = self.home / "ui"

    def said(self, root: str | None) -> str:
        """What is said of a configured root."""
        interface = {} if root is None else {"root": root}
        config = encode({"gateway": {"controlUi": interface}})
        (self.home / "openclaw.json").write_bytes(config)
        settings = read_settings(Options(state_dir=str(self.home)), {}, self.home)
        return " ".join(missing_page(settings))

    def test_a_root_that_is_not_there(self) -> None:
        said = self.said(str(self.root))
        self.assertIn(f"gateway.controlUi.root: {self.root} is no directory", said)
        self.assertIn("point it at the built UI", said)

    def test_a_root_without_a_page(self) -> None:
        self.root.mkdir()
        self.assertIn(f"{self.root} holds no index.html", self.said(str(self.root)))

    def test_a_root_with_a_page_and_none_at_all(self) -> None:
        self.root.mkdir()
        (self.root / "index.html").write_text("<title>x</title>")
        self.assertEqual((self.said(str(self.root)), self.said(None)), ("", ""))
