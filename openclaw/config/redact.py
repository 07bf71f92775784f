"""Hide secrets in a parsed configuration and in its text; decides nothing about who may read it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from openclaw.config.scan import Span, secret_spans

REDACTED = "__OPENCLAW_REDACTED__"

# The one list. A key is secret when its name, lower-cased and without ``_ - .``, ends with one.
SECRET_ENDINGS = (
    "token",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "apikey",
    "accesskey",
    "privatekey",
    "encryptkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "connectionstring",
    "serviceaccount",
)
# Everything below these is secret: names there are free, values are usually credentials.
SECRET_CONTAINERS = frozenset({"headers", "env", "vars"})
# A shorter secret is hidden where it stands, but not hunted in the rest of the text.
HUNTED_LENGTH = 8
# The same for texts about anything, and values that are secrets for certain.
KNOWN_LENGTH = 6

_SEPARATORS = re.compile(r"[_\-.\s]")
_REFERENCE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")
# What follows is a credential, whoever's: it came in a header or in an address.
_CREDENTIAL = re.compile(
    r"""((?:\b(?:bearer|basic)\s+)|(?:[?&#](?:access_)?(?:token|code|password|secret|key|api_?key)=))"""
    r"""[^\s&"'<>,;\\]{4,}""",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):([^\s/@]+)(?=@)")


def is_secret(key: str) -> bool:
    """Whether the value of a key of this name is never shown."""
    name = _SEPARATORS.sub("", key).lower()
    return name.endswith(SECRET_ENDINGS) or name in SECRET_CONTAINERS


def shows(value: object) -> bool:
    """Whether a value may be shown although its key is secret: it holds nothing by itself."""
    if isinstance(value, str):
        return not value or value == REDACTED or _REFERENCE.fullmatch(value) is not None
    return value is None or isinstance(value, bool)


def redact_tree(tree: Any) -> Any:
    """Copy a parsed configuration with every secret replaced by :data:`REDACTED`."""
    return _hide(tree, False, _Hunt(tree))


def redact_text(text: str, tree: Any) -> str:
    """Replace every secret in a configuration's text; all other characters stay as they are.

    :param text: the file, JSON or JSON5, known to be well formed.
    :param tree: what it was parsed to.
    """
    shown: list[str] = []
    at = 0
    for span in secret_spans(text, is_secret):
        if not shows(span.value):
            shown += [text[at : span.start], _literal(span)]
            at = span.end
    shown.append(text[at:])
    return _Hunt(tree, text).clean("".join(shown))


def redact_words(text: str) -> str:
    """Hide the password of every URL in one text."""
    return _URL_PASSWORD.sub(rf"\1:{REDACTED}", text)


class KnownSecrets:
    """Hides secrets whose values are known, and what looks like one, in texts about anything.

    :param secrets: shorter ones than :data:`KNOWN_LENGTH` are left out: they would be found in
        ordinary words.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._found: frozenset[str] = frozenset()
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Hide these from now on as well."""
        found = self._found | {one for one in secrets if len(one) >= KNOWN_LENGTH}
        self._found = found
        spellings = {form for one in found for form in (one, quote(one, safe=""), repr(one)[1:-1])}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def clean(self, text: str) -> str:
        """Replace every secret."""
        text = self._known.sub(REDACTED, text)
        return redact_words(_CREDENTIAL.sub(rf"\1{REDACTED}", text))


def secrets_in(tree: Any) -> set[str]:
    """Every secret that stands in a parsed configuration as it is."""
    return set(_secrets(tree, False))


def _literal(span: Span) -> str:
    """Write what stands in for a secret: a string where a value was, bare words in a comment."""
    return REDACTED if span.in_comment else f'"{REDACTED}"'


class _Hunt:
    """Find long secrets that are repeated where no key gives them away."""

    def __init__(self, tree: Any, text: str = "") -> None:
        found = {secret for secret in _secrets(tree, False) if len(secret) >= HUNTED_LENGTH}
        if text:  # A key given twice keeps only its last value when parsed.
            spans = secret_spans(text, is_secret)
            values = {str(span.value) for span in spans if not shows(span.value)}
            found |= {value for value in values if len(value) >= HUNTED_LENGTH}
        escaped = {secret.replace("\\", "\\\\").replace('"', '\\"') for secret in found}
        longest_first = sorted(found | escaped, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def clean(self, text: str) -> str:
        """Replace what was hunted, and passwords in URLs."""
        return redact_words(self._pattern.sub(REDACTED, text))


def _hide(value: Any, secret: bool, hunt: _Hunt) -> Any:
    if isinstance(value, Mapping):
        return {
            hunt.clean(key): _hide(inner, secret or is_secret(key), hunt)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide(inner, secret, hunt) for inner in value]
    if secret and not shows(value):
        return REDACTED
    return hunt.clean(value) if isinstance(value, str) else value


def _secrets(value: Any, secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secrets(inner, secret or is_secret(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner, secret)
    elif secret and not shows(value):
        yield str(value)
