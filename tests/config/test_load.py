"""Reading, checking and explaining a file."""

import json
from pathlib import Path
from typing import Any

import pyjson5
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.load import LoadedConfig, from_text, load
from openclaw.config.schema.agents import ModelChoice
from openclaw.errors import ConfigError

HERE = Path(__file__).parent
BLOCKS: list[dict[str, Any]] = pyjson5.decode(
    (HERE / "data/documented-blocks.json5").read_text(encoding="utf-8")
)
ORIGINAL = """{
  "gateway": { "mode": "local", "port": 19789, "bind": "loopback",
    "auth": { "mode": "token", "token": "a-token" },
    "http": { "endpoints": { "chatCompletions": { "enabled": true },
                             "responses": { "enabled": true } } } },
  "hooks": { "enabled": true, "token": "hooks-token", "path": "/hooks" },
  "agents": { "defaults": { "workspace": "~/workspace", "model": { "primary": "mock/mock-1" } } },
  "models": { "mode": "merge", "providers": { "mock": {
    "baseUrl": "http://127.0.0.1:1/v1", "apiKey": "x", "api": "openai-completions",
    "models": [{ "id": "mock-1", "name": "Mock One", "reasoning": false, "input": ["text"],
      "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
      "contextWindow": 196608, "maxTokens": 8192 }] } } },
  "plugins": { "entries": { "browser": { "enabled": false } } }
}"""

# Text, JSON path, what was expected, what was found.
WRONG = [
    ('{"gateway": {"port": "18789"}}', "gateway.port", "whole number from 0 to 65535", '"18789"'),
    ('{"gateway": {"port": 65536}}', "gateway.port", "whole number from 0 to 65535", "65536"),
    ('{"gateway": {"port": -1}}', "gateway.port", "whole number from 0 to 65535", "-1"),
    ('{"gateway": {"port": true}}', "gateway.port", "whole number", "true"),
    ('{"gateway": {"port": 1.5}}', "gateway.port", "whole number", "1.5"),
    ('{"gateway": {"port": null}}', "gateway.port", "whole number", "null"),
    ('{"gateway": []}', "gateway", "an object", "a list"),
    ('{"gateway": {"mode": "both"}}', "gateway.mode", 'one of "local", "remote"', '"both"'),
    ('{"gateway": {"auth": {"mode": 1}}}', "gateway.auth.mode", '"token"', "1"),
    ('{"gateway": {"trustedProxies": "::1"}}', "gateway.trustedProxies", "a list", '"::1"'),
    ('{"gateway": {"trustedProxies": [1]}}', "gateway.trustedProxies[0]", "text", "1"),
    ('{"gateway": {"dialects": ["x"]}}', "gateway.dialects[0]", '"native"', '"x"'),
    ('{"logging": {"level": "loud"}}', "logging.level", '"debug"', '"loud"'),
    ('{"agents": {"defaults": {"model": 5}}}', "agents.defaults.model", "text or an object", "5"),
    (
        '{"agents": {"defaults": {"model": {"primary": 5}}}}',
        "agents.defaults.model.primary",
        "text",
        "5",
    ),
    (
        '{"models": {"providers": {"a.b": {"models": [{}]}}}}',
        'models.providers["a.b"].models[0].id',
        "text",
        "nothing",
    ),
    (
        '{"models": {"providers": {"x": {"models": [{"id": "y", "maxTokens": 0}]}}}}',
        "models.providers.x.models[0].maxTokens",
        "whole number of at least 1",
        "0",
    ),
    (
        '{"network": {"websocket": {"pingInterval": 30}}}',
        "network.websocket.pingInterval",
        'a duration such as "30s"',
        "30",
    ),
    (
        '{"queue": {"config": {"deadLetter": {"maxAge": "7 days"}}}}',
        "queue.config.deadLetter.maxAge",
        'a duration such as "30s"',
        '"7 days"',
    ),
    (
        '{"access": {"rateLimiting": {"global": "fast"}}}',
        "access.rateLimiting.global",
        'a rate such as "60rpm"',
        '"fast"',
    ),
    (
        '{"network": {"websocket": {"maxFrameSize": "big"}}}',
        "network.websocket.maxFrameSize",
        'a size such as "16kb"',
        '"big"',
    ),
]

# Text, line, column.
BROKEN = [
    ("", 1, 1),
    ('{"gateway": {"port": 1}', 1, 1),
    ('{\n  "gateway": {},\n  "models" {}\n}', 3, 12),
    ('{\n  // a comment\n  "gateway": { "port": 1 "mode": 2 }\n}', 3, 26),
    ('{"a": 1} x', 1, 10),
    ('{"a": tru}', 1, 10),
]


def loaded(text: str) -> LoadedConfig:
    return from_text(text, Path("openclaw.json"))


