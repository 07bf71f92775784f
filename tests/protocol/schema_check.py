"""Checks a value against the part of JSON Schema that the protocol's document uses."""

from collections.abc import Iterator
from typing import Any

_KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}
# What is read below, and what says nothing about a value.
_READ = {
    "$ref",
    "anyOf",
    "enum",
    "type",
    "required",
    "properties",
    "items",
    "minLength",
    "maxLength",
}
_READ |= {"minimum", "maximum", "additionalProperties"}
_SAID = {"title", "description", "default", "discriminator", "maxItems", "minItems", "prefixItems"}


def faults(value: Any, schema: dict[str, Any], defs: dict[str, Any], at: str = "") -> Iterator[str]:
    """What is wrong with a value.

    :raises ValueError: a keyword that this check does not know.
    """
    if unknown := schema.keys() - _READ - _SAID:
        raise ValueError(f"keywords that are not checked: {sorted(unknown)}")
    if "$ref" in schema:
        yield from faults(value, defs[schema["$ref"].rpartition("/")[2]], defs, at)
        return
    if "anyOf" in schema:
        tried = [list(faults(value, one, defs, at)) for one in schema["anyOf"]]
        if all(tried):
            yield f"{at}: none of {len(tried)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: not one of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: not {schema['type']}"
        return
    yield from _size(value, schema, at)
    yield from _parts(value, schema, defs, at)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _size(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at}: length"
    elif isinstance(value, int | float) and (
        value < schema.get("minimum", value) or value > schema.get("maximum", value)
    ):
        yield f"{at}: out of range"


def _parts(value: Any, schema: dict[str, Any], defs: dict[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, list) and "items" in schema:
        for number, one in enumerate(value):
            yield from faults(one, schema["items"], defs, f"{at}/{number}")
    if not isinstance(value, dict):
        return
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: lacks {name}"
    for name, one in value.items():
        if name in known:
            yield from faults(one, known[name], defs, f"{at}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}: unknown {name}"
