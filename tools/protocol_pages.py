"""The protocol reference for people, from the one JSON Schema; describes nothing by itself."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from openclaw.protocol.document import json_schema

Schema = Mapping[str, Any]

_MADE = ".. Made by ``make generated`` from the types that decode the wire; edit those instead.\n\n"
_METHODS = """\
Methods
=======

Each method as a client calls it: ``{"type": "req", "id": …, "method": …, "params": {…}}``. Unknown
properties of ``params`` are ignored; a property that may be absent is left out, never ``null``.
The machine-readable form is :download:`schema.json`, which ``openclaw protocol schema`` prints too.
"""
_EVENTS = """\
Events
======

Each event as the gateway sends it: ``{"type": "event", "event": …, "payload": {…}, "seq": …}``.
``seq`` counts per connection, without holes. A scope says who receives it.
"""
_TYPES = """\
Types
=====

The objects that methods and events share, by name.
"""


def schema_text() -> str:
    """The JSON Schema as a file."""
    return json.dumps(json_schema(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def methods_page() -> str:
    """One section for each method."""
    document = json_schema()
    parts = [_MADE, _METHODS]
    for name, method in document["methods"].items():
        parts.append(_heading(name, "-"))
        parts.append(f"{_sentence(method['summary'])}\n\n")
        parts.append(f"*Scope:* {_scope(method['scope'])}")
        parts.append(" · *idempotency key:* required\n" if method["idempotencyKey"] else "\n")
        parts.append(_part("Params", method["params"], document["$defs"]))
        parts.append(_part("Result", method["result"], document["$defs"]))
    return "".join(parts)


def events_page() -> str:
    """One section for each event."""
    document = json_schema()
    parts = [_MADE, _EVENTS]
    for name, event in document["events"].items():
        parts.append(_heading(name, "-"))
        parts.append(f"{_sentence(event['summary'])}\n\n*Scope:* {_scope(event['scope'])}\n")
        parts.append(_part("Payload", event["payload"], document["$defs"]))
    return "".join(parts)


def types_page() -> str:
    """One section for each named type."""
    document = json_schema()
    parts = [_MADE, _TYPES]
    for name, schema in sorted(document["$defs"].items()):
        parts.append(f"\n.. _type-{name}:\n{_heading(name, '-')}")
        if description := schema.get("description"):
            parts.append(f"{_plain(description)}\n")
        parts.append("".join(_fields(schema)) or f"\n{type_words(schema)}\n")
    return "".join(parts)


def type_words(schema: Schema) -> str:
    """Say a type in words, with links to the named ones."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f":ref:`{name} <type-{name}>`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_words(each) for each in schema[key]))
    if "enum" in schema:
        return " or ".join(f"``{json.dumps(value)}``" for value in schema["enum"])
    if "const" in schema:
        return f"``{json.dumps(schema['const'])}``"
    return _simple(schema)


def _simple(schema: Schema) -> str:
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"array of {', '.join(type_words(each) for each in schema['prefixItems'])}"
        return f"array of {type_words(schema['items'])}" if schema.get("items") else "array"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"object of {type_words(values)}" if isinstance(values, dict) else "object"
    if isinstance(kind, list):
        return " or ".join(kind)
    bounds = [f"{words} {schema[key]}" for key, words in _BOUNDS.items() if key in schema]
    return " ".join([str(kind or "anything"), *([f"({', '.join(bounds)})"] if bounds else [])])


_BOUNDS = {
    "minimum": "from",
    "maximum": "to",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
    "minLength": "at least this long:",
    "maxLength": "at most this long:",
    "pattern": "like",
}


def _part(title: str, schema: Schema, types: Mapping[str, Schema]) -> str:
    """Params, result or payload: its fields if it has any, else its type."""
    named = types.get(schema.get("$ref", "").rpartition("/")[2], schema)
    fields = "".join(_fields(named))
    if fields:
        return f"\n{title}\n{fields}"
    nothing = named.get("type") == "object" and not named.get("properties")
    return f"\n{title}: {'nothing' if nothing else type_words(schema)}\n"


def _fields(schema: Schema) -> Iterator[str]:
    """One line for each property, required ones marked."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        mark = ", required" if name in required else ""
        words = _plain(field.get("description", ""))
        yield f"    - ``{name}``: {type_words(field)}{mark}{'. ' + words if words else ''}\n"


def _heading(name: str, line: str) -> str:
    return f"\n{name}\n{line * len(name)}\n\n"


def _plain(text: str) -> str:
    """One paragraph; docstring fields are for readers of the code."""
    words = " ".join(text.partition("\n\n")[0].split())
    return re.sub(r":\w+:`~?([^`]*)`", r"``\1``", words)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _scope(scope: str | None) -> str:
    return f"``{scope}``" if scope else "none"
