"""No secret leaves: trees, texts, reprs."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pyjson5
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from openclaw.config.load import from_text
from openclaw.config.redact import REDACTED, is_secret, redact_text, redact_tree
from openclaw.config.schema import Config

CANARY = "canary-7f3a91"
SECRET_KEYS = (
    "token", "botToken", "bot_token", "password", "apiKey", "api_key", "API-KEY", "secret",
    "clientSecret", "signingSecret", "privateKey", "encryptKey", "Authorization", "appPassword",
    "credentials", "x.token", "passphrase", "secrets", "headers", "vars", "env", "session cookie",
)  # fmt: skip
PLAIN_KEYS = (
    "maxTokens", "tokenLifetime", "mainKey", "key", "sessionKey", "keyPath", "passed", "methods",
    "tokens", "port", "requiredFor", "secretary",
)  # fmt: skip

plain_values = (
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("abc '\"\\/{}:,", max_size=6)
)
secret_values = st.sampled_from(
    (CANARY, f"{CANARY}\"quoted\"", f"back\\{CANARY}", f"é{CANARY}\n", [CANARY], {"id": CANARY},
     "k3y", ["k3y"], {"id": {"x": "k3y"}}, 4711)
)  # fmt: skip


def with_secrets(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(st.sampled_from(PLAIN_KEYS), inner, max_size=3)
    secret = st.dictionaries(st.sampled_from(SECRET_KEYS), secret_values, max_size=2)
    return st.lists(inner, max_size=3) | st.builds(lambda a, b: a | b, plain, secret)


trees = st.dictionaries(
    st.sampled_from(("gateway", "channels", "plugins")),
    st.recursive(plain_values, with_secrets, max_leaves=12),
)


def as_json5(value: Any) -> str:
    """Write the same value as people do by hand: single quotes, comments, bare keys, commas."""
    if isinstance(value, dict):
        members = "".join(
            f"\n {key if key.isalnum() else json.dumps(key)} /* : */ : {as_json5(inner)}, // , {{\n"
            for key, inner in value.items()
        )
        return f"{{{members}}}"
    if isinstance(value, list):
        return "[" + "".join(f"{as_json5(inner)} ,\t" for inner in value) + "]"
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"')
        return "'" + text.replace("'", "\\'") + "'"
    return json.dumps(value)


class NameTests(SynchronousTestCase):
    def test_secret_names_are_known_however_they_are_spelt(self) -> None:
        self.assertEqual([key for key in SECRET_KEYS if not is_secret(key)], [])

    def test_other_names_are_left_alone(self) -> None:
        self.assertEqual([key for key in PLAIN_KEYS if is_secret(key)], [])


class TreeTests(SynchronousTestCase):
    @given(trees)
    @settings(max_examples=150, deadline=None)
    def test_no_secret_survives_and_nothing_else_changes(self, tree: dict[str, Any]) -> None:
        shown = redact_tree(tree)
        self.assertNotIn(CANARY, json.dumps(shown, ensure_ascii=False))
        self.assertEqual(masked(tree), masked(shown))

    def test_references_blanks_and_switches_are_shown(self) -> None:
        tree = {"token": "${A_TOKEN}", "password": "", "requireToken": True, "apiKey": None}
        self.assertEqual(redact_tree(tree), tree)

    def test_numbers_can_be_secrets(self) -> None:
        self.assertEqual(redact_tree({"password": 1234}), {"password": REDACTED})

    def test_a_secret_repeated_elsewhere_is_hidden_too(self) -> None:
        shown = redact_tree({"token": CANARY, "note": f"it is {CANARY}", "list": [CANARY]})
        self.assertEqual(shown["note"], f"it is {REDACTED}")
        self.assertEqual(shown["list"], [REDACTED])

    def test_passwords_in_addresses_are_hidden(self) -> None:
        shown = redact_tree({"url": "redis://user:pass@host:6379/0", "x": "http://host/a:b@c"})
        self.assertEqual(shown["url"], f"redis://user:{REDACTED}@host:6379/0")
        self.assertEqual(shown["x"], "http://host/a:b@c")


class TextTests(SynchronousTestCase):
    @given(trees)
    @settings(max_examples=150, deadline=None)
    def test_the_text_says_what_the_redacted_tree_says(self, tree: dict[str, Any]) -> None:
        for text in (json.dumps(tree, indent=1), json.dumps(tree, ensure_ascii=False)):
            shown = redact_text(text, tree)
            self.assertNotIn(CANARY, shown)
            self.assertEqual(msgspec.json.decode(shown), redact_tree(tree))

    @given(trees)
    @settings(max_examples=150, deadline=None)
    def test_json5_is_redacted_as_well(self, tree: dict[str, Any]) -> None:
        text = as_json5(tree)
        self.assertEqual(pyjson5.decode(text), tree)
        shown = redact_text(text, tree)
        self.assertNotIn(CANARY, shown)
        self.assertEqual(pyjson5.decode(shown), redact_tree(tree))

    def test_every_other_byte_stays(self) -> None:
        text = (
            '{ // the token is below\r\n\t\'gateway\' : {auth: {"token":\t"' + CANARY + '" ,\n'
            "  password: 'it\\'s', }, port: 0x10},\n}  \n"
        )
        shown = redact_text(text, pyjson5.decode(text))
        mark = f'"{REDACTED}"'
        self.assertEqual(shown, text.replace(f'"{CANARY}"', mark).replace("'it\\'s'", mark))

    def test_a_repeated_key_hides_both_values(self) -> None:
        text = '{"token": "first-canary-1", "token": "second-canary-2", "x": "first-canary-1"}'
        shown = redact_text(text, msgspec.json.decode(text))
        self.assertNotIn("canary", shown)

    def test_an_escaped_key_is_recognised(self) -> None:
        text = '{"\\u0074oken": "short"}'
        self.assertNotIn("short", redact_text(text, msgspec.json.decode(text)))

    def test_secrets_in_comments_are_hidden(self) -> None:
        text = (
            f'{{// "token": "{CANARY}",\n /* apiKey: {CANARY}\n password = \'{CANARY}\' */\n'
            f'// botToken={CANARY}\n "port": 1}}'
        )
        shown = redact_text(text, pyjson5.decode(text))
        self.assertNotIn(CANARY, shown)
        self.assertEqual(pyjson5.decode(shown), {"port": 1})

    def test_a_loaded_file_gives_both_forms(self) -> None:
        text = '{"gateway": {"auth": {"token": "' + CANARY + '"}}, "own": {"secret": 5}}'
        result = from_text(text, Path("x.json"))
        self.assertEqual(
            result.redacted_text(),
            text.replace(f'"{CANARY}"', f'"{REDACTED}"').replace("5", f'"{REDACTED}"'),
        )
        self.assertEqual(result.redacted_tree(), msgspec.json.decode(result.redacted_text()))


class ReprTests(SynchronousTestCase):
    def test_no_repr_shows_a_secret(self) -> None:
        tree = {
            "gateway": {
                "auth": {"token": CANARY, "password": CANARY},
                "remote": {"token": {"source": "env", "id": CANARY}},
            },
            "models": {"providers": {"x": {"apiKey": CANARY, "headers": {"X-Own": CANARY}}}},
            "hooks": {"token": CANARY},
            "channels": {"telegram": {"botToken": CANARY}},
            "env": {"vars": {"A": CANARY}},
            "zz": {"secret": CANARY},
        }
        result = from_text(json.dumps(tree), Path("x.json"))
        for shown in (repr(result), repr(result.config), str(result.config.gateway.auth)):
            self.assertNotIn(CANARY, shown)
        self.assertIn("port': 5", repr(msgspec.convert({"gateway": {"port": 5}}, Config)))


def masked(value: Any, secret: bool = False) -> Any:
    """Forget what stands at secret places, so that the rest can be compared."""
    if isinstance(value, dict):
        return {key: masked(inner, secret or is_secret(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, secret) for inner in value]
    return "" if secret and value not in (None, True, False) else value
