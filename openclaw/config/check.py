"""Hold a parsed file against the schema, all faults at once; reads no file, changes nothing."""

import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import msgspec.structs
from attrs import Factory, frozen
from msgspec import Meta

from openclaw.config.redact import is_secret, redact_words
from openclaw.config.schema.fields import Section
from openclaw.config.units import decode_unit

_SHOWN_LENGTH = 60
_UNIONS = (Union, types.UnionType)
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
}


@frozen
class Problem:
    """One value that cannot be used.

    :ivar path: its JSON path, ``gateway.port``.
    """

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


@frozen
class Findings:
    """What a walk through one file brought up; paths in the order of the file.

    :ivar meant: by the path of an unknown key, the known one beside it that looks like it.
    """

    problems: list[Problem] = Factory(list)
    unknown: list[str] = Factory(list)
    not_served: list[str] = Factory(list)
    meant: dict[str, str] = Factory(dict)

    def walk(self, value: Any, expected: Any, path: str) -> None:
        """Compare one value with its type, and everything below it.

        :param path: JSON path of the value; empty for the whole file.
        """
        kind, _ = unwrapped(expected)
        deeper = list(_below(value, kind))
        if deeper or _is_container(value, kind):
            for key, inner, inner_kind in deeper:
                self._enter(value, key, inner, inner_kind, path)
                if inner_kind is None:
                    self._guess(key, kind, join(path, key))
            self._required(value, kind, path)
        elif not _fits(value, expected):
            secret = any(map(is_secret, re.split(r'[.\[\]"]+', path)))
            self.problems.append(Problem(path, in_words(expected), describe(value, secret)))

    def _enter(self, holder: Any, key: str, inner: Any, kind: Any, path: str) -> None:
        inner_path = join(path, key, isinstance(holder, list))
        if kind is None:
            self.unknown.append(inner_path)
            return
        if unwrapped(kind)[1] == "later":
            self.not_served.append(inner_path)
        self.walk(inner, kind, inner_path)

    def _guess(self, key: str, kind: Any, path: str) -> None:
        """Find the key that was meant by an unknown one."""
        from difflib import get_close_matches  # Most files have no mistake.

        section = section_in(kind)
        fields = () if section is None else msgspec.structs.fields(section)
        near = get_close_matches(key, [field.encode_name for field in fields], 1)
        if near:
            self.meant[path] = near[0]

    def _required(self, value: Any, kind: Any, path: str) -> None:
        section = section_in(kind)
        if section is None or not isinstance(value, Mapping):
            return
        for field in msgspec.structs.fields(section):
            if field.required and field.encode_name not in value:
                missing = join(path, field.encode_name)
                self.problems.append(Problem(missing, in_words(field.type), "nothing"))


def join(path: str, key: str, is_index: bool = False) -> str:
    """Add one step to a JSON path; a key with a dot in it, or nothing, is quoted."""
    if is_index:
        return f"{path}[{key}]"
    step = f'["{key}"]' if "." in key or not key else key
    return step if not path else f"{path}{step}" if step[0] == "[" else f"{path}.{step}"


def describe(value: Any, secret: bool = False) -> str:
    """Say what was found; of a secret, and of what is below a value, only the kind."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return msgspec.json.encode(value).decode()
    if secret:
        return "a value that is not shown"
    text = redact_words(value) if isinstance(value, str) else str(value)
    shown = text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"
    return msgspec.json.encode(shown).decode() if isinstance(value, str) else shown


def unwrapped(kind: Any) -> tuple[Any, str]:
    """Split a field's type into the bare type and when a change applies."""
    if get_origin(kind) is not Annotated:
        return kind, ""
    meta = note_of(kind)
    return get_args(kind)[0], str((meta.extra or {}).get("applies", "")) if meta else ""


def in_words(expected: Any) -> str:
    """Describe a type to somebody who edits the file."""
    kind = unwrapped(expected)[0]
    origin = get_origin(kind)
    if origin in _UNIONS:
        choices = [in_words(inner) for inner in get_args(kind) if inner is not type(None)]
        return " or ".join(dict.fromkeys(choices)) + _bounds(expected)
    if origin is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(kind))
    if origin is tuple:
        return "a list"
    if origin is dict or section_in(kind):
        return "an object"
    words = getattr(kind, "expected", None) or _WORDS.get(kind, "a value")
    return str(words) + _bounds(expected)


def note_of(kind: Any) -> Meta | None:
    """Find what the schema says beside a field."""
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((note for note in notes if isinstance(note, Meta)), None)


def section_in(kind: Any) -> type[Section] | None:
    """Find the struct in a type, if an object may stand there."""
    choices = get_args(kind) if get_origin(kind) in _UNIONS else (kind,)
    return next((c for c in choices if isinstance(c, type) and issubclass(c, Section)), None)


def _bounds(kind: Any) -> str:
    meta = note_of(kind)
    if meta is None or meta.ge is None:
        return ""
    return f" from {meta.ge} to {meta.le}" if meta.le is not None else f" of at least {meta.ge}"


def _is_container(value: Any, kind: Any) -> bool:
    origin = get_origin(kind)
    if isinstance(value, Mapping):
        return origin is dict or section_in(kind) is not None
    return isinstance(value, list) and origin is tuple


def _below(value: Any, kind: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield key, value and type of what is below a value; the type of an unknown key is None."""
    if not _is_container(value, kind):
        return
    section = section_in(kind)
    if isinstance(value, list):
        yield from ((str(index), inner, get_args(kind)[0]) for index, inner in enumerate(value))
    elif section is not None:
        known = {field.encode_name: field.type for field in msgspec.structs.fields(section)}
        yield from ((key, inner, known.get(key)) for key, inner in value.items())
    else:
        yield from ((key, inner, get_args(kind)[1]) for key, inner in value.items())


def _fits(value: Any, expected: Any) -> bool:
    try:
        msgspec.convert(value, expected, dec_hook=decode_unit)
    except msgspec.ValidationError:
        return False
    return True
