"""What the configuration gives to skills: values looked up, names that are refused."""

import json
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.known import known_secrets
from openclaw.config.settings import Options, Settings, read_settings
from openclaw.config.skills import may_be_set
from openclaw.errors import ConfigError


class SkillValuesTests(SynchronousTestCase):
    def settings(self, environ: dict[str, str], **entries: Any) -> Settings:
        path = Path(self.mktemp())
        path.write_text(json.dumps({"skills": {"entries": entries}}))
        return read_settings(Options(config=str(path)), environ, Path(self.mktemp()))

    def test_values_are_looked_up_and_never_shown(self) -> None:
        file = Path(self.mktemp())
        file.write_text("from-a-file-4711")
        file.chmod(0o600)
        settings = self.settings(
            {"WEATHER": "canary-env-4711"},
            weather={
                "apiKey": {"source": "env", "id": "WEATHER"},
                "env": {
                    "WEATHER_URL": "https://weather.example",
                    "WEATHER_PIN": "${WEATHER}",
                    "WEATHER_MORE": {"source": "file", "path": str(file.absolute())},
                },
            },
        )
        values = settings.skills["weather"]
        self.assertEqual(values.api_key, "canary-env-4711")
        self.assertEqual(
            values.env,
            {
                "WEATHER_URL": "https://weather.example",
                "WEATHER_PIN": "canary-env-4711",
                "WEATHER_MORE": "from-a-file-4711",
            },
        )
        for text in (repr(settings), repr(values), repr(settings.config.skills)):
            self.assertNotIn("4711", text)
        cleaned = known_secrets(settings).clean("canary-env-4711 from-a-file-4711 weather.example")
        self.assertNotIn("4711", cleaned)
        self.assertIn("weather.example", cleaned)

    def test_what_is_not_to_be_had_is_warned_about(self) -> None:
        settings = self.settings({}, weather={"apiKey": "${NOWHERE}"}, other={"env": {"A": "b"}})
        self.assertEqual(dict(settings.skills), {"other": settings.skills["other"]})
        (warning,) = [one for one in settings.warnings if "skill" in one]
        self.assertIn("skills.entries.weather.apiKey", warning)
        self.assertIn("NOWHERE is not set", warning)

    def test_a_skill_that_is_off_is_given_nothing(self) -> None:
        settings = self.settings({}, weather={"enabled": False, "apiKey": "${NOWHERE}"})
        self.assertEqual((dict(settings.skills), settings.warnings), ({}, ()))

    def test_variables_that_change_programs_are_refused(self) -> None:
        for name in ("PATH", "LD_PRELOAD", "PYTHONPATH", "NODE_OPTIONS", "a b", "IFS", "=", ""):
            self.assertFalse(may_be_set(name), name)
            with self.assertRaises(ConfigError) as raised:
                self.settings({}, weather={"env": {name: "x"}})
            self.assertIn("skills.entries.weather.env", str(raised.exception))
        self.assertTrue(may_be_set("WEATHER_KEY"))
