"""Which sessions go, as ``session.maintenance`` says it."""

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.assembly.sweeping import sweep_rules
from openclaw.config.settings import Options, read_settings
from openclaw.errors import ConfigError
from openclaw.sessions.sweeping import SweepRules

DAY_MS = 86_400_000
GB = 1 << 30


class SweepRulesTests(SynchronousTestCase):
    def rules(self, **config: Any) -> SweepRules:
        path = Path(self.mktemp())
        path.write_text(json.dumps({"session": {"maintenance": config}}))
        settings = read_settings(Options(config=str(path)), {}, Path(self.mktemp()))
        return sweep_rules(settings.config.session.maintenance)

    def test_what_holds_where_nothing_is_said(self) -> None:
        self.assertEqual(
            self.rules(),
            SweepRules(
                idle_ms=30 * DAY_MS,
                one_off_ms=DAY_MS,
                most=5000,
                most_bytes=10 * GB,
                high_water_bytes=8 * GB,
            ),
        )

    def test_what_is_said(self) -> None:
        found = self.rules(
            mode="warn",
            pruneAfter="7d",
            pruneOneOffAfter="1h",
            maxEntries=0,
            maxDiskBytes="1gb",
            highWaterBytes="2gb",
        )
        expected = SweepRules(
            enforce=False,
            idle_ms=7 * DAY_MS,
            one_off_ms=DAY_MS // 24,
            most=0,
            most_bytes=GB,
            high_water_bytes=GB,
        )
        self.assertEqual(found, expected)

    def test_what_is_wrong(self) -> None:
        for config in ({"mode": "x"}, {"maxEntries": -1}, {"pruneAfter": "soon"}):
            with self.assertRaises(ConfigError):
                self.rules(**config)
