"""Read the configuration file into a checked object; knows no precedence and writes nothing."""

import hashlib
import hmac
import math
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from attrs import field, frozen

from openclaw.config.check import Findings, describe
from openclaw.config.redact import redact_text, redact_tree
from openclaw.config.schema import Config
from openclaw.config.units import decode_unit
from openclaw.errors import ConfigError

MAX_BYTES = 8 << 20
MAX_DEPTH = 64
_NEAR = re.compile(r" (?:starting )?near (\d+)")
_CODE = re.compile(r"U\+([0-9a-f]{4,6})")
_NOT_PLAIN = (msgspec.DecodeError, RecursionError)


@frozen
class LoadedConfig:
    """A configuration as it was read.

    :ivar exists: false if there is no file, so that all values are defaults.
    :ivar raw_text: the file; holds secrets.
    :ivar tree: what the file was parsed to; holds secrets.
    :ivar hash: ``sha256:<hex>`` of the file, for files that only the owner reads.
    :ivar unknown_keys: JSON paths that nobody understands, in the file's order.
    :ivar meant: by the path of an unknown key, the known one that looks like it.
    :ivar not_served: JSON paths that are understood and do nothing yet.
    """

    config: Config
    path: Path
    exists: bool
    raw_text: str = field(default="", repr=False)
    tree: Mapping[str, Any] = field(factory=dict, repr=False)
    hash: str = ""
    unknown_keys: tuple[str, ...] = ()
    meant: Mapping[str, str] = field(factory=dict)
    not_served: tuple[str, ...] = ()

    def revision(self, key: bytes) -> str:
        """Name this version to clients; without the key nobody can guess secrets from it."""
        mac = hmac.digest(key, self.raw_text.encode(), "sha256")
        return "hmac-sha256:v1:" + urlsafe_b64encode(mac).decode().rstrip("=")

    def redacted_text(self) -> str:
        """Give the file without its secrets, otherwise byte for byte."""
        return redact_text(self.raw_text, self.tree)

    def redacted_tree(self) -> dict[str, Any]:
        """Give what the file was parsed to, without its secrets."""
        return dict(redact_tree(self.tree))


def load(path: Path) -> LoadedConfig:
    """Read a file; a missing one means defaults.

    :raises ConfigError: if it cannot be read, parsed or used.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return LoadedConfig(Config(), path, exists=False, hash=_hash(b""))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start})") from error
    return from_text(text, path)


def from_text(text: str, path: Path) -> LoadedConfig:
    """Check a configuration's text.

    :param path: where it is said to come from.
    :raises ConfigError: if it cannot be parsed or used; names every wrong value.
    """
    tree = parse(text, path)
    findings = Findings()
    findings.walk(tree, Config, "")
    if findings.problems:
        raise _unusable(findings, path)
    return LoadedConfig(
        msgspec.convert(tree, Config, dec_hook=decode_unit),
        path,
        exists=True,
        raw_text=text,
        tree=tree,
        hash=_hash(text.encode()),
        unknown_keys=tuple(findings.unknown),
        meant=findings.meant,
        not_served=tuple(findings.not_served),
    )


def parse(text: str, path: Path) -> dict[str, Any]:
    """Parse JSON, or JSON5 where it is not plain JSON.

    :raises ConfigError: names line and column of the first fault; quotes nothing of the file.
    """
    try:
        tree = msgspec.json.decode(text)
    except _NOT_PLAIN:
        tree = _parse_json5(text, path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected an object, found {describe(tree, secret=True)}")
    _refuse_odd(tree, path)
    return tree


def _parse_json5(text: str, path: Path) -> Any:
    import pyjson5  # Only files with comments pay for it.

    try:
        return pyjson5.decode(text, maxdepth=MAX_DEPTH)
    except pyjson5.Json5Exception as error:
        raise _syntax_error(str(error.args[0]), error.args[-1], text, path) from None


def _syntax_error(words: str, found: object, text: str, path: Path) -> ConfigError:
    near = _NEAR.search(words)
    at = _place(int(near[1]) if near else 0, found, text)
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    said = _CODE.sub(lambda match: repr(chr(int(match[1], 16))), _NEAR.sub("", words))
    said = said.replace("b'", "").replace("'", "") if "b'" in said else said
    return ConfigError(
        f"{path}, line {line}, column {column}: {said[0].lower()}{said[1:]}. "
        "JSON with comments is expected; correct the file and start again."
    )


def _place(near: int, found: object, text: str) -> int:
    """Where the fault is: the parser's place may be one or two characters off."""
    if isinstance(found, str) and found:
        for at in (near, near - 1, near + 1, near + 2, near - 2):
            if 0 <= at < len(text) and text[at] == found:
                return at
    return min(max(near - 1, 0), len(text))


def _refuse_odd(value: Any, path: Path, depth: int = 0) -> None:
    """Refuse what no answer could carry: ``NaN``, ``Infinity``, a well of brackets."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"{path}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{path}: {value} is not a number that can be used")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        _refuse_odd(each, path, depth + 1)


def _unusable(findings: Findings, path: Path) -> ConfigError:
    first, *others = findings.problems
    lines = [f"expected {first.expected}, found {first.found}"]
    lines += [str(problem) for problem in others]
    lines.append(f"Correct {path} and start again.")
    return ConfigError("\n".join(lines), first.path)


def _hash(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()
