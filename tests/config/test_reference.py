"""The generated page about all keys."""

import sys
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.reference import main, reference, rows
from openclaw.config.schema import Config


class ReferenceTests(SynchronousTestCase):
    def test_every_key_says_what_it_does(self) -> None:
        listed = list(rows(Config))
        self.assertEqual([row.path for row in listed if not row.description.endswith(".")], [])
        self.assertEqual(len({row.path for row in listed}), len(listed))

    def test_keys_stand_with_type_default_and_effect(self) -> None:
        by_path = {row.path: row for row in rows(Config)}
        port = by_path["gateway.port"]
        self.assertEqual(port.type, "a whole number from 0 to 65535")
        self.assertEqual((port.default, port.applies), ("``18789``", "restart"))
        self.assertIn("models.providers.<name>.models[].contextWindow", by_path)
        self.assertIn("gateway.rate_limit.requests_per_minute", by_path)

    def test_below_what_is_not_served_nothing_is(self) -> None:
        by_path = {row.path: row for row in rows(Config)}
        self.assertEqual(by_path["network.tcp.keepAlive"].applies, "not yet served")

    def test_what_is_served_is(self) -> None:
        by_path = {row.path: row for row in rows(Config)}
        self.assertEqual(by_path["queue.backend"].applies, "restart")
        self.assertEqual(by_path["connections.pool.maxSize"].applies, "restart")

    def test_check_notices_an_outdated_page(self) -> None:
        page, said = Path(self.mktemp()), StringIO()
        self.patch(sys, "stderr", said)
        self.assertEqual(main(["--check", str(page)]), 1)
        self.assertEqual(main([str(page)]), 0)
        self.assertEqual(main(["--check", str(page)]), 0)
        self.assertEqual(page.read_text(encoding="utf-8"), reference())
        page.write_text(reference() + "x", encoding="utf-8")
        self.assertEqual(main(["--check", str(page)]), 1)
        self.assertIn("is outdated; run python -m openclaw.config.reference", said.getvalue())