def merged(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for block in blocks:
        for key, value in block.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = merged([whole[key], value]) if both else value
    return whole


class GoodFileTests(SynchronousTestCase):
    def test_an_empty_object_means_defaults(self) -> None:
        config = loaded("{}").config
        self.assertEqual((config.gateway.port, config.gateway.mode), (18789, "local"))
        self.assertEqual(config.agents.defaults.primary_model, None)

    def test_a_file_of_the_original_is_understood(self) -> None:
        result = loaded(ORIGINAL)
        config = result.config
        self.assertEqual(config.gateway.port, 19789)
        self.assertIs(config.gateway.http.endpoints.chat_completions.enabled, True)
        self.assertEqual(config.agents.defaults.model, ModelChoice(primary="mock/mock-1"))
        self.assertEqual(config.models.providers["mock"].models[0].context_window, 196_608)
        self.assertEqual(result.unknown_keys, ())
        self.assertEqual(
            [path for path in result.not_served if "." not in path], ["hooks", "plugins"]
        )

    def test_the_model_may_be_a_text(self) -> None:
        config = loaded('{"agents": {"defaults": {"model": "mock/mock-1"}}}').config
        self.assertEqual(config.agents.defaults.primary_model, "mock/mock-1")

    def test_agents_come_from_list_or_entries(self) -> None:
        config = loaded(
            '{"agents": {"list": [{"id": "a", "default": true}],'
            ' "entries": {"main": {"name": "M"}}}}'
        ).config
        self.assertEqual([agent.id for agent in config.agents.known], ["a", "main"])
        self.assertEqual(config.agents.known[1].name, "M")

    def test_comments_and_trailing_commas_are_welcome(self) -> None:
        result = loaded("// mine\n{gateway: {port: 0x10, /* why */ bind: 'lan',},}")
        self.assertEqual((result.config.gateway.port, result.config.gateway.bind), (16, "lan"))

    def test_of_a_repeated_key_the_last_counts(self) -> None:
        self.assertEqual(loaded('{"gateway": {"port": 1, "port": 2}}').config.gateway.port, 2)

    def test_every_documented_block_loads(self) -> None:
        self.assertEqual(len(BLOCKS), 16)
        for block in BLOCKS:
            self.assertEqual(loaded(json.dumps(block)).unknown_keys, (), block)

    def test_all_documented_blocks_load_as_one_file(self) -> None:
        result = loaded(json.dumps(merged(BLOCKS)))
        config = result.config
        self.assertEqual(result.unknown_keys, ())
        self.assertEqual((config.gateway.host, config.gateway.port), ("127.0.0.1", 28789))
        self.assertEqual(config.gateway.tls.cert, "/etc/ssl/certs/openclaw.crt")
        self.assertEqual(config.gateway.auth.type, "pairing")
        self.assertEqual(config.gateway.auth.admin_channels, ("telegram:123456789",))
        self.assertEqual(config.gateway.rate_limit.burst, 10)
        self.assertEqual(config.network.websocket.ping_timeout, 10)
        self.assertEqual(config.network.websocket.max_frame_size, 16_384)
        self.assertEqual(config.queue.config.dead_letter.max_age, 604_800)
        self.assertEqual(config.access.rate_limiting.all, 1000)
        self.assertEqual(config.connections.per_channel["discord"].max_connections, 20)
        for path in ("gateway.clustering", "network.tcp", "crons", "memory"):
            self.assertIn(path, result.not_served)

    def test_what_is_served_is_not_reported(self) -> None:
        result = loaded('{"gateway": {"port": 1}, "hooks": {"path": "/x"}, "logging": {}}')
        self.assertEqual(result.not_served, ("hooks", "hooks.path"))

    def test_keys_that_are_hard_to_write_are_quoted(self) -> None:
        result = loaded('{"gateway": {"": 1, "a.b": 2}, "": 3}')
        self.assertEqual(result.unknown_keys, ('gateway[""]', 'gateway["a.b"]', '[""]'))

    @given(
        st.dictionaries(
            st.text("abcxyz_$", min_size=1).map(lambda name: "zz" + name),
            st.recursive(
                st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=3)
                ),
                max_leaves=5,
            ),
            max_size=4,
        ),
        st.sampled_from(("", "gateway", "gateway.auth", "agents.defaults", "logging")),
    )
    @settings(max_examples=60, deadline=None)
    def test_unknown_keys_are_reported_and_change_nothing(
        self, unknown: dict[str, Any], place: str
    ) -> None:
        tree: dict[str, Any] = dict(unknown)
        for step in reversed(place.split(".") if place else []):
            tree = {step: tree}
        result = loaded(json.dumps(tree))
        prefix = f"{place}." if place else ""
        self.assertEqual(sorted(result.unknown_keys), sorted(prefix + key for key in unknown))
        self.assertEqual(result.config, loaded("{}").config)


class BadFileTests(SynchronousTestCase):
    def fails(self, text: str) -> ConfigError:
        error: ConfigError = self.assertRaises(ConfigError, loaded, text)
        return error

    def test_a_wrong_value_is_named_with_path_expected_and_found(self) -> None:
        for text, path, expected, found in WRONG:
            error = self.fails(text)
            self.assertEqual(error.path, path)
            first = str(error).splitlines()[0]
            self.assertTrue(first.startswith(f"{path}: expected "), first)
            wanted, _, got = first.partition(", found ")
            self.assertIn(expected, wanted)
            self.assertIn(found, got)
            self.assertIn("Correct openclaw.json", str(error))
            self.assertEqual(error.exit_status, 78)

    def test_all_wrong_values_are_named_at_once(self) -> None:
        error = self.fails('{"gateway": {"port": "x", "mode": 3}, "logging": 5}')
        for path in ("gateway.port:", "gateway.mode:", "logging:"):
            self.assertIn(path, str(error))

    def test_a_wrong_secret_is_never_shown(self) -> None:
        for text in (
            '{"gateway": {"auth": {"token": 48151623}}}',
            '{"gateway": {"auth": {"password": 48151623}}}',
            '{"models": {"providers": {"x": {"apiKey": 48151623}}}}',
            '{"models": {"providers": {"x": {"headers": {"X-Own": 48151623}}}}}',
            '{"env": {"vars": {"ANY": 48151623}}}',
            '{"gateway": {"remote": {"url": 1, "token": ["48151623"]}}}',
            '{"gateway": {"port": "http://user:48151623@host/"}}',
        ):
            self.assertNotIn("48151623", str(self.fails(text)))

    def test_broken_syntax_is_named_with_line_and_column(self) -> None:
        for text, line, column in BROKEN:
            words = str(self.fails(text))
            self.assertIn(f"line {line}, column {column}:", words, text)
            self.assertNotIn("near", words)
            self.assertNotIn("U+", words)

    def test_a_file_that_is_no_object_is_refused(self) -> None:
        for text in ("[]", "5", '"x"', "null"):
            self.assertIn("expected an object", str(self.fails(text)))

    def test_numbers_that_no_answer_can_carry_are_refused(self) -> None:
        for text in ("{x: NaN}", "{x: [-Infinity]}"):
            self.assertIn("not a number that can be used", str(self.fails(text)))

    def test_wells_of_brackets_are_refused(self) -> None:
        for depth in (70, 5000):
            self.fails('{"x": ' + "[" * depth + "]" * depth + "}")


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_a_missing_file_means_defaults(self) -> None:
        result = load(self.path)
        self.assertEqual((result.exists, result.config), (False, loaded("{}").config))

    def test_reading_changes_nothing_on_disk(self) -> None:
        self.path.write_text(ORIGINAL)
        before = (self.path.read_bytes(), self.path.stat().st_mtime_ns)
        self.assertTrue(load(self.path).exists)
        self.assertEqual((self.path.read_bytes(), self.path.stat().st_mtime_ns), before)

    def test_the_hash_changes_with_any_byte(self) -> None:
        self.path.write_text("{}")
        first = load(self.path).hash
        self.path.write_text("{} ")
        self.assertNotEqual(load(self.path).hash, first)

    def test_the_revision_says_nothing_without_its_key(self) -> None:
        result = loaded(ORIGINAL)
        self.assertNotEqual(result.revision(b"one"), result.revision(b"two"))
        self.assertEqual(result.revision(b"one"), loaded(ORIGINAL).revision(b"one"))
        self.assertNotEqual(result.revision(b"one"), loaded(ORIGINAL + " ").revision(b"one"))
        self.assertTrue(result.revision(b"one").startswith("hmac-sha256:v1:"))

    def test_a_byte_order_mark_is_ignored(self) -> None:
        self.path.write_bytes(b'\xef\xbb\xbf{"gateway": {"port": 7}}')
        self.assertEqual(load(self.path).config.gateway.port, 7)

    def test_other_encodings_are_refused(self) -> None:
        self.path.write_bytes('{"a": "é"}'.encode("latin-1"))
        self.assertIn("not UTF-8", str(self.assertRaises(ConfigError, load, self.path)))

    def test_a_directory_is_refused(self) -> None:
        self.path.mkdir()
        self.assertIn("cannot read", str(self.assertRaises(ConfigError, load, self.path)))

    def test_a_huge_file_is_refused(self) -> None:
        self.path.write_bytes(b" " * ((8 << 20) + 1))
        self.assertIn("larger than 8 MiB", str(self.assertRaises(ConfigError, load, self.path)))
